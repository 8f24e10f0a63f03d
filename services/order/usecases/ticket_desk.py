"""What the shop does with tickets, by its people and by its rules. A ticket has one outcome, decided under its lock."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.order.domain.messages import Notice, Occasion, next_try_at
from services.order.domain.refunds import RefundReason
from services.order.domain.tickets import (
    AUTOMATIC_MAX,
    AUTOMATIC_PERIOD,
    STEP_TRIES_MAX,
    Author,
    Deadlines,
    Resolution,
    Ticket,
    TicketDecidedError,
    TicketNotAllowedError,
    TicketStatus,
    TicketUnknownError,
)
from services.order.repository import tickets
from services.order.repository.messages import add_messages
from services.order.repository.orders import lock_orders
from services.order.repository.ticket_papers import Papers
from services.order.repository.tickets import LockedTicket
from services.order.usecases.refunds import RefundWanted, request_refund
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

RULE_UNSEEN = "rule:never_revealed"
RULE_CARD = "rule:card_replaced"

log = get_logger(__name__)

_RESOLVED = Counter("tickets_resolved_total", "After-sale tickets decided", ["resolution", "by"])
_ESCALATED = Counter("tickets_escalated_total", "After-sale tickets that the shop did not answer in time")


async def lock(uow: UnitOfWork, ticket_id: UUID) -> LockedTicket:
    """:raises TicketUnknownError: there is none."""
    locked = await tickets.lock_ticket(uow, ticket_id)
    if locked is None:
        raise TicketUnknownError(str(ticket_id))
    return locked


async def assign(uow: UnitOfWork, locked: LockedTicket, *, operator: str | None) -> Ticket:
    """Somebody takes the ticket on, or (None) leaves it."""
    ticket = replace(locked.ticket, assigned_to=operator)
    await tickets.save_ticket(uow, ticket)
    return ticket


async def answer(
    uow: UnitOfWork,
    locked: LockedTicket,
    text: str,
    *,
    operator: str,
    papers: Papers,
    deadlines: Deadlines,
    now: datetime,
) -> Ticket:
    """The shop writes; it is the buyer's turn, and the buyer is told.

    :raises TicketDecidedError: it is being decided, or over.
    """
    ticket = locked.ticket.to(TicketStatus.WAITING_FOR_BUYER, due_at=now + deadlines.buyer_answers_within)
    message_id = await papers.write(
        uow, ticket.ticket_id, locked.key, text, author=Author.SHOP, operator=operator, now=now
    )
    await tickets.save_ticket(uow, ticket)
    await _tell(uow, ticket, Occasion.TICKET_ANSWERED, about=message_id, now=now)
    return ticket


async def resolve(
    uow: UnitOfWork,
    locked: LockedTicket,
    outcome: Resolution,
    reason: str,
    *,
    operator: str,
    papers: Papers,
    deadlines: Deadlines,
    now: datetime,
) -> Ticket:
    """A person decides. A refund goes the way of all refunds; a replacement is asked of inventory by a job.

    :raises TicketDecidedError: it was decided, or is being decided.
    :raises TicketNotAllowedError: there is no card that could be exchanged.
    :raises NotRefundableError: it is given back, or on its way back.
    :raises NothingToRefundError: nothing of the line is left.
    """
    ticket = locked.ticket
    if ticket.status not in (TicketStatus.OPEN, TicketStatus.WAITING_FOR_SHOP, TicketStatus.WAITING_FOR_BUYER):
        raise TicketDecidedError(f"the ticket is {ticket.status.value}")
    await papers.write(uow, ticket.ticket_id, locked.key, reason, author=Author.SHOP, operator=operator, now=now)
    by = f"operator:{operator}"
    if outcome is Resolution.REPLACEMENT:
        if not ticket.can_be_replaced:
            raise TicketNotAllowedError("the ticket is not about one card that does not work")
        ticket = replace(ticket.to(TicketStatus.REPLACING, step_at=now), resolved_by=by)
        await tickets.save_ticket(uow, ticket)
        return ticket
    refund_id = None
    if outcome is Resolution.REFUND:
        refund_id = await _refund(uow, ticket, reason=RefundReason.OPERATOR, by=by, now=now)
    return await _end(uow, ticket, outcome, by=by, refund_id=refund_id, deadlines=deadlines, now=now)


async def take_step(uow: UnitOfWork, *, now: datetime) -> tuple[Ticket, bool] | None:
    """The next ticket on which the rules or a decision act, and whether its buyer may have an automatic answer."""
    ticket = await tickets.take_step(uow, now=now)
    if ticket is None:
        return None
    automatic = await tickets.count_automatic(uow, ticket, since=now - AUTOMATIC_PERIOD) < AUTOMATIC_MAX
    if automatic and ticket.asks_the_card_rule:
        # From here until inventory has answered nobody decides anything else.
        ticket = replace(ticket, status=TicketStatus.REPLACING)
        await tickets.save_ticket(uow, ticket)
    return ticket, automatic


async def refund_by_rule(uow: UnitOfWork, ticket_id: UUID, *, deadlines: Deadlines, now: datetime) -> None:
    """Nobody has seen what was bought: its money goes back at once. Nothing, if somebody decided meanwhile."""
    ticket = (await lock(uow, ticket_id)).ticket
    if ticket.status is not TicketStatus.OPEN:
        return
    refund_id = await _refund(uow, ticket, reason=RefundReason.BUYER, by=RULE_UNSEEN, now=now)
    await _end(uow, ticket, Resolution.REFUND, by=RULE_UNSEEN, refund_id=refund_id, deadlines=deadlines, now=now)


async def note_replaced(uow: UnitOfWork, ticket_id: UUID, *, deadlines: Deadlines, now: datetime) -> None:
    """Inventory has exchanged the card, by its rule or because a person said so. Nothing, if that is known already."""
    ticket = (await lock(uow, ticket_id)).ticket
    if ticket.status is TicketStatus.REPLACING:
        by = ticket.resolved_by or RULE_CARD
        await _end(uow, ticket, Resolution.REPLACEMENT, by=by, refund_id=None, deadlines=deadlines, now=now)


async def hand_to_shop(
    uow: UnitOfWork, ticket_id: UUID, note: str | None, *, papers: Papers, deadlines: Deadlines, now: datetime
) -> None:
    """The rules settle nothing, or the decision could not be carried out: a person looks. Nothing, if one has meanwhile."""
    locked = await lock(uow, ticket_id)
    ticket = locked.ticket
    if ticket.status not in (TicketStatus.OPEN, TicketStatus.REPLACING):
        return
    due_at = ticket.due_at or now + deadlines.shop_answers_within
    if note is not None:
        await papers.write(uow, ticket_id, locked.key, note, author=Author.SYSTEM, now=now)
    await tickets.save_ticket(uow, replace(ticket.to(TicketStatus.WAITING_FOR_SHOP, due_at=due_at), resolved_by=None))


async def postpone_step(
    uow: UnitOfWork, ticket: Ticket, *, papers: Papers, deadlines: Deadlines, now: datetime
) -> None:
    """Inventory does not answer: asked again later, and after so many tries a person looks."""
    if ticket.step_tries >= STEP_TRIES_MAX:
        note = "库存服务没有回应，请人工处理。 / Inventory did not answer."
        await hand_to_shop(uow, ticket.ticket_id, note, papers=papers, deadlines=deadlines, now=now)
        return
    current = (await lock(uow, ticket.ticket_id)).ticket
    if current.status is ticket.status:
        await tickets.save_ticket(uow, replace(current, step_at=next_try_at(tries=ticket.step_tries - 1, now=now)))


async def keep_deadlines(uow: UnitOfWork, *, now: datetime) -> None:
    """Flag what the shop has not answered in time, and close what buyers have nothing more to say about."""
    late = await tickets.escalate(uow, now=now)
    await tickets.close_silent(uow, now=now)
    _ESCALATED.inc(len(late))
    for ticket_id in late:
        log.warning("ticket.overdue", ticket_id=ticket_id)


async def look_at_evidence(
    uow: UnitOfWork, *, ticket_id: UUID, evidence_id: UUID, operator: str, now: datetime
) -> None:
    """Write down, before it is shown, that an operator looks at an image.

    :raises TicketUnknownError: the ticket has no such image.
    """
    if await tickets.find_evidence(uow, ticket_id=ticket_id, evidence_id=evidence_id) is None:
        raise TicketUnknownError(str(evidence_id))
    await tickets.add_look(uow, evidence_id, operator=operator, now=now)


async def _refund(uow: UnitOfWork, ticket: Ticket, *, reason: RefundReason, by: str, now: datetime) -> UUID:
    components = None if ticket.component_id is None else [ticket.component_id]
    wanted = RefundWanted(ticket.order_id, {ticket.line_id: components}, reason, by, f"ticket {ticket.ticket_id}")
    return (await request_refund(uow, wanted, now=now)).refund_id


async def _end(
    uow: UnitOfWork,
    ticket: Ticket,
    outcome: Resolution,
    *,
    by: str,
    refund_id: UUID | None,
    deadlines: Deadlines,
    now: datetime,
) -> Ticket:
    ended = replace(
        ticket.to(TicketStatus.RESOLVED, due_at=now + deadlines.buyer_answers_within),
        resolution=outcome,
        resolved_by=by,
        resolved_at=now,
        refund_id=refund_id,
    )
    await tickets.save_ticket(uow, ended)
    await _tell(uow, ended, Occasion.TICKET_RESOLVED, about=ticket.ticket_id, now=now)
    uow.after_commit(lambda: _RESOLVED.labels(outcome.value, by.partition(":")[0]).inc())
    return ended


async def _tell(uow: UnitOfWork, ticket: Ticket, occasion: Occasion, *, about: UUID, now: datetime) -> None:
    order = (await lock_orders(uow, [ticket.order_id]))[ticket.order_id]
    goods = tuple(part.name for part in order.components if ticket.subject_id in (part.component_id, part.line_id))
    await add_messages(uow, [Notice(ticket.order_id, ticket.member_id, occasion, about, goods)], now=now)
