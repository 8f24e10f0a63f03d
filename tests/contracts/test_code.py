"""What the code does is what the contracts say: who hears, who speaks, and that what is heard can be taken in."""

import ast
import contextlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.inventory.usecases.importing import CardSealer
from services.order.usecases.changes import OrderNotFoundError
from services.points.domain.earning import Terms
from services.settlement.domain.components import ContractLockError
from services.settlement.usecases.books import Books
from shared.clock import utc_now
from shared.contracts import EVENTS, TOPICS, Envelope, Event, OrderPaidV1, decode
from shared.contracts.samples import of
from shared.crypto import Keyring
from shared.database import Database
from shared.messaging import Handler
from tests.conftest import ServiceDatabaseMaker

ROOT = Path(__file__).parents[2]
SERVICES = sorted({topic.producer for topic in TOPICS})
SEALER = CardSealer(Keyring(latest=1, keys={1: bytes(32)}), bytes(32))
MADE: Mapping[str, Callable[[Any], Mapping[type[Event], Handler[Any]]]] = {
    "inventory": lambda module: module.handlers(SEALER),
    "points": lambda module: module.handlers(Terms(pending_for=timedelta(days=7), lifetime_months=12)),
    "settlement": lambda module: module.handlers(Books(), clock=utc_now),
    "risk": lambda module: module.handlers(case_due_after=timedelta(minutes=30)),
}
"""The services whose handlers are made by a function, and how."""


def handlers_of(service: str) -> Mapping[type[Event], Handler[Any]]:
    module = importlib.import_module(f"services.{service}.consumers")
    known: Mapping[type[Event], Handler[Any]] = MADE[service](module) if service in MADE else module.HANDLERS
    return known


def test_every_service_writes_something() -> None:
    assert sorted(path.parent.name for path in (ROOT / "services").glob("*/main.py")) == SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_hears_the_topics_it_is_listed_for_and_no_other(service: str) -> None:
    heard = {kind.TOPIC for kind in handlers_of(service)}
    assert heard == {topic.name for topic in TOPICS if service in topic.consumers}


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in EVENTS])
def test_what_can_be_said_is_said_by_its_producer(kind: type[Event]) -> None:
    (producer,) = [topic.producer for topic in TOPICS if topic.name == kind.TOPIC]
    home = ROOT / "services" / producer
    modules = [home / "events.py"] if (home / "events.py").exists() else sorted((home / "events").glob("*.py"))
    assert kind.__name__ in {name for module in modules for name in called(module)}


def called(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def refusal(service: str, kind: type[Event]) -> AbstractContextManager[object]:
    """The order service refuses orders that it never made, settlement shares by a contract that it never published."""
    if service == "order" and kind.TOPIC in {"card", "settlement", "risk"}:
        return pytest.raises(OrderNotFoundError)
    if (service, kind) == ("settlement", OrderPaidV1):
        return pytest.raises(ContractLockError)
    return contextlib.nullcontext()


@pytest.mark.parametrize("service", SERVICES)
async def test_examples_can_be_taken_in_whatever_came_before(
    service_database: ServiceDatabaseMaker, service: str
) -> None:
    """Order across topics is not promised: a handler that lacks another fact stores what it has, and does not raise.

    Every example goes in, forwards and then backwards, so that each comes before and after each other, and twice. What is
    refused is a mistake of somebody else's, whatever comes later: see `refusal`.
    """
    database = Database.connect((await service_database(service)).url, application_name="tests")
    handlers = handlers_of(service)
    try:
        for kind in (*handlers, *reversed(list(handlers))):
            envelopes: list[Envelope[Any]] = [decode(json.dumps(record).encode(), kind) for _, record in of(kind)]
            with refusal(service, kind):
                async with database.begin() as uow:
                    await handlers[kind](uow, envelopes)
    finally:
        await database.close()
