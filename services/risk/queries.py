"""Reads for operators, straight from tables to schemas."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, func, select

from services.risk.domain.cases import CaseState
from services.risk.domain.decisions import Kind, Outcome, first_id
from services.risk.domain.lists import ListKind
from services.risk.schemas import (
    AuditOut,
    CaseDetailOut,
    CaseOut,
    DecisionRecordOut,
    EntryOut,
    HitOut,
    RuleBody,
    RulesOut,
)
from services.risk.tables import AUDIT, CASES, DECISIONS, LIST_ENTRIES, RULE_SETS
from shared.database import UnitOfWork
from shared.http import Page, Problem, decode_cursor, encode_cursor

RECENT_DECISIONS: Final = 20
AUDIT_LINES: Final = 100

SEARCHED_BACK: Final = timedelta(days=1)
"""How far a search looks when it names no start and nothing that is indexed."""


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """The review queue in figures."""

    open: int
    overdue: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class DecisionSearch:
    """What to look for; None means any. `since` and `until` bound the time: `[since, until)`."""

    member_id: UUID | None = None
    order_id: UUID | None = None
    ip: str | None = None
    device: str | None = None
    outcome: Outcome | None = None
    kind: Kind | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_cases(
    uow: UnitOfWork, *, state: CaseState, cursor: str | None, limit: int, now: datetime
) -> Page[CaseOut]:
    """Open cases with the longest wait first, decided ones with the newest first."""
    statement = select(CASES).where(CASES.c.state == state)
    newest_first = state is not CaseState.OPEN
    statement = _page(statement, CASES.c.case_id, cursor=cursor, limit=limit, newest_first=newest_first)
    rows = (await uow.sql.execute(statement)).mappings().all()
    return Page[CaseOut](
        items=[CaseOut(**_case(row, now)) for row in rows[:limit]], next_cursor=_next(rows, "case_id", limit)
    )


async def case_detail(uow: UnitOfWork, case_id: UUID, *, now: datetime) -> CaseDetailOut | None:
    """A case with the decision behind it, what the member tried lately, and the trail."""
    row = (await uow.sql.execute(select(CASES).where(CASES.c.case_id == case_id))).mappings().first()
    if row is None:
        return None
    held_by = DECISIONS.c.decision_id == row["decision_id"]
    decision = (await uow.sql.execute(select(DECISIONS).where(held_by))).mappings().first()
    recent: list[DecisionRecordOut] = []
    if row["member_id"] is not None:
        search = DecisionSearch(member_id=row["member_id"])
        recent = (await search_decisions(uow, search, cursor=None, limit=RECENT_DECISIONS, now=now)).items
    return CaseDetailOut(
        **_case(row, now),
        decision=None if decision is None else _decision(decision),
        recent=recent,
        audit=(await list_audit(uow, subject=str(case_id), cursor=None, limit=AUDIT_LINES)).items,
    )


async def search_decisions(
    uow: UnitOfWork, search: DecisionSearch, *, cursor: str | None, limit: int, now: datetime
) -> Page[DecisionRecordOut]:
    """The newest first. Without a member, an order or a start it looks back one day."""
    statement = select(DECISIONS).where(*_conditions(search, now))
    statement = _page(statement, DECISIONS.c.decision_id, cursor=cursor, limit=limit, newest_first=True)
    rows = (await uow.sql.execute(statement)).mappings().all()
    items = [_decision(row) for row in rows[:limit]]
    return Page[DecisionRecordOut](items=items, next_cursor=_next(rows, "decision_id", limit))


async def list_entries(
    uow: UnitOfWork, *, kind: ListKind | None, value: str | None, cursor: str | None, limit: int, now: datetime
) -> Page[EntryOut]:
    """What is listed, the newest first, the expired included until somebody removes them."""
    statement = select(LIST_ENTRIES).where(LIST_ENTRIES.c.removed_at.is_(None))
    if kind is not None:
        statement = statement.where(LIST_ENTRIES.c.kind == kind)
    if value is not None:
        statement = statement.where(LIST_ENTRIES.c.value == value)
    statement = _page(statement, LIST_ENTRIES.c.entry_id, cursor=cursor, limit=limit, newest_first=True)
    rows = (await uow.sql.execute(statement)).mappings().all()
    items = [_entry(row, now) for row in rows[:limit]]
    return Page[EntryOut](items=items, next_cursor=_next(rows, "entry_id", limit))


async def entry(uow: UnitOfWork, entry_id: UUID, *, now: datetime) -> EntryOut | None:
    """One entry; None where there is none or it was removed."""
    wanted = (LIST_ENTRIES.c.entry_id == entry_id) & LIST_ENTRIES.c.removed_at.is_(None)
    row = (await uow.sql.execute(select(LIST_ENTRIES).where(wanted))).mappings().first()
    return None if row is None else _entry(row, now)


async def rules(uow: UnitOfWork, *, version: int | None) -> RulesOut | None:
    """One version of the rules, or the one in force."""
    statement = select(RULE_SETS).order_by(RULE_SETS.c.version.desc()).limit(1)
    if version is not None:
        statement = statement.where(RULE_SETS.c.version == version)
    row = (await uow.sql.execute(statement)).mappings().first()
    if row is None:
        return None
    return RulesOut(
        version=row["version"],
        rules=[RuleBody(**stored) for stored in row["rules"]],
        note=row["note"],
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


async def list_audit(uow: UnitOfWork, *, subject: str | None, cursor: str | None, limit: int) -> Page[AuditOut]:
    """Who did what, the newest first."""
    statement = select(AUDIT)
    if subject is not None:
        statement = statement.where(AUDIT.c.subject == subject)
    statement = _page(statement, AUDIT.c.entry_id, cursor=cursor, limit=limit, newest_first=True)
    rows = (await uow.sql.execute(statement)).mappings().all()
    items = [AuditOut(**row) for row in rows[:limit]]
    return Page[AuditOut](items=items, next_cursor=_next(rows, "entry_id", limit))


async def case_counts(uow: UnitOfWork, *, now: datetime) -> CaseCounts:
    """How many wait, how many of them too long, and since when the oldest."""
    overdue = func.count().filter(CASES.c.due_at <= now)
    statement = select(func.count(), overdue, func.min(CASES.c.opened_at)).where(CASES.c.state == CaseState.OPEN)
    row = (await uow.sql.execute(statement)).one()
    return CaseCounts(open=row[0], overdue=row[1], oldest_at=row[2])


def _conditions(search: DecisionSearch, now: datetime) -> list[ColumnElement[bool]]:
    named = {"member_id", "order_id", "ip", "device", "outcome", "kind"}
    conditions = [
        DECISIONS.c[name] == getattr(search, name) for name in sorted(named) if getattr(search, name) is not None
    ]
    since = search.since
    if since is None and search.member_id is None and search.order_id is None:
        since = (search.until or now) - SEARCHED_BACK
    if since is not None:
        conditions.append(DECISIONS.c.decision_id >= first_id(since))
    if search.until is not None:
        conditions.append(DECISIONS.c.decision_id < first_id(search.until))
    return conditions


def _page(
    statement: Select[Any], column: ColumnElement[UUID], *, cursor: str | None, limit: int, newest_first: bool
) -> Select[Any]:
    """One row more than asked for, so that one knows whether another page follows."""
    if cursor is not None:
        last = _cursor_id(cursor)
        statement = statement.where(column < last if newest_first else column > last)
    return statement.order_by(column.desc() if newest_first else column).limit(limit + 1)


def _cursor_id(cursor: str) -> UUID:
    try:
        return UUID(str(decode_cursor(cursor, parts=1)[0]))
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None


def _next(rows: Any, column: str, limit: int) -> str | None:
    return encode_cursor(str(rows[limit - 1][column])) if len(rows) > limit else None


def _case(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {**row, "overdue": row["state"] == CaseState.OPEN and row["due_at"] <= now}


def _decision(row: RowMapping) -> DecisionRecordOut:
    values = {name: value for name, value in row.items() if name not in ("outcome", "hits", "writer", "phone_hash")}
    hits = [HitOut(**hit) for hit in row["hits"]]
    return DecisionRecordOut(**values, decision=row["outcome"], hits=hits)


def _entry(row: RowMapping, now: datetime) -> EntryOut:
    values = {name: value for name, value in row.items() if name not in ("removed_at", "revision")}
    return EntryOut(**values, expired=row["expires_at"] is not None and row["expires_at"] <= now)
