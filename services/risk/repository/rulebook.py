"""The rulebook: lists and rules, with who changed them. One writer at a time, so that revisions grow in commit order."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.dialects.postgresql import insert

from services.risk.domain.decisions import Kind, Outcome
from services.risk.domain.lists import ListEntry, Listing, ListKind
from services.risk.domain.rules import KeyKind, Measure, Rule, RuleSet
from services.risk.tables import AUDIT, LIST_ENTRIES, RULE_SETS
from shared.database import UnitOfWork

_LOCK: Final = "select pg_advisory_xact_lock(hashtextextended('risk.rulebook', 0))"
_ENUMS: Final = {"kind": Kind, "measure": Measure, "key": KeyKind, "outcome": Outcome}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which case, list entry or rule set, and why."""

    entry_id: UUID
    action: str
    subject: str
    operator: str
    note: str
    detail: dict[str, Any]
    done_at: datetime


async def lock_rulebook(uow: UnitOfWork) -> None:
    """Be the only writer of lists and rules until the transaction ends."""
    await uow.raw.execute(_LOCK)


async def latest_rule_set(uow: UnitOfWork) -> RuleSet | None:
    """The rules in force; None before the first were written."""
    statement = select(RULE_SETS).order_by(RULE_SETS.c.version.desc()).limit(1)
    row = (await uow.sql.execute(statement)).mappings().first()
    return None if row is None else RuleSet(row["version"], tuple(_rule(stored) for stored in row["rules"]))


async def insert_rule_set(uow: UnitOfWork, rule_set: RuleSet, *, note: str, operator: str, now: datetime) -> None:
    """The next version of the rules."""
    await uow.sql.execute(
        insert(RULE_SETS).values(
            version=rule_set.version,
            rules=[{field.name: getattr(rule, field.name) for field in fields(Rule)} for rule in rule_set.rules],
            note=note,
            created_at=now,
            created_by=operator,
        )
    )


async def changed_entries(uow: UnitOfWork, *, after: int, at_most: int) -> list[Listing]:
    """List entries that were put, changed or removed since that revision, in the order of their revisions."""
    changed = LIST_ENTRIES.c.revision > after
    statement = select(LIST_ENTRIES).where(changed).order_by(LIST_ENTRIES.c.revision).limit(at_most)
    return [_listing(row) for row in (await uow.sql.execute(statement)).mappings()]


async def entry_for_update(uow: UnitOfWork, entry_id: UUID) -> Listing | None:
    """An entry that was not removed, locked; None where there is none."""
    wanted = (LIST_ENTRIES.c.entry_id == entry_id) & LIST_ENTRIES.c.removed_at.is_(None)
    row = (await uow.sql.execute(select(LIST_ENTRIES).where(wanted).with_for_update())).mappings().first()
    return None if row is None else _listing(row)


async def insert_entry(uow: UnitOfWork, listing: Listing) -> bool:
    """A new entry; False when its kind and value are listed already."""
    statement = (
        insert(LIST_ENTRIES)
        .values(entry_id=listing.entry.entry_id, **await _columns(uow, listing))
        .on_conflict_do_nothing(index_elements=["kind", "value"], index_where=LIST_ENTRIES.c.removed_at.is_(None))
    )
    return (await uow.sql.execute(statement)).rowcount == 1


async def save_entry(uow: UnitOfWork, listing: Listing) -> None:
    """Write a locked entry's new state down, removal included."""
    wanted = LIST_ENTRIES.c.entry_id == listing.entry.entry_id
    await uow.sql.execute(update(LIST_ENTRIES).where(wanted).values(await _columns(uow, listing)))


async def add_audit(uow: UnitOfWork, entry: AuditEntry) -> None:
    """Append to the trail."""
    await uow.sql.execute(
        insert(AUDIT).values({field.name: getattr(entry, field.name) for field in fields(AuditEntry)})
    )


async def _columns(uow: UnitOfWork, listing: Listing) -> dict[str, Any]:
    newest = await uow.sql.scalar(select(func.max(LIST_ENTRIES.c.revision)))
    return {
        "kind": listing.entry.kind,
        "value": listing.entry.value,
        "action": listing.entry.outcome,
        "reason": listing.reason,
        "expires_at": listing.entry.expires_at,
        "created_at": listing.created_at,
        "created_by": listing.created_by,
        "removed_at": listing.removed_at,
        "revision": (newest or 0) + 1,
    }


def _listing(row: RowMapping) -> Listing:
    return Listing(
        entry=ListEntry(
            entry_id=row["entry_id"],
            kind=ListKind(row["kind"]),
            value=row["value"],
            outcome=Outcome(row["action"]),
            expires_at=row["expires_at"],
        ),
        reason=row["reason"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        removed_at=row["removed_at"],
        revision=row["revision"],
    )


def _rule(stored: dict[str, Any]) -> Rule:
    values: dict[str, Any] = {name: _ENUMS[name](value) if name in _ENUMS else value for name, value in stored.items()}
    return Rule(**values)
