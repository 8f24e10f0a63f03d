"""The whole service as it runs: facts come in by the broker in any order, the split goes out, the ledger gets sealed."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI

from services.settlement.main import build, verify
from services.settlement.settings import Settings
from shared.clock import new_id, utc_now
from shared.contracts import (
    CardIssuedV1,
    CardRedeemedV1,
    CardRevokedV1,
    Event,
    OrderPaidV1,
    OrderRefundedV1,
    OrderSurplusPaidV1,
    OrderSurplusRefundedV1,
    PointsAccruedV1,
    PointsReversedV1,
    decode,
    encode,
    wrap,
)
from shared.contracts.envelope import dataschema
from shared.contracts.samples import of
from shared.messaging.delivery import HEADER_ID, HEADER_SCHEMA
from shared.settings import Environment, ProcessRole
from tests.settlement.house import House
from tests.settlement.purchases import Purchase
from tests.support.brokers import TestBroker
from tests.support.databases import TestDatabase

HEARD = (
    OrderPaidV1,
    CardIssuedV1,
    PointsAccruedV1,
    CardRedeemedV1,
    CardRevokedV1,
    PointsReversedV1,
    OrderRefundedV1,
    OrderSurplusPaidV1,
    OrderSurplusRefundedV1,
)


@pytest.mark.parametrize("kind", [kind for kind in HEARD if kind is not OrderPaidV1])
async def test_what_the_contracts_show_as_examples_is_understood(house: House, kind: type[Event]) -> None:
    examples = [decode(json.dumps(record).encode(), kind).data for _, record in of(kind)]
    assert examples
    await house.deliver(*examples)
    assert sum((await house.balances()).values()) == 0


@pytest.fixture
async def running(
    settlement_database: TestDatabase, keys_directory: Path, broker: TestBroker
) -> AsyncIterator[Settings]:
    """The service with all its roles, on the house's database."""
    settings = Settings(
        database_url=settlement_database.url,
        keys_dir=keys_directory,
        environment=Environment.TEST,
        roles=frozenset(ProcessRole),
    ).model_copy(update={"kafka_bootstrap": broker.bootstrap, "kafka_flavour": broker.flavour})
    async with _served(build(settings)):
        yield settings


async def test_from_three_facts_to_a_split_and_a_sealed_ledger(
    house: House, running: Settings, broker: TestBroker
) -> None:
    house.now = utc_now()
    purchase = Purchase(contract=await house.two_brands())
    await _publish(broker, [purchase.accrued(), purchase.issued(), purchase.paid()])
    (split,) = await _records(broker, purchase.order_id, count=1)
    assert (split["type"], split["source"], split["subject"]) == (
        "settlement.split",
        "/settlement",
        str(purchase.order_id),
    )
    assert sum(leg["amount_minor"] for leg in split["data"]["legs"]) == purchase.amount_minor
    assert await _soon(house, "SELECT block_no FROM blocks")
    assert await verify(running)


@pytest.mark.usefixtures("running")
async def test_a_wrong_hash_goes_to_the_dead_letters_and_the_next_order_goes_on(
    house: House, broker: TestBroker
) -> None:
    house.now = utc_now()
    contract = await house.two_brands()
    wrong, right = Purchase(contract=contract), Purchase(contract=contract)
    paid = [wrong.paid(contract_hash="0" * 64), right.paid()]
    await _publish(broker, [*paid, wrong.issued(), right.issued(), wrong.accrued(), right.accrued()])
    await _records(broker, right.order_id, count=1)
    ((key, schema, reason),) = await _soon(house, "SELECT key, dataschema, reason FROM parked_records")
    assert (key, schema) == (str(wrong.order_id), "order.paid/v1")
    assert "0000" in reason
    assert str(wrong.component_id) in reason
    ((waiting,),) = await house.rows("SELECT count(*) FROM components WHERE split_at IS NULL")
    assert waiting <= 1


async def _soon(house: House, query: str) -> Sequence[tuple[Any, ...]]:
    """The rows, once there are any; none after half a minute."""
    for _ in range(300):
        if rows := await house.rows(query):
            return rows
        await asyncio.sleep(0.1)
    return []


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield


async def _publish(broker: TestBroker, events: Sequence[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    try:
        for event in events:
            event_id = new_id()
            value = encode(wrap(event, event_id=event_id, source="/test", time=utc_now()))
            headers = [(HEADER_ID, str(event_id).encode()), (HEADER_SCHEMA, dataschema(type(event)).encode())]
            await producer.send_and_wait(event.TOPIC, value, key=str(event.key).encode(), headers=headers)
    finally:
        await producer.stop()


async def _records(broker: TestBroker, key: UUID, *, count: int) -> list[dict[str, Any]]:
    consumer = AIOKafkaConsumer("settlement", bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    heard: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(60):
            async for record in consumer:
                if record.key == str(key).encode():
                    heard.append(json.loads(record.value))
                if len(heard) == count:
                    break
    finally:
        await consumer.stop()
    return heard
