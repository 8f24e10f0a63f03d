"""Spend: orders paid and refunded change it, days leave the window, and tiers follow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.membership import events
from services.membership.domain.spend import Payment, Refund, SpendChange
from services.membership.domain.tiers import Standing, TierTable, first_day_of_window, reconsider
from services.membership.repository import spend, tiers
from shared.contracts import MemberTierChangedV1
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import get_logger

log = get_logger(__name__)


async def count_payments(uow: UnitOfWork, payments: Sequence[Payment], *, now: datetime) -> None:
    """Count payments, each once; tiers that are reached are given at once."""
    first_of_each = {payment.order_id: payment for payment in reversed(payments)}
    changes = await spend.note_payments(uow, list(first_of_each.values()))
    await _apply(uow, changes, now=now)


async def count_refunds(uow: UnitOfWork, refunds: Sequence[Refund], *, now: datetime) -> None:
    """Take refunds off again, each once, from the day of the payment. A tier lost by it is taken away by a job, soon."""
    first_of_each = {refund.refund_id: refund for refund in reversed(refunds)}
    changes = await spend.note_refunds(uow, list(first_of_each.values()), now=now)
    await _apply(uow, changes, now=now)


async def count_released(uow: UnitOfWork, order_ids: Sequence[UUID], *, now: datetime) -> None:
    """Count payments that risk had held and that have been fulfilled now."""
    await _apply(uow, await spend.release_held(uow, order_ids), now=now)


async def roll_window(uow: UnitOfWork, *, now: datetime, grace: timedelta, limit: int) -> int:
    """Let the days go that have left the window. A tier lost by it stays for `grace`.

    :returns: for how many members; `limit` of them means that there may be more.
    """
    first_day = first_day_of_window(now)
    members = await spend.members_with_days_before(uow, first_day, limit=limit)
    standings = await tiers.lock_standings(uow, members)
    lost = await spend.drop_days_before(uow, standings, first_day)
    spent = {member_id: -amount_minor for member_id, amount_minor in lost.items()}
    await _settle(uow, standings, spent, drop_at=now + grace, now=now, may_drop=False)
    return len(members)


async def take_back_tiers(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Take tiers away whose time is over.

    :returns: for how many members; `limit` of them means that there may be more.
    """
    members = await tiers.members_to_downgrade(uow, now=now, limit=limit)
    standings = await tiers.lock_standings(uow, members)
    await _settle(uow, standings, {}, drop_at=now, now=now, may_drop=True)
    return len(members)


async def apply_table(uow: UnitOfWork, *, now: datetime, grace: timedelta, limit: int) -> int:
    """Look anew at members who were last looked at under older tiers. Who falls short of the new ones has `grace`.

    :returns: for how many members; `limit` of them means that there may be more.
    """
    table = await tiers.current_table(uow)
    members = await tiers.members_of_older_tables(uow, version=table.version, limit=limit)
    standings = await tiers.lock_standings(uow, members)
    await _settle(uow, standings, {}, drop_at=now + grace, now=now, may_drop=False)
    return len(members)


async def _apply(uow: UnitOfWork, changes: Sequence[SpendChange], *, now: datetime) -> None:
    """Days that have left the window do not count any more, whatever is heard of them."""
    counting = [change for change in changes if change.day >= first_day_of_window(now)]
    if not counting:
        return
    standings = await tiers.lock_standings(uow, {change.member_id for change in counting})
    known = [change for change in counting if change.member_id in standings]
    if len(known) < len(counting):
        log.warning("member.unknown", payments=len(counting) - len(known))
    await spend.add_to_days(uow, known)
    spent: dict[UUID, int] = {}
    for change in known:
        spent[change.member_id] = spent.get(change.member_id, 0) + change.amount_minor
    await _settle(uow, standings, spent, drop_at=now, now=now, may_drop=False)


async def _settle(
    uow: UnitOfWork,
    standings: Mapping[UUID, Standing],
    spent: Mapping[UUID, int],
    *,
    drop_at: datetime,
    now: datetime,
    may_drop: bool,
) -> None:
    """Decide on locked standings after their spend has changed, keep it, and tell of each tier that changed."""
    if not standings:
        return
    table = await tiers.current_table(uow)
    decided = [
        (before, _decide(before, table, spent, drop_at=drop_at, now=now, may_drop=may_drop))
        for before in standings.values()
    ]
    await tiers.write_standings(uow, [after for before, after in decided if after != before])
    announce(uow, *_told(decided, now=now), now=now)


def _decide(
    before: Standing,
    table: TierTable,
    spent: Mapping[UUID, int],
    *,
    drop_at: datetime,
    now: datetime,
    may_drop: bool,
) -> Standing:
    moved = replace(before, spend_minor=before.spend_minor + spent.get(before.member_id, 0))
    return reconsider(moved, table, drop_at=drop_at, now=now, may_drop=may_drop)


def _told(decided: Iterable[tuple[Standing, Standing]], *, now: datetime) -> list[MemberTierChangedV1]:
    return [
        events.tier_changed(after, previous=before, now=now)
        for before, after in decided
        if after.sequence != before.sequence
    ]
