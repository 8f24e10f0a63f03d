"""Changing lists. Every change is kept and audited, and reaches every process at once."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.risk import repository
from services.risk.domain.decisions import Outcome
from services.risk.domain.lists import InvalidEntryError, ListEntry, Listing, ListKind, canonical_value
from services.risk.repository import AuditEntry
from shared.clock import new_id
from shared.database import UnitOfWork

CHANNEL: Final = "risk_rulebook"
"""The doorbell that wakes who decides by lists and rules."""

ACTIONS: Final = frozenset({Outcome.DENY, Outcome.REVIEW, Outcome.ALLOW})


class EntryNotFoundError(Exception):
    """There is no such entry, or it was removed."""


class ListingExistsError(Exception):
    """The same thing is listed already: change that entry."""


async def add_entry(
    uow: UnitOfWork,
    *,
    kind: ListKind,
    value: str,
    action: Outcome,
    reason: str,
    expires_at: datetime | None,
    operator: str,
    now: datetime,
) -> Listing:
    """List something.

    :raises InvalidEntryError: the value is not of its kind, the action is none of a list, or it has expired already.
    :raises ListingExistsError: it is listed already.
    """
    _require_sound(action, expires_at, now)
    await repository.lock_rulebook(uow)
    entry = ListEntry(
        entry_id=new_id(), kind=kind, value=canonical_value(kind, value), outcome=action, expires_at=expires_at
    )
    listing = Listing(entry=entry, reason=reason, created_at=now, created_by=operator)
    if not await repository.insert_entry(uow, listing):
        raise ListingExistsError(f"{kind} {entry.value} is listed already")
    await _finish(uow, "list.add", listing, operator=operator, note=reason, detail=_shown(listing), now=now)
    return listing


async def change_entry(
    uow: UnitOfWork,
    entry_id: UUID,
    *,
    action: Outcome,
    reason: str,
    expires_at: datetime | None,
    operator: str,
    now: datetime,
) -> Listing:
    """Change what follows from an entry, for how long, and why.

    :raises EntryNotFoundError: there is none.
    :raises InvalidEntryError: the action is none of a list, or the end has passed.
    """
    _require_sound(action, expires_at, now)
    await repository.lock_rulebook(uow)
    listing = await _existing(uow, entry_id)
    changed = replace(listing, entry=replace(listing.entry, outcome=action, expires_at=expires_at), reason=reason)
    await repository.save_entry(uow, changed)
    detail = {"from": _shown(listing), "to": _shown(changed)}
    await _finish(uow, "list.change", changed, operator=operator, note=reason, detail=detail, now=now)
    return changed


async def remove_entry(uow: UnitOfWork, entry_id: UUID, *, reason: str, operator: str, now: datetime) -> None:
    """Take something off the list. The row stays, as removed.

    :raises EntryNotFoundError: there is none.
    """
    await repository.lock_rulebook(uow)
    listing = await _existing(uow, entry_id)
    await repository.save_entry(uow, replace(listing, removed_at=now))
    await _finish(uow, "list.remove", listing, operator=operator, note=reason, detail=_shown(listing), now=now)


def _require_sound(action: Outcome, expires_at: datetime | None, now: datetime) -> None:
    if action not in ACTIONS:
        raise InvalidEntryError("a list denies, reviews or allows")
    if expires_at is not None and expires_at <= now:
        raise InvalidEntryError("expires_at has passed")


async def _existing(uow: UnitOfWork, entry_id: UUID) -> Listing:
    listing = await repository.entry_for_update(uow, entry_id)
    if listing is None:
        raise EntryNotFoundError(f"no list entry {entry_id}")
    return listing


async def _finish(
    uow: UnitOfWork, action: str, listing: Listing, *, operator: str, note: str, detail: dict[str, Any], now: datetime
) -> None:
    audit = AuditEntry(
        entry_id=new_id(),
        action=action,
        subject=str(listing.entry.entry_id),
        operator=operator,
        note=note,
        detail=detail,
        done_at=now,
    )
    await repository.add_audit(uow, audit)
    uow.after_commit(lambda: uow.database.ring(CHANNEL))


def _shown(listing: Listing) -> dict[str, Any]:
    expires_at = listing.entry.expires_at
    return {
        "kind": listing.entry.kind,
        "value": listing.entry.value,
        "action": listing.entry.outcome,
        "reason": listing.reason,
        "expires_at": None if expires_at is None else expires_at.isoformat(),
    }
