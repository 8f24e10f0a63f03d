"""What risk hears, from records as they stand in the contracts' examples to what follows from them."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.risk.consumers import handlers
from services.risk.settings import Settings
from shared.clock import new_id, utc_now
from shared.contracts import (
    CardRevealedV1,
    Envelope,
    Event,
    MemberRegisteredV1,
    OrderPaidV1,
    OrderRefundedV1,
    OrderRefundRequestedV1,
    dataschema,
    decode,
)
from shared.contracts.samples import of
from shared.database import Database
from shared.settings import ProcessRole
from tests.risk.client import RiskClient, eventually
from tests.risk.conftest import running
from tests.risk.factories import NOON
from tests.support.brokers import TestBroker

HANDLERS = handlers(case_due_after=timedelta(minutes=30))


def example(kind: type[Event], name: str, **changes: Any) -> dict[str, Any]:
    """A whole record, with another id each time."""
    record = next(record for path, record in of(kind) if path.stem == name)
    data = {**record["data"], **changes}
    return {**record, "id": str(new_id()), "subject": data[kind.KEY], "data": data}


async def hear(database: Database, kind: type[Event], records: Sequence[dict[str, Any]]) -> None:
    """As the consumer runtime does: decoded, in one transaction."""
    envelopes: list[Envelope[Any]] = [decode(json.dumps(record).encode(), kind) for record in records]
    async with database.begin() as uow:
        await HANDLERS[kind](uow, envelopes)


async def rows(database: Database, statement: str) -> list[tuple[Any, ...]]:
    async with database.read() as uow:
        return [tuple(row) for row in await uow.raw.fetch(statement)]


async def test_only_held_orders_open_cases(database: Database) -> None:
    plain = [example(OrderPaidV1, "by-provider", order_id=str(uuid4())) for _ in range(3)]
    held = [example(OrderPaidV1, "held-for-review", order_id=str(uuid4())) for _ in range(2)]
    await hear(database, OrderPaidV1, [plain[0], held[0], plain[1], held[1], plain[2]])
    found = await rows(database, "select order_id::text, amount_minor, currency, state from cases order by case_id")
    assert found == [(record["data"]["order_id"], 2_350, "CNY", "open") for record in held]


async def test_a_refund_of_the_whole_order_closes_its_case_and_a_part_does_not(database: Database) -> None:
    held = [example(OrderPaidV1, "held-for-review", order_id=str(uuid4())) for _ in range(2)]
    await hear(database, OrderPaidV1, held)
    refunds = [
        example(OrderRefundedV1, "one-component", order_id=record["data"]["order_id"], whole=whole)
        for record, whole in zip(held, (True, False), strict=True)
    ]
    await hear(database, OrderRefundedV1, refunds)
    assert await rows(database, "select state from cases order by case_id") == [("moot",), ("open",)]


async def test_a_review_that_is_over_closes_its_case_and_another_refund_does_not(database: Database) -> None:
    held = [example(OrderPaidV1, "held-for-review", order_id=str(uuid4())) for _ in range(2)]
    await hear(database, OrderPaidV1, held)
    over, refunded = (record["data"]["order_id"] for record in held)
    asked = [
        example(OrderRefundRequestedV1, "nobody-reviewed-it", order_id=over),
        example(OrderRefundRequestedV1, "buyer-returns-one-component", order_id=refunded),
    ]
    await hear(database, OrderRefundRequestedV1, asked)
    found = await rows(database, "select order_id::text, state, decided_by from cases order by case_id")
    assert found == [(over, "moot", "system"), (refunded, "open", None)]


async def test_first_reveals_of_members_are_remembered(database: Database) -> None:
    records = [
        example(CardRevealedV1, "first-look", entitlement_id=str(uuid4())),
        example(CardRevealedV1, "first-look", entitlement_id=str(uuid4()), first=False),
        example(CardRevealedV1, "first-look", entitlement_id=str(uuid4()), member_id=None),
    ]
    await hear(database, CardRevealedV1, [*records, records[0]])
    found = await rows(database, "select entitlement_id::text from reveals")
    assert found == [(records[0]["data"]["entitlement_id"],)]


async def test_members_and_their_age_are_remembered_once(database: Database) -> None:
    record = example(MemberRegisteredV1, "invited")
    later = example(MemberRegisteredV1, "invited", registered_at=NOON.isoformat())
    await hear(database, MemberRegisteredV1, [record])
    await hear(database, MemberRegisteredV1, [later])
    ((registered_at,),) = await rows(database, "select registered_at from accounts")
    assert registered_at.isoformat() == record["data"]["registered_at"].replace(".533Z", ".533000+00:00")


@pytest.mark.parametrize("kind", [pytest.param(kind, id=kind.__name__) for kind in HANDLERS])
async def test_nothing_to_do_is_nothing_done(database: Database, kind: type[Event]) -> None:
    _, record = of(kind)[0]
    quiet = {"held": False, "whole": False, "first": False, "review_expired": False}
    data = {**record["data"], **{name: value for name, value in quiet.items() if name in record["data"]}}
    await hear(database, kind, [{**record, "data": data}])
    assert await rows(database, "select order_id from cases union all select entitlement_id from reveals") == []


async def test_from_a_held_payment_to_the_reviewers_word_through_the_broker(
    settings: Settings, broker: TestBroker
) -> None:
    """The order service's record comes in by Kafka; the word goes out by the outbox and Kafka."""
    whole = settings.model_copy(
        update={
            "roles": frozenset(ProcessRole) - {ProcessRole.JOBS},
            "kafka_bootstrap": broker.bootstrap,
            "kafka_flavour": broker.flavour,
        }
    )
    record = example(OrderPaidV1, "held-for-review", order_id=str(uuid4()))
    order_id = record["data"]["order_id"]
    async with running(whole) as (_, risk):
        await publish(broker, record, OrderPaidV1)
        case = await case_of(risk, order_id)
        path = f"/v1/ops/risk/cases/{case['case_id']}/deny"
        assert (await risk.call("POST", path, body={"note": "a stolen card"})).status_code == 200
        heard = await wait_for_record(broker, "risk", order_id)
    assert (heard["type"], heard["source"], heard["data"]["order_id"]) == ("risk.denied", "/risk", order_id)
    assert heard["data"]["reasons"] == ["risk.not_asked"]


async def publish(broker: TestBroker, record: dict[str, Any], kind: type[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(
            kind.TOPIC,
            json.dumps(record).encode(),
            key=record["subject"].encode(),
            headers=[("dataschema", dataschema(kind).encode())],
        )
    finally:
        await producer.stop()


async def case_of(risk: RiskClient, order_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    async def opened() -> bool:
        items = (await risk.get("/v1/ops/risk/cases"))["items"]
        found.extend(case for case in items if case["order_id"] == order_id)
        return bool(found)

    await eventually(opened, within_s=60.0)
    return found[0]


async def wait_for_record(broker: TestBroker, topic: str, key: str) -> dict[str, Any]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            async for record in consumer:
                if record.key == key.encode():
                    heard: dict[str, Any] = json.loads(record.value)
                    return heard
    finally:
        await consumer.stop()
    raise AssertionError(f"nothing about {key} in {topic} by {utc_now()}")
