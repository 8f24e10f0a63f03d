from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from shared.clock import new_id, utc_now
from shared.contracts import Envelope, OrderCancelledV1
from shared.database import Database, UnitOfWork
from shared.messaging import Consumer, announce, list_parked, operations_router, replay, skip
from shared.messaging.dead_letters import ParkedRecord
from tests.shared.messaging.house import (
    effects,
    eventually,
    fetchval,
    make_consumer,
    make_relay,
    new_group,
    note_effects,
    numbered,
    running,
    say,
    until_effects,
)
from tests.support.brokers import TestBroker


@dataclass
class Picky:
    """Refuses some notes, after having written its effect: only a rollback undoes that. Notes of other tests pass."""

    refused: set[str] = field(default_factory=set)
    mine: set[UUID] = field(default_factory=set)

    async def __call__(self, uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]], /) -> None:
        await note_effects(uow, events)
        if any(event.data.reason in self.refused and event.data.order_id in self.mine for event in events):
            raise ValueError("these notes are refused")


@dataclass
class Place:
    house: Database
    consumer: Consumer
    picky: Picky

    def new_order(self) -> UUID:
        """Only what these are about is counted: the topics hold other tests' records too."""
        order_id = new_id()
        self.picky.mine.add(order_id)
        return order_id

    async def until_parked(self, count: int, waiting: int = 0) -> None:
        async def met() -> bool:
            return await self.count("parked") == count and await self.count("waiting") == waiting

        await eventually(met)

    async def count(self, state: str) -> int:
        statement = "SELECT count(*) FROM parked_records WHERE state = $1 AND left(key, 36) = ANY($2::text[])"
        return int(await fetchval(self.house, statement, state, [str(order_id) for order_id in self.picky.mine]))

    async def parked(self) -> ParkedRecord:
        """The only record of this test that is parked."""
        mine = {str(order_id) for order_id in self.picky.mine}
        async with self.house.read() as uow:
            (record,) = [record for record in await list_parked(uow) if record.key[:36] in mine]
        return record

    async def parked_id(self) -> int:
        return (await self.parked()).id


@pytest.fixture
async def place(house: Database, broker: TestBroker) -> AsyncIterator[Place]:
    picky = Picky()
    consumer = make_consumer(house, broker, new_group(), {OrderCancelledV1: picky})
    async with running(make_relay(house, broker), consumer):
        yield Place(house, consumer, picky)


async def test_a_bad_record_is_parked_its_key_waits_and_others_go_on(place: Place) -> None:
    place.picky.refused = {"bad"}
    bad, good = place.new_order(), [place.new_order() for _ in range(30)]
    async with place.house.begin() as uow:
        for order_id in [*good[:15], bad, *good[15:]]:
            for note in ("one", "bad" if order_id == bad else "two", "three"):
                announce_one(uow, order_id, note)
    for order_id in good:
        assert await until_effects(place.house, order_id, 3) == ["one", "two", "three"]
    await place.until_parked(1, waiting=1)
    await say(place.house, bad, "four")
    await place.until_parked(1, waiting=2)
    assert await effects(place.house, bad) == ["one"]
    record = await place.parked()
    assert (record.key, record.attempts, record.waiting) == (str(bad), 3, 2)
    assert record.reason == "ValueError: these notes are refused"


def announce_one(uow: UnitOfWork, order_id: UUID, note: str) -> None:
    announce(uow, OrderCancelledV1(order_id=order_id, reason=note), now=utc_now())


async def test_a_replay_takes_effect_in_order_and_the_key_flows_again(place: Place) -> None:
    place.picky.refused = {"0001"}
    order_id = place.new_order()
    await say(place.house, order_id, *numbered(6))
    await place.until_parked(1, waiting=4)
    place.picky.refused = set()
    settled = await replay(place.consumer, await place.parked_id())
    assert (settled.replayed, settled.stuck_at) == (5, None)
    assert await effects(place.house, order_id) == [*numbered(6)]
    await say(place.house, order_id, "then")
    assert await until_effects(place.house, order_id, 7) == [*numbered(6), "then"]


async def test_a_replay_stops_at_the_next_bad_record(place: Place) -> None:
    place.picky.refused = {"0001", "0003"}
    order_id = place.new_order()
    await say(place.house, order_id, *numbered(5))
    await place.until_parked(1, waiting=3)
    first = await place.parked_id()
    place.picky.refused = {"0003"}
    settled = await replay(place.consumer, first)
    assert settled.replayed == 2
    assert settled.stuck_at == await place.parked_id() != first
    assert await effects(place.house, order_id) == ["0000", "0001", "0002"]
    await say(place.house, order_id, "0005")
    await place.until_parked(1, waiting=2)
    assert (await skip(place.consumer, await place.parked_id())).replayed == 2
    assert await effects(place.house, order_id) == ["0000", "0001", "0002", "0004", "0005"]


