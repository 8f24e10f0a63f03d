"""A service of no business: messaging's tables and one table of effects, in which nothing keeps an effect from happening twice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, Identity, Table, Text, Uuid

from shared.clock import new_id, utc_now
from shared.contracts import Envelope, OrderCancelledV1, OrderCompletedV1
from shared.database import Database, UnitOfWork, metadata
from shared.messaging import (
    Consumer,
    ConsumerOptions,
    Relay,
    RelayOptions,
    RetryOptions,
    announce,
    inbox_table,
    outbox_table,
    parked_table,
)
from tests.support.brokers import TestBroker

METADATA = metadata("house")
outbox_table(METADATA)
inbox_table(METADATA)
parked_table(METADATA)
Table(
    "effects",
    METADATA,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("note", Text, nullable=False),
)

WITHIN_S = 45.0
QUICK_RETRY = RetryOptions(delays_s=(0.01, 0.01), unavailable_first_s=0.05, unavailable_longest_s=0.2)
QUICK_CONSUMER = ConsumerOptions(poll_s=0.1, session_s=6.0)


async def make_tables(database: Database) -> None:
    async with database.begin() as uow:
        await uow.sql.run_sync(METADATA.create_all)


async def say(database: Database, order_id: UUID, *notes: str) -> None:
    """Announce one fact per note, in one unit of work."""
    async with database.begin() as uow:
        announce(uow, *(OrderCancelledV1(order_id=order_id, reason=note) for note in notes), now=utc_now())


async def note_effects(uow: UnitOfWork, events: Sequence[Envelope[OrderCancelledV1]]) -> None:
    """A handler: one row per event, in their order."""
    await uow.raw.execute(
        "INSERT INTO effects (order_id, note) SELECT * FROM unnest($1::uuid[], $2::text[])",
        [event.data.order_id for event in events],
        [event.data.reason for event in events],
    )


async def note_completions(uow: UnitOfWork, events: Sequence[Envelope[OrderCompletedV1]]) -> None:
    for event in events:
        await uow.raw.execute("INSERT INTO effects (order_id, note) VALUES ($1, 'completed')", event.data.order_id)


async def effects(database: Database, order_id: UUID) -> list[str]:
    """The notes of one order, in the order in which they took effect."""
    async with database.read() as uow:
        rows = await uow.raw.fetch("SELECT note FROM effects WHERE order_id = $1 ORDER BY id", order_id)
        return [row["note"] for row in rows]


async def unpublished(database: Database) -> int:
    return int(await fetchval(database, "SELECT count(*) FROM outbox WHERE published_at IS NULL"))


async def fetchval(database: Database, statement: str, *arguments: object) -> Any:
    async with database.read() as uow:
        return await uow.raw.fetchval(statement, *arguments)


async def eventually(met: Callable[[], Awaitable[bool]], *, within_s: float = WITHIN_S) -> None:
    """Ask again and again until the condition is met."""
    async with asyncio.timeout(within_s):
        while not await met():  # noqa: ASYNC110  (the condition lives in a database)
            await asyncio.sleep(0.03)


async def until_effects(database: Database, order_id: UUID, count: int) -> list[str]:
    async def met() -> bool:
        return len(await effects(database, order_id)) >= count

    await eventually(met)
    return await effects(database, order_id)


@contextlib.asynccontextmanager
async def running(*parts: Relay | Consumer) -> AsyncIterator[None]:
    """Let these run; on the way out they stop in good order, and soon."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(part.run(stop)) for part in parts]
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(15):
            await asyncio.gather(*tasks)


def make_relay(database: Database, broker: TestBroker, **options: Any) -> Relay:
    settings = {"poll_s": 0.2, "settle_s": 0.5, "check_s": 1.0, "frozen_s": 4.0, **options}
    return Relay(database, broker.bootstrap, "house", options=RelayOptions(**settings))


def make_consumer(
    database: Database,
    broker: TestBroker,
    group: str,
    handlers: Any = None,
    *,
    instance: str = "0",
    inbox_of: str | None = None,
) -> Consumer:
    """`inbox_of` makes it the same consumer as another, in a group without offsets: everything is delivered again."""
    consumer = Consumer(
        database,
        broker.bootstrap,
        broker.flavour,
        group,
        handlers or {OrderCancelledV1: note_effects},
        instance=instance,
        options=QUICK_CONSUMER,
        retry=QUICK_RETRY,
    )
    consumer.processor._consumer = inbox_of or group
    return consumer


def new_group() -> str:
    """Topics are shared between tests; a group of one's own sees every record, and none that another group took."""
    return f"house-{new_id()}"


def numbered(count: int) -> Iterable[str]:
    return [f"{number:04d}" for number in range(count)]
