"""Deny, review and allow lists."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from services.risk import queries, usecases
from services.risk.api.callers import RiskOperator
from services.risk.domain.lists import VALUE_MAX, Listing, ListKind
from services.risk.schemas import EntryChangeIn, EntryIn, EntryOut
from services.risk.usecases import EntryNotFoundError
from shared.clock import utc_now
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, Reading, Work

routes = APIRouter(prefix="/v1/ops/risk/lists")


@routes.get("")
async def list_entries(
    _: RiskOperator,
    work: Reading,
    kind: ListKind | None = None,
    value: Annotated[str | None, Query(max_length=VALUE_MAX)] = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[EntryOut]:
    """What is listed, the newest first; expired entries are marked."""
    return await queries.list_entries(work, kind=kind, value=value, cursor=cursor, limit=limit, now=utc_now())


@routes.post("", status_code=201, response_model=EntryOut)
async def add_entry(body: EntryIn, caller: RiskOperator, work: Work, call: Idempotent) -> Response:
    """List a member, a device, an address, a network or a phone's hash."""
    if stored := await call.once(work):
        return stored.response()
    now = utc_now()
    listing = await usecases.add_entry(
        work,
        kind=body.kind,
        value=body.value,
        action=body.action,
        reason=body.reason,
        expires_at=body.expires_at,
        operator=caller.subject,
        now=now,
    )
    return await call.keep(work, status=201, body=_shown(listing, now).model_dump_json().encode())


@routes.get("/{entry_id}")
async def read_entry(entry_id: UUID, _: RiskOperator, work: Reading) -> EntryOut:
    """One entry."""
    found = await queries.entry(work, entry_id, now=utc_now())
    if found is None:
        raise EntryNotFoundError(f"no list entry {entry_id}")
    return found


@routes.put("/{entry_id}", response_model=EntryOut)
async def change_entry(
    entry_id: UUID, body: EntryChangeIn, caller: RiskOperator, work: Work, call: Idempotent
) -> Response:
    """Change what follows, until when and why. What is listed cannot change: add another entry."""
    if stored := await call.once(work):
        return stored.response()
    now = utc_now()
    listing = await usecases.change_entry(
        work,
        entry_id,
        action=body.action,
        reason=body.reason,
        expires_at=body.expires_at,
        operator=caller.subject,
        now=now,
    )
    return await call.keep(work, status=200, body=_shown(listing, now).model_dump_json().encode())


@routes.delete("/{entry_id}", status_code=204)
async def remove_entry(
    entry_id: UUID,
    reason: Annotated[str, Query(min_length=3, max_length=1_000)],
    caller: RiskOperator,
    work: Work,
    call: Idempotent,
) -> Response:
    """Take it off the list; it stays in the trail."""
    if stored := await call.once(work):
        return stored.response()
    await usecases.remove_entry(work, entry_id, reason=reason, operator=caller.subject, now=utc_now())
    return await call.keep(work, status=204, body=b"")


def _shown(listing: Listing, now: datetime) -> EntryOut:
    return EntryOut(
        entry_id=listing.entry.entry_id,
        kind=listing.entry.kind,
        value=listing.entry.value,
        action=listing.entry.outcome,
        reason=listing.reason,
        expires_at=listing.entry.expires_at,
        expired=not listing.entry.in_force(now),
        created_at=listing.created_at,
        created_by=listing.created_by,
    )
