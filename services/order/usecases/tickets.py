"""What buyers do with tickets: open, write, show, withdraw, rate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.order.domain.orders import Component, Order
from services.order.domain.states import ComponentStatus
from services.order.domain.tickets import (
    ACTIVE,
    EVIDENCE_MAX,
    AlreadyRatedError,
    Author,
    Deadlines,
    EvidenceRefusedError,
    Ticket,
    TicketDecidedError,
    TicketKind,
    TicketNotAllowedError,
    TicketReason,
    TicketStatus,
    TicketUnknownError,
    check_window,
    media_type_of,
    subject_of,
)
from services.order.repository import tickets
from services.order.repository.orders import lock_orders
from services.order.repository.ticket_papers import Papers
from services.order.repository.tickets import LockedTicket, TicketOpenError
from services.order.usecases.changes import OrderNotFoundError
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.observability import Counter

__all__ = [
    "Papers",
    "TicketOpenError",
    "TicketWanted",
    "add_evidence",
    "lock_own",
    "open_ticket",
    "rate",
    "withdraw",
    "write_to_shop",
]

_THERE = frozenset({ComponentStatus.ISSUED, ComponentStatus.SETTLED})

_OPENED = Counter("tickets_opened_total", "After-sale tickets opened", ["kind"])


@dataclass(frozen=True, slots=True)
class TicketWanted:
    """What a buyer asks for. `entitlement_ids` are those of the component it is about."""

    order_id: UUID
    line_id: UUID
    component_id: UUID | None
    kind: TicketKind
    reason: TicketReason
    description: str
    entitlement_ids: Sequence[UUID] = ()


async def open_ticket(
    uow: UnitOfWork, wanted: TicketWanted, *, papers: Papers, deadlines: Deadlines, now: datetime
) -> Ticket:
    """Open a ticket on an order that is the caller's. A question waits for the shop, the rest for the rules first.

    :raises OrderNotFoundError: no such order.
    :raises UnknownComponentError: it has no such line or component.
    :raises TicketNotAllowedError: nothing was delivered, or too long ago, or it is given back already.
    :raises TicketOpenError: one is open about the same.
    """
    order = (await lock_orders(uow, [wanted.order_id])).get(wanted.order_id)
    if order is None:
        raise OrderNotFoundError(str(wanted.order_id))
    component = subject_of(order, line_id=wanted.line_id, component_id=wanted.component_id)
    _check(order, component, wanted, within=deadlines.open_within, now=now)
    question = wanted.kind is TicketKind.QUESTION
    ticket = Ticket(
        ticket_id=new_id(),
        order_id=wanted.order_id,
        line_id=wanted.line_id,
        component_id=None if component is None else component.component_id,
        entitlement_id=wanted.entitlement_ids[0] if component and len(wanted.entitlement_ids) == 1 else None,
        member_id=order.member_id,
        kind=wanted.kind,
        reason=wanted.reason,
        status=TicketStatus.WAITING_FOR_SHOP if question else TicketStatus.OPEN,
        opened_at=now,
        due_at=now + deadlines.shop_answers_within,
        step_at=None if question else now,
    )
    key = papers.new_key()
    await tickets.add_ticket(uow, ticket, key)
    await papers.write(uow, ticket.ticket_id, key, wanted.description, author=Author.BUYER, now=now)
    uow.after_commit(lambda: _OPENED.labels(wanted.kind.value).inc())
    return ticket


async def write_to_shop(
    uow: UnitOfWork, own: LockedTicket, text: str, *, papers: Papers, deadlines: Deadlines, now: datetime
) -> Ticket:
    """The buyer writes; if it was the buyer's turn, it is the shop's now.

    :raises TicketDecidedError: there is nothing more to say.
    """
    ticket = _active(own.ticket)
    await papers.write(uow, ticket.ticket_id, own.key, text, author=Author.BUYER, now=now)
    if ticket.status is not TicketStatus.WAITING_FOR_BUYER:
        return ticket
    ticket = ticket.to(TicketStatus.WAITING_FOR_SHOP, due_at=now + deadlines.shop_answers_within)
    await tickets.save_ticket(uow, ticket)
    return ticket


async def add_evidence(uow: UnitOfWork, own: LockedTicket, image: bytes, *, papers: Papers, now: datetime) -> UUID:
    """Keep an image, sealed; its id.

    :raises EvidenceRefusedError: it is none that is taken, or one too many.
    :raises TicketDecidedError: there is nothing more to show.
    """
    ticket = _active(own.ticket)
    media_type = media_type_of(image)
    if await tickets.count_evidence(uow, ticket.ticket_id) >= EVIDENCE_MAX:
        raise EvidenceRefusedError(f"a ticket has at most {EVIDENCE_MAX} images")
    evidence_id = new_id()
    await tickets.add_evidence(
        uow,
        ticket.ticket_id,
        evidence_id=evidence_id,
        media_type=media_type,
        size_bytes=len(image),
        sealed=papers.seal(own.key, image, paper_id=evidence_id),
        now=now,
    )
    return evidence_id


async def withdraw(uow: UnitOfWork, own: LockedTicket) -> Ticket:
    """The buyer wants nothing any more.

    :raises TicketDecidedError: it is being decided, or over.
    """
    ticket = _active(own.ticket).to(TicketStatus.CLOSED)
    await tickets.save_ticket(uow, ticket)
    return ticket


async def rate(uow: UnitOfWork, own: LockedTicket, *, score: int, comment: str | None, papers: Papers) -> Ticket:
    """The buyer says how it was, once; that ends the ticket.

    :raises AlreadyRatedError: it was rated, or nothing was decided.
    """
    ticket = own.ticket
    if ticket.resolution is None or ticket.score is not None:
        raise AlreadyRatedError("a ticket is rated once, when it is decided")
    ticket = replace(ticket, status=TicketStatus.CLOSED, score=score, due_at=None)
    await tickets.save_ticket(uow, ticket)
    if comment:
        sealed = papers.seal(own.key, comment.encode(), paper_id=ticket.ticket_id)
        await tickets.save_comment(uow, ticket.ticket_id, sealed)
    return ticket


async def lock_own(uow: UnitOfWork, *, order_id: UUID, ticket_id: UUID) -> LockedTicket:
    """A ticket of this order, locked.

    :raises TicketUnknownError: there is none.
    """
    locked = await tickets.lock_ticket(uow, ticket_id)
    if locked is None or locked.ticket.order_id != order_id:
        raise TicketUnknownError(str(ticket_id))
    return locked


def _active(ticket: Ticket) -> Ticket:
    if ticket.status not in ACTIVE:
        raise TicketDecidedError(f"the ticket is {ticket.status.value}")
    return ticket


def _check(
    order: Order, component: Component | None, wanted: TicketWanted, *, within: timedelta, now: datetime
) -> None:
    check_window(order, component, within=within, now=now)
    parts = [component] if component else [part for part in order.components if part.line_id == wanted.line_id]
    if wanted.kind is not TicketKind.QUESTION and not any(part.status in _THERE for part in parts):
        raise TicketNotAllowedError("it is given back, or on its way back")
