"""Tickets, with what was written and shown. The order is locked before its ticket, as before everything that hangs on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg import Record

from services.order.domain.tickets import Author, Resolution, Ticket, TicketKind, TicketReason, TicketStatus
from shared.clock import new_id
from shared.crypto import WrappedKey
from shared.database import UnitOfWork, violated

STEP_LEASE = timedelta(minutes=1)
"""Longer than a step's call may take."""

_COLUMNS = """
ticket_id, order_id, line_id, component_id, entitlement_id, member_id, kind, reason, status, opened_at, due_at, step_at,
step_tries, assigned_to, resolution, resolved_by, resolved_at, refund_id, score
"""
_ADD = """
INSERT INTO tickets (ticket_id, order_id, line_id, component_id, subject_id, entitlement_id, member_id, kind, reason,
    status, opened_at, due_at, step_at, kek_version, wrapped_key)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""
_LOCK_ORDER = """
SELECT FROM orders WHERE order_id = (SELECT order_id FROM tickets WHERE ticket_id = $1) FOR NO KEY UPDATE
"""
_LOCK = f"SELECT {_COLUMNS}, kek_version, wrapped_key FROM tickets WHERE ticket_id = $1 FOR NO KEY UPDATE"  # noqa: S608  # the constant above
_SAVE = """
UPDATE tickets SET status = $2, due_at = $3, step_at = $4, step_tries = $5, assigned_to = $6, resolution = $7,
    resolved_by = $8, resolved_at = $9, refund_id = $10, score = $11,
    escalated_at = CASE WHEN status = $2 THEN escalated_at END
WHERE ticket_id = $1
"""
_ADD_MESSAGE = """
INSERT INTO ticket_messages (message_id, ticket_id, author, operator, sealed, at) VALUES ($1, $2, $3, $4, $5, $6)
"""
_ADD_EVIDENCE = """
INSERT INTO ticket_evidence (evidence_id, ticket_id, media_type, size_bytes, sealed, at) VALUES ($1, $2, $3, $4, $5, $6)
"""
_COUNT_EVIDENCE = "SELECT count(*) FROM ticket_evidence WHERE ticket_id = $1"
_EVIDENCE = """
SELECT e.evidence_id, e.media_type, e.sealed, t.kek_version, t.wrapped_key
FROM ticket_evidence e JOIN tickets t USING (ticket_id) WHERE e.ticket_id = $1 AND e.evidence_id = $2
"""
_ADD_LOOK = "INSERT INTO evidence_looks (look_id, evidence_id, operator, at) VALUES ($1, $2, $3, $4)"
_RATE = "UPDATE tickets SET comment = $2 WHERE ticket_id = $1"

# Booked before the neighbour is asked: should this process die then, another goes on after the lease.
_TAKE_STEP = f"""
UPDATE tickets t SET step_tries = t.step_tries + 1, step_at = $2
WHERE ticket_id = (
    SELECT ticket_id FROM tickets WHERE step_at <= $1 ORDER BY step_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) RETURNING {_COLUMNS}
"""  # noqa: S608
_AUTOMATIC = """
SELECT count(*) FROM tickets
WHERE resolved_at > $3 AND resolved_by LIKE 'rule:%' AND CASE WHEN $1::uuid IS NULL THEN order_id = $2 ELSE member_id = $1 END
"""
_ESCALATE = """
UPDATE tickets SET escalated_at = $1
WHERE status IN ('open', 'waiting_for_shop') AND due_at <= $1 AND escalated_at IS NULL RETURNING ticket_id
"""
_CLOSE = """
UPDATE tickets SET status = 'closed', due_at = NULL WHERE status IN ('waiting_for_buyer', 'resolved') AND due_at <= $1
RETURNING ticket_id
"""


class TicketOpenError(Exception):
    """There is an open ticket about this already."""


@dataclass(frozen=True, slots=True)
class LockedTicket:
    """A ticket with the key of what is written in it."""

    ticket: Ticket
    key: WrappedKey


async def add_ticket(uow: UnitOfWork, ticket: Ticket, key: WrappedKey) -> None:
    """:raises TicketOpenError: one is open about the same. The transaction cannot go on then."""
    values = (
        ticket.ticket_id,
        ticket.order_id,
        ticket.line_id,
        ticket.component_id,
        ticket.subject_id,
        ticket.entitlement_id,
        ticket.member_id,
        ticket.kind.value,
        ticket.reason.value,
        ticket.status.value,
        ticket.opened_at,
        ticket.due_at,
        ticket.step_at,
        key.kek_version,
        key.wrapped,
    )
    try:
        await uow.raw.execute(_ADD, *values)
    except asyncpg.UniqueViolationError as error:
        if violated(error) == "uq_tickets_active":
            raise TicketOpenError("a ticket about this is open") from None
        raise


async def lock_ticket(uow: UnitOfWork, ticket_id: UUID) -> LockedTicket | None:
    """The ticket, and before it its order, locked; None: there is none."""
    await uow.raw.execute(_LOCK_ORDER, ticket_id)
    row = await uow.raw.fetchrow(_LOCK, ticket_id)
    return None if row is None else LockedTicket(_ticket(row), WrappedKey(row["kek_version"], row["wrapped_key"]))


async def save_ticket(uow: UnitOfWork, ticket: Ticket) -> None:
    """Write what may change. Whoever's turn it becomes is not late yet."""
    await uow.raw.execute(
        _SAVE,
        ticket.ticket_id,
        ticket.status.value,
        ticket.due_at,
        ticket.step_at,
        ticket.step_tries,
        ticket.assigned_to,
        None if ticket.resolution is None else ticket.resolution.value,
        ticket.resolved_by,
        ticket.resolved_at,
        ticket.refund_id,
        ticket.score,
    )


