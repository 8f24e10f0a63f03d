"""Reads of the points service: no locks, no writes."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Row, func, select

from services.points.domain import wording
from services.points.domain.earning import Rule
from services.points.domain.ledger import EntryKind
from services.points.schemas import (
    AccountOut,
    EntryOut,
    EntryPage,
    ExpiringPoints,
    FiguresOut,
    RuleRecordOut,
    RulesOut,
)
from services.points.tables import ACCOUNTS, ENTRIES, FIGURES, LOTS, RULES
from shared.database import UnitOfWork
from shared.http import Problem, decode_cursor, encode_cursor
from shared.money import CNY

EXPIRING_SOON = timedelta(days=60)
MAX_SEQUENCE = 2**63 - 1
EXPIRING_DATES = 10
"""Lots expire at ends of months, so sixty days hold two or three dates; presents may add some."""


async def account(uow: UnitOfWork, *, member_id: UUID, now: datetime) -> AccountOut:
    """What a member has; who never earned anything has nothing."""
    statement = select(ACCOUNTS).where(ACCOUNTS.c.member_id == member_id)
    found = (await uow.sql.execute(statement)).one_or_none()
    if found is None:
        return AccountOut(available=0, pending=0, debt=0, balance=0, next_available_at=None, expiring_soon=[])
    return AccountOut(
        available=found.available,
        pending=found.pending,
        debt=found.debt,
        balance=found.balance,
        next_available_at=await _next_available_at(uow, member_id),
        expiring_soon=await _expiring_soon(uow, member_id, now),
    )


async def entries(uow: UnitOfWork, *, member_id: UUID, cursor: str | None, limit: int) -> EntryPage:
    """A member's ledger, the newest entry first.

    :raises Problem: 422 `cursor.invalid`.
    """
    statement = (
        select(ENTRIES, RULES.c.points.label("rule_points"), RULES.c.per_minor, RULES.c.cost_minor,
               RULES.c.cost_points, RULES.c.effective_from)
        .join_from(ENTRIES, RULES, ENTRIES.c.rule_version == RULES.c.version, isouter=True)
        .where(ENTRIES.c.member_id == member_id)
        .order_by(ENTRIES.c.sequence.desc())
        .limit(limit + 1)
    )  # fmt: skip
    if cursor is not None:
        statement = statement.where(ENTRIES.c.sequence < _sequence(cursor))
    rows = (await uow.sql.execute(statement)).all()
    items = [_entry(row) for row in rows[:limit]]
    return EntryPage(items=items, next_cursor=encode_cursor(items[-1].sequence) if len(rows) > limit else None)


async def rules(uow: UnitOfWork) -> RulesOut:
    """Every version of the rule, the newest first; there are few."""
    rows = (await uow.sql.execute(select(RULES).order_by(RULES.c.version.desc()))).mappings()
    return RulesOut(items=[RuleRecordOut(**row) for row in rows])


async def figures(uow: UnitOfWork) -> FiguresOut:
    """What the measuring job last added up."""
    row = (await uow.sql.execute(select(FIGURES))).one_or_none()
    if row is None:
        return FiguresOut(measured_at=None, currency=CNY)
    return FiguresOut(
        measured_at=row.measured_at,
        accounts=row.accounts,
        outstanding_points=row.available + row.pending,
        available_points=row.available,
        pending_points=row.pending,
        debt_points=row.debt,
        liability_minor=row.liability_minor,
        currency=CNY,
    )


def _sequence(cursor: str) -> int:
    (sequence,) = decode_cursor(cursor, parts=1)
    if not isinstance(sequence, int) or not 0 < sequence <= MAX_SEQUENCE:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours")
    return sequence


async def _next_available_at(uow: UnitOfWork, member_id: UUID) -> datetime | None:
    statement = select(func.min(LOTS.c.available_at)).where(
        LOTS.c.member_id == member_id, LOTS.c.remaining > 0, LOTS.c.state == "pending"
    )
    soonest: datetime | None = (await uow.sql.execute(statement)).scalar_one()
    return soonest


async def _expiring_soon(uow: UnitOfWork, member_id: UUID, now: datetime) -> list[ExpiringPoints]:
    statement = (
        select(LOTS.c.expires_at, func.sum(LOTS.c.remaining).label("points"))
        .where(LOTS.c.member_id == member_id, LOTS.c.remaining > 0, LOTS.c.expires_at <= now + EXPIRING_SOON)
        .group_by(LOTS.c.expires_at)
        .order_by(LOTS.c.expires_at)
        .limit(EXPIRING_DATES)
    )
    rows = await uow.sql.execute(statement)
    return [ExpiringPoints(points=int(row.points), expires_at=row.expires_at) for row in rows]


def _entry(row: Row) -> EntryOut:  # type: ignore[type-arg]  # its shape is the statement's
    rule = None
    if row.rule_version is not None:
        rule = Rule(
            row.rule_version, row.rule_points, row.per_minor, row.cost_minor, row.cost_points, row.effective_from
        )
    return EntryOut(
        entry_id=row.entry_id,
        sequence=row.sequence,
        kind=row.kind,
        points=row.points,
        balance=row.balance,
        why=wording.why(
            EntryKind(row.kind),
            points=row.points,
            settled=row.settled,
            rule=rule,
            amount_minor=row.amount_minor,
            reason=row.reason,
        ),
        order_id=row.order_id,
        component_id=row.component_id,
        refund_id=row.refund_id,
        rule_version=row.rule_version,
        amount_minor=row.amount_minor,
        lot_id=row.lot_id,
        occurred_at=row.occurred_at,
    )
