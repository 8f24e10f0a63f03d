"""Notifies that were refused."""

from datetime import datetime

from shared.clock import new_id
from shared.database import UnitOfWork

_NOTE = """
INSERT INTO payment_anomalies AS a (anomaly_id, provider, code, payment_no, hour, seen, first_at, last_at, excerpt)
VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $7)
ON CONFLICT (provider, code, payment_no, hour) DO UPDATE SET seen = a.seen + 1, last_at = excluded.last_at
"""
_PRUNE = "DELETE FROM payment_anomalies WHERE last_at < $1"


async def note(uow: UnitOfWork, *, provider: str, code: str, payment_no: str, excerpt: str, now: datetime) -> None:
    """Count the anomaly, with the first one's text."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    await uow.raw.execute(_NOTE, new_id(), provider, code, payment_no, hour, now, excerpt)


async def prune(uow: UnitOfWork, *, before: datetime) -> None:
    """Forget those last seen before a moment."""
    await uow.raw.execute(_PRUNE, before)
