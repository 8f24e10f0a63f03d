"""The whole service as it runs: an order's payment comes in by the broker, and the member's tier goes out by it."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.membership.settings import Settings
from shared.clock import utc_now
from shared.contracts import Event, OrderFulfilledV1, OrderPaidV1, OrderRefundedV1, decode
from shared.contracts.samples import of
from shared.messaging.delivery import HEADER_ID, HEADER_SCHEMA, Delivery
from shared.settings import ProcessRole
from tests.membership.house import House, a_delivery, open_house
from tests.membership.orders import a_payment
from tests.support.brokers import TestBroker


@pytest.mark.parametrize("kind", [OrderPaidV1, OrderRefundedV1, OrderFulfilledV1])
async def test_what_the_contracts_show_as_examples_is_understood(house: House, kind: type[Event]) -> None:
    examples = [decode(json.dumps(record).encode(), kind).data for _, record in of(kind)]
    assert examples
    await house.hear(*examples)


async def test_from_a_payment_to_the_tier_through_the_broker(membership_settings: Settings, broker: TestBroker) -> None:
    whole = membership_settings.model_copy(
        update={
            "roles": frozenset(ProcessRole),
            "kafka_bootstrap": broker.bootstrap,
            "kafka_flavour": broker.flavour,
        }
    )
    async with open_house(whole) as house:
        member_id = UUID((await house.register())["member_id"])
        await _publish(broker, a_delivery(a_payment(150_000, member_id=member_id, paid_at=utc_now())))
        heard = await _records(broker, "member", member_id, count=3)
    assert [record["type"] for record in heard] == ["member.registered", "member.tier_changed", "member.tier_changed"]
    assert [record["data"].get("tier") for record in heard] == [None, "regular", "silver"]
    assert heard[2]["data"]["price_bp"] == 9_500


async def _publish(broker: TestBroker, delivery: Delivery) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    try:
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
