"""Tickets as buyers and operators see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.order.queries.messages import LAST_ID
from services.order.repository.ticket_papers import Papers
from services.order.repository.tickets import find_evidence
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

Json = dict[str, Any]

SATISFACTION_WINDOW = timedelta(days=30)

_SHOWN = """
t.ticket_id, t.order_id, t.line_id, t.component_id, t.entitlement_id, t.member_id, t.kind, t.reason, t.status, t.opened_at,
t.due_at, t.escalated_at, t.assigned_to, t.resolution, t.resolved_by, t.resolved_at, t.refund_id, t.score, o.order_no
"""
_OF_ORDER = f"""
SELECT {_SHOWN} FROM tickets t JOIN orders o USING (order_id) WHERE t.order_id = $1 ORDER BY t.ticket_id DESC
"""  # noqa: S608  # the constant above
_ONE = f"""
SELECT {_SHOWN}, t.kek_version, t.wrapped_key, t.comment FROM tickets t JOIN orders o USING (order_id)
WHERE t.ticket_id = $1
"""  # noqa: S608
_SEARCH = f"""
SELECT {_SHOWN} FROM tickets t JOIN orders o USING (order_id)
WHERE t.ticket_id < $1 AND ($2::text IS NULL OR t.status = $2) AND ($3::uuid IS NULL OR t.order_id = $3)
    AND ($4::text IS NULL OR t.assigned_to = $4)
    AND (NOT $5 OR (t.status IN ('open', 'waiting_for_shop') AND t.due_at <= $6))
ORDER BY t.ticket_id DESC LIMIT $7
"""  # noqa: S608
_MESSAGES = "SELECT message_id, author, sealed, at FROM ticket_messages WHERE ticket_id = $1 ORDER BY message_id"
_EVIDENCE = """
SELECT evidence_id, media_type, size_bytes, at FROM ticket_evidence WHERE ticket_id = $1 ORDER BY evidence_id
"""
_COUNTS = """
SELECT count(*) FILTER (WHERE status IN ('open', 'waiting_for_shop', 'waiting_for_buyer', 'replacing')) AS active,
    count(*) FILTER (WHERE status IN ('open', 'waiting_for_shop') AND due_at <= $1) AS overdue
FROM tickets WHERE status <> 'closed'
"""
_SATISFACTION = "SELECT avg(score)::float8 AS average, count(score) AS ratings FROM tickets WHERE resolved_at > $1"


@dataclass(frozen=True, slots=True)
class TicketFigures:
    """After-sale now; `satisfaction` is the average of the ratings of the last 30 days (1 to 5), None without any."""

    active: int
    overdue: int
    satisfaction: float | None
    ratings: int


async def of_order(uow: UnitOfWork, order_id: UUID) -> list[Json]:
    """An order's tickets, the newest first, without what was written."""
    return [dict(row) for row in await uow.raw.fetch(_OF_ORDER, order_id)]


async def one(uow: UnitOfWork, ticket_id: UUID, *, papers: Papers) -> Json | None:
    """A ticket with everything that was written, and what images there are; None: there is no such ticket."""
    row = await uow.raw.fetchrow(_ONE, ticket_id)
    if row is None:
        return None
    key = WrappedKey(row["kek_version"], row["wrapped_key"])
    comment = row["comment"]
    return {
        **{name: value for name, value in row.items() if name not in ("kek_version", "wrapped_key")},
        "comment": None if comment is None else papers.open(key, comment, paper_id=ticket_id).decode(),
        "messages": [
            {
                "author": message["author"],
                "text": papers.open(key, message["sealed"], paper_id=message["message_id"]).decode(),
                "at": message["at"],
            }
            for message in await uow.raw.fetch(_MESSAGES, ticket_id)
        ],
        "evidence": [dict(each) for each in await uow.raw.fetch(_EVIDENCE, ticket_id)],
    }


async def image(uow: UnitOfWork, *, ticket_id: UUID, evidence_id: UUID, papers: Papers) -> tuple[str, bytes] | None:
    """An image of a ticket with its media type; None: the ticket has no such image."""
    row = await find_evidence(uow, ticket_id=ticket_id, evidence_id=evidence_id)
    if row is None:
        return None
    key = WrappedKey(row["kek_version"], row["wrapped_key"])
    return row["media_type"], papers.open(key, row["sealed"], paper_id=evidence_id)


async def search(
    uow: UnitOfWork,
    *,
    status: str | None,
    order_id: UUID | None,
    assigned_to: str | None,
    overdue: bool,
    before: UUID | None,
    now: datetime,
    limit: int,
) -> list[Json]:
    """Tickets that fit, the newest first."""
    rows = await uow.raw.fetch(_SEARCH, before or LAST_ID, status, order_id, assigned_to, overdue, now, limit)
    return [dict(row) for row in rows]


async def read_ticket_figures(uow: UnitOfWork, *, now: datetime) -> TicketFigures:
    """The figures now."""
    counts = await uow.raw.fetchrow(_COUNTS, now)
    satisfaction = await uow.raw.fetchrow(_SATISFACTION, now - SATISFACTION_WINDOW)
    if counts is None or satisfaction is None:
        raise RuntimeError("an aggregate answers one row")
    return TicketFigures(counts["active"], counts["overdue"], satisfaction["average"], satisfaction["ratings"])
