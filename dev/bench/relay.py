"""The relay alone: how fast it takes committed rows from an outbox to the broker, every acknowledgement awaited."""

import asyncio
import time

import asyncpg

from shared.clock import new_id
from shared.database import Database, metadata
from shared.messaging import Relay, outbox_table

ROWS = 30_000
WITHIN_S = 60
LOOK_EVERY_S = 0.05
PAYLOAD_BYTES = 700
TOPIC = "statement"
"""A topic that nobody consumes."""


async def published_per_s(dsn: str, bootstrap: str) -> float:
    """Rows published and marked per second, from an outbox of `ROWS` rows in the scratch database."""
    connection = await asyncpg.connect(dsn)
    database = Database.connect(dsn.replace("postgresql://", "postgresql+asyncpg://", 1), application_name="bench")
    try:
        await _fill(database, connection)
        stop = asyncio.Event()
        relay = asyncio.create_task(Relay(database, bootstrap, "bench").run(stop))
        already = await _wait_for(connection, 1)
        began = time.perf_counter()
        done = await _wait_for(connection, ROWS)
        took = time.perf_counter() - began
        stop.set()
        await relay
        return (done - already) / took
    finally:
        await database.close()
        await connection.close()


async def _fill(database: Database, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    tables = metadata("bench")
    outbox_table(tables)
    async with database.read() as uow:
        await uow.sql.run_sync(tables.create_all)
    rows = [(new_id(), TOPIC, str(new_id()), "statement.ready/v1", b"x" * PAYLOAD_BYTES) for _ in range(ROWS)]
    await connection.executemany(
        "INSERT INTO outbox (event_id, topic, key, dataschema, payload) VALUES ($1, $2, $3, $4, $5)", rows
    )


async def _wait_for(connection: "asyncpg.Connection[asyncpg.Record]", wanted: int) -> int:
    """How many are published, as soon as it is `wanted` or more.

    :raises TimeoutError: not within `WITHIN_S`.
    """
    deadline = time.perf_counter() + WITHIN_S
    while time.perf_counter() < deadline:
        done = await connection.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL")
        if done >= wanted:
            return int(done)
        await asyncio.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"the relay published fewer than {wanted} rows in {WITHIN_S} s")
