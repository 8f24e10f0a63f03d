"""Whether a request changed anything: rows counted before and after, once nothing else is under way."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

import asyncpg

from dev.client import Access
from dev.stack.topology import SERVICES

NOT_COMPARED: Mapping[str, str] = {
    "outbox": "notes what was announced",
    "outbox_positions": "notes what was announced",
    "inbox": "notes what was heard",
    "checkouts": "notes what was asked, not what came of it",
    "idempotency_keys": "notes what was asked, not what came of it",
    "failed_attempts": "notes what was refused",
    "payment_anomalies": "notes what was refused",
    "blocks": "sealed by the clock, out of journals that are compared themselves",
    "account_days": "added up when a block is sealed",
    "account_totals": "added up when a block is sealed",
}
"""Tables that may change while nothing happens to the product, and why. Risk has others: it notes every question."""

NOTES_EVERYTHING = "risk"

STILL_FOR_S = 1.5
"""Settlement seals about every second, a tenth more or less, and nobody else in the house waits longer for his turn."""

STILL_READINGS = 6
"""As many in a row: on a busy machine, where reading takes long, stillness has to last longer."""

LOOK_EVERY_S = 0.25
STILL_WITHIN_S = 60.0

Rows = Mapping[str, int]


@asynccontextmanager
async def nothing_changes(access: Access, *, but: Collection[str] = ()) -> AsyncIterator[None]:
    """What is done inside leaves every table of the product as it was, but for those named, which it does change."""
    before = await _rows_at_rest(access)
    yield
    after = await _count_rows(access)
    changed = {table: (before[table], after[table]) for table in _compared(after) if before[table] != after[table]}
    assert changed.keys() == set(but), changed


async def _rows_at_rest(access: Access) -> Rows:
    """The rows once nothing in the house has moved for a while: what earlier tests began has come to its end."""
    give_up = time.monotonic() + STILL_WITHIN_S
    rows, since, seen, moved = await _count_rows(access), time.monotonic(), 1, set[str]()
    while seen < STILL_READINGS or time.monotonic() - since < STILL_FOR_S:
        assert time.monotonic() < give_up, f"the house did not come to rest within {STILL_WITHIN_S} s: {moved} moved"
        await asyncio.sleep(LOOK_EVERY_S)
        now = await _count_rows(access)
        if now == rows:
            seen += 1
        else:
            moved = {table for table in now if now[table] != rows[table]}
            rows, since, seen = now, time.monotonic(), 1
    return rows


async def _count_rows(access: Access) -> Rows:
    """How many rows each table of each service has."""
    rows = {}
    for service in SERVICES:
        connection = await asyncpg.connect(access.stack["postgres"].rpartition("/")[0] + f"/{service}")
        try:
            for (table,) in map(tuple, await connection.fetch(_TABLES)):
                rows[f"{service}.{table}"] = await connection.fetchval(f'SELECT count(*) FROM "{table}"')
        finally:
            await connection.close()
    return rows


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def _compared(rows: Rows) -> list[str]:
    places = {place: place.split(".") for place in rows}
    return [
        place for place, (service, table) in places.items() if service != NOTES_EVERYTHING and table not in NOT_COMPARED
    ]
