"""Forgetting what nobody will ask for any more."""

from datetime import datetime, timedelta

from services.membership.domain.tiers import first_day_of_window
from services.membership.repository import accounts, sessions, spend
from shared.database import UnitOfWork
from shared.http import prune_idempotency
from shared.messaging import prune_inbox, prune_outbox

ATTEMPTS_KEPT = timedelta(days=2)
"""Failures are forgotten after one day anyway, and no lock lasts as long."""

SESSIONS_KEPT = timedelta(days=7)
ORDERS_KEPT_BEYOND_WINDOW = timedelta(days=30)
ANSWERS_KEPT = timedelta(days=2)


async def prune(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Forget at most `limit` of each kind.

    :returns: the most that went of one kind; `limit` of them means that there may be more.
    """
    oldest_day = first_day_of_window(now) - ORDERS_KEPT_BEYOND_WINDOW
    oldest_refund = now - (now.date() - oldest_day)
    await prune_idempotency(uow, before=now - ANSWERS_KEPT, limit=limit)
    return max(
        await prune_outbox(uow, now=now, limit=limit),
        await prune_inbox(uow, now=now, limit=limit),
        await accounts.prune_attempts(uow, before=now - ATTEMPTS_KEPT, limit=limit),
        await sessions.prune_sessions(uow, before=now - SESSIONS_KEPT, limit=limit),
        await spend.prune_orders(uow, paid_before=oldest_day, limit=limit),
        await spend.prune_refunds(uow, noted_before=oldest_refund, limit=limit),
    )
