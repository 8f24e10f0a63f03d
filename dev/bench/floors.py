"""The floors: what PostgreSQL and the broker do when nothing of ours is in the way, in the same run."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from aiokafka import AIOKafkaProducer

SCRATCH = "bench_scratch"
CLAIM_SET = 500
CLAIM_ROWS = 40_000
RAW_RECORDS = 30_000
RECORD_BYTES = 700
TOPIC = "statement"
"""A topic that nobody consumes."""


@asynccontextmanager
async def scratch_database(superuser_dsn: str) -> AsyncIterator[str]:
    """A database of the bench's own beside those of the services; answers its DSN."""
    admin = await asyncpg.connect(superuser_dsn)
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {SCRATCH}")
        yield superuser_dsn.rpartition("/")[0] + f"/{SCRATCH}"
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")
        await admin.close()


async def claims_per_s(dsn: str) -> float:
    """Cards claimed per second by one connection, in sets of 500, one transaction a set, nothing else written."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "CREATE TABLE card (id bigint PRIMARY KEY, sku int NOT NULL, state text NOT NULL, ciphertext bytea NOT NULL);"
            "CREATE INDEX card_free ON card (sku, id) WHERE state = 'available'"
        )
        await connection.execute(
            "INSERT INTO card SELECT n, n % 20, 'available', sha256(n::text::bytea) FROM generate_series(1, $1::int) n",
            CLAIM_ROWS,
        )
        await connection.execute("ANALYZE card")
        began = time.perf_counter()
        for number in range(CLAIM_ROWS // CLAIM_SET):
            await connection.fetch(_CLAIM, number % 20, CLAIM_SET)
        return CLAIM_ROWS / (time.perf_counter() - began)
    finally:
        await connection.close()


async def records_per_s(bootstrap: str) -> float:
    """Records per second that one plain producer gets acknowledged by the broker (acks=all, idempotent)."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5, max_batch_size=256 * 1024
    )
    await producer.start()
    try:
        value = b"x" * RECORD_BYTES
        began = time.perf_counter()
        waiting = [await producer.send(TOPIC, value, key=str(number).encode()) for number in range(RAW_RECORDS)]
        for one in waiting:
            await one
        return RAW_RECORDS / (time.perf_counter() - began)
    finally:
        await producer.stop()


_CLAIM = """
UPDATE card SET state = 'issued'
WHERE id IN (SELECT id FROM card WHERE sku = $1 AND state = 'available' ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id
"""