async def test_a_replay_that_is_refused_changes_nothing(place: Place) -> None:
    place.picky.refused = {"bad"}
    order_id = place.new_order()
    await say(place.house, order_id, "bad", "good")
    await place.until_parked(1, waiting=1)
    async with client(place) as http:
        record = await place.parked_id()
        answer = await http.post(f"/internal/dead-letters/{record}/replay")
        assert (answer.status_code, answer.json()["code"]) == (409, "dead_letter.refused")
        assert await effects(place.house, order_id) == []
        assert (await place.parked()).attempts == 4


async def test_parked_records_reach_the_dead_letter_topic_with_their_reason(place: Place) -> None:
    place.picky.refused = {"bad"}
    order_id = place.new_order()
    await say(place.house, order_id, "bad")
    await place.until_parked(1)
    statement = "SELECT headers FROM outbox WHERE topic = 'order.dlt' AND key = $1"
    headers: dict[str, Any] = await fetchval(place.house, statement, str(order_id))
    assert headers["reason"] == '"ValueError: these notes are refused"'
    assert headers["original-topic"] == "order"
    assert headers["attempts"] == 3


async def test_a_record_that_cannot_be_read_is_parked_without_being_tried_again(
    place: Place, broker: TestBroker
) -> None:
    order_id = place.new_order()
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    headers = [("id", b"\x00nonsense"), ("dataschema", b"order.cancelled/v1"), ("traceparent", b"\x00\xff")]
    for value in (b"\x00{", b'{"specversion": "1.0", "secret": "4111"}', None):
        await producer.send("order", key=str(order_id).encode() + b"\x00", value=value, headers=headers)
    await producer.stop()
    await say(place.house, order_id, "readable")
    assert await until_effects(place.house, order_id, 1) == ["readable"]
    await place.until_parked(1, waiting=2)
    record = await place.parked()
    assert record.attempts == 1
    assert record.reason.startswith("UndecodableRecordError: not a valid order.cancelled/v1")
    assert "4111" not in record.reason


async def test_many_bad_records_do_not_hold_up_good_ones_for_long(place: Place) -> None:
    place.picky.refused = {"bad"}
    bad, good = [place.new_order() for _ in range(60)], [place.new_order() for _ in range(60)]
    async with place.house.begin() as uow:
        for one, other in zip(bad, good, strict=True):
            announce_one(uow, one, "bad")
            announce_one(uow, other, "good")
    for order_id in good:
        await until_effects(place.house, order_id, 1)
    await place.until_parked(60)


async def test_operators_see_and_settle_over_http(place: Place) -> None:
    place.picky.refused = {"bad"}
    order_id = place.new_order()
    await say(place.house, order_id, "bad", "good")
    await place.until_parked(1, waiting=1)
    place.picky.refused = set()
    async with client(place) as http:
        items = (await http.get("/internal/dead-letters")).json()["items"]
        (item,) = [item for item in items if item["key"] == str(order_id)]
        assert "payload" not in item
        figures = (await http.get("/internal/messaging")).json()
        assert figures["parked"] >= 1
        assert figures["waiting"] >= 1
        assert figures["handled_total"] > 0
        assert figures["retries_total"] > 0
        assert figures["outbox_oldest_s"] >= 0
        assert (await http.post("/internal/dead-letters/999999/skip")).status_code == 404
        answer = await http.post(f"/internal/dead-letters/{item['id']}/replay")
        assert answer.json() == {"replayed": 2, "stuck_at": None}
        again = await http.post(f"/internal/dead-letters/{item['id']}/replay")
        assert (again.status_code, again.json()["code"]) == (409, "dead_letter.settled")
        replayed = (await http.get("/internal/dead-letters", params={"state": "replayed"})).json()
        assert len(replayed["items"]) == 2
    assert await effects(place.house, order_id) == ["bad", "good"]


async def test_republishing_is_asked_for_over_http_and_has_no_second_effect(place: Place) -> None:
    order_id = place.new_order()
    await say(place.house, order_id, *numbered(20))
    await until_effects(place.house, order_id, 20)
    async with client(place) as http:
        answer = await http.post("/internal/republish", json={"since": "2020-01-01T00:00:00Z"})
        assert answer.status_code == 202
        assert answer.json()["ids"] >= 20

    async def refilled() -> bool:
        return bool(await fetchval(place.house, "SELECT count(*) = 0 FROM outbox_refill"))

    await eventually(refilled)
    await say(place.house, order_id, "after")
    assert await until_effects(place.house, order_id, 21) == [*numbered(20), "after"]


def client(place: Place) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(operations_router(place.house, place.consumer))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house")
