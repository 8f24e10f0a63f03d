"""The whole service as it runs: a delivery comes in by the broker, and the word about its points goes out by it."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.points.main import build
from services.points.settings import Settings
from shared.clock import new_id
from shared.contracts import CardIssuedV1, CardRevokedV1, Event, decode
from shared.contracts.samples import of
from shared.messaging.delivery import HEADER_ID, HEADER_SCHEMA, Delivery
from shared.settings import Environment, ProcessRole
from tests.conftest import ServiceDatabaseMaker
from tests.points.house import House, a_delivery, a_revocation, an_issue
from tests.support.brokers import TestBroker


@pytest.mark.parametrize("kind", [CardIssuedV1, CardRevokedV1])
async def test_what_the_contracts_show_as_examples_is_understood(house: House, kind: type[Event]) -> None:
    examples = [decode(json.dumps(record).encode(), kind).data for _, record in of(kind)]
    assert examples
    await house.hear(*examples)
    await house.assert_books_tie()


async def test_from_a_delivery_to_its_points_through_the_broker(
    service_database: ServiceDatabaseMaker, keys_directory: Path, broker: TestBroker
) -> None:
    settings = Settings(
        database_url=(await service_database("points")).url,
        keys_dir=keys_directory,
        environment=Environment.TEST,
        roles=frozenset(ProcessRole),
    ).model_copy(update={"kafka_bootstrap": broker.bootstrap, "kafka_flavour": broker.flavour})
    issue = an_issue(1_999, member_id=new_id())
    app = build(settings)
    async with app.router.lifespan_context(app):
        await _publish(broker, [a_delivery(issue), a_delivery(a_revocation(issue))])
        heard = await _records(broker, "points", issue.order_id, count=2)
    assert [record["type"] for record in heard] == ["points.accrued", "points.reversed"]
    assert {record["source"] for record in heard} == {"/points"}
    assert [record["data"]["points"] for record in heard] == [19, 19]


async def _publish(broker: TestBroker, deliveries: list[Delivery]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    try:
        for delivery in deliveries:
            headers = [(HEADER_ID, str(delivery.event_id).encode()), (HEADER_SCHEMA, delivery.dataschema.encode())]
            await producer.send_and_wait(delivery.topic, delivery.payload, key=delivery.key.encode(), headers=headers)
    finally:
        await producer.stop()


async def _records(broker: TestBroker, topic: str, key: UUID, *, count: int) -> list[dict[str, Any]]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
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