async def add_message(
    uow: UnitOfWork,
    ticket_id: UUID,
    *,
    message_id: UUID,
    author: Author,
    operator: str | None,
    sealed: bytes,
    now: datetime,
) -> None:
    """Add what somebody wrote."""
    await uow.raw.execute(_ADD_MESSAGE, message_id, ticket_id, author.value, operator, sealed, now)


async def add_evidence(
    uow: UnitOfWork,
    ticket_id: UUID,
    *,
    evidence_id: UUID,
    media_type: str,
    size_bytes: int,
    sealed: bytes,
    now: datetime,
) -> None:
    """Add an image; the ticket is locked."""
    await uow.raw.execute(_ADD_EVIDENCE, evidence_id, ticket_id, media_type, size_bytes, sealed, now)


async def count_evidence(uow: UnitOfWork, ticket_id: UUID) -> int:
    """How many images the ticket has."""
    count: int = await uow.raw.fetchval(_COUNT_EVIDENCE, ticket_id)
    return count


async def find_evidence(uow: UnitOfWork, *, ticket_id: UUID, evidence_id: UUID) -> Mapping[str, Any] | None:
    """An image of a ticket, sealed, with its ticket's key."""
    row = await uow.raw.fetchrow(_EVIDENCE, ticket_id, evidence_id)
    return None if row is None else dict(row)


async def add_look(uow: UnitOfWork, evidence_id: UUID, *, operator: str, now: datetime) -> None:
    """Write down that an operator looked at an image."""
    await uow.raw.execute(_ADD_LOOK, new_id(), evidence_id, operator, now)


async def save_comment(uow: UnitOfWork, ticket_id: UUID, sealed: bytes) -> None:
    """What the buyer wrote with the rating."""
    await uow.raw.execute(_RATE, ticket_id, sealed)


async def take_step(uow: UnitOfWork, *, now: datetime) -> Ticket | None:
    """The ticket on which a job acts next, booked for the lease."""
    row = await uow.raw.fetchrow(_TAKE_STEP, now, now + STEP_LEASE)
    return None if row is None else _ticket(row)


async def count_automatic(uow: UnitOfWork, ticket: Ticket, *, since: datetime) -> int:
    """How many tickets of the same buyer were settled by rule since then; a guest is known by the order."""
    count: int = await uow.raw.fetchval(_AUTOMATIC, ticket.member_id, ticket.order_id, since)
    return count


async def escalate(uow: UnitOfWork, *, now: datetime) -> Sequence[UUID]:
    """Flag tickets that the shop has not answered in time, each once per turn; which ones."""
    return [row["ticket_id"] for row in await uow.raw.fetch(_ESCALATE, now)]


async def close_silent(uow: UnitOfWork, *, now: datetime) -> Sequence[UUID]:
    """Close tickets whose buyers have nothing more to say; which ones."""
    return [row["ticket_id"] for row in await uow.raw.fetch(_CLOSE, now)]


def _ticket(row: Record) -> Ticket:
    return Ticket(
        ticket_id=row["ticket_id"],
        order_id=row["order_id"],
        line_id=row["line_id"],
        component_id=row["component_id"],
        entitlement_id=row["entitlement_id"],
        member_id=row["member_id"],
        kind=TicketKind(row["kind"]),
        reason=TicketReason(row["reason"]),
        status=TicketStatus(row["status"]),
        opened_at=row["opened_at"],
        due_at=row["due_at"],
        step_at=row["step_at"],
        step_tries=row["step_tries"],
        assigned_to=row["assigned_to"],
        resolution=None if row["resolution"] is None else Resolution(row["resolution"]),
        resolved_by=row["resolved_by"],
        resolved_at=row["resolved_at"],
        refund_id=row["refund_id"],
        score=row["score"],
    )
