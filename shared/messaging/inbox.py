"""The inbox: which records a consumer has handled, written in the transaction of their effect."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.database import UnitOfWork
from shared.messaging import retention

PRUNE_ROWS = 5_000

# Sorted, so that two processes which remember the same records at once wait for each other instead of deadlocking.
_REMEMBER = """
WITH fresh AS (
    INSERT INTO inbox (consumer, event_id)
    SELECT $1, event_id FROM unnest($2::uuid[]) AS event_id ORDER BY event_id
    ON CONFLICT DO NOTHING
    RETURNING event_id
)
SELECT ARRAY(SELECT event_id FROM fresh) AS fresh,
       EXISTS (SELECT FROM parked_records WHERE consumer = $1 AND state IN ('parked', 'waiting')) AS has_open
"""

_PRUNE = """
DELETE FROM inbox
WHERE (consumer, event_id) IN (SELECT consumer, event_id FROM inbox ORDER BY consumer, event_id LIMIT $1)
  AND handled_at < $2
"""


async def remember(uow: UnitOfWork, consumer: str, event_ids: Sequence[UUID]) -> tuple[set[UUID], bool]:
    """Write these events down as handled. Answers which of them are new, and whether any key of the consumer is parked."""
    row = await uow.raw.fetchrow(_REMEMBER, consumer, event_ids)
    if row is None:
        raise RuntimeError("a SELECT without FROM answers one row")
    return set(row["fresh"]), row["has_open"]


async def prune_inbox(uow: UnitOfWork, *, now: datetime, limit: int = PRUNE_ROWS) -> int:
    """Delete the oldest rows that are past their retention, at most `limit`; answers how many went.

    Event ids grow with time, so the oldest `limit` ids are those to look at. Call again while it answers `limit`.
    """
    done: str = await uow.raw.execute(_PRUNE, limit, now - retention.INBOX)
    return int(done.rpartition(" ")[2])
