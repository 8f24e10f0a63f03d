"""After-sale for operators: what waits, what was written and shown, answers, decisions."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.order.api.desk import Desk, OrderDesk
from services.order.api.operators import OrdersOperator
from services.order.api.orders import cursor_id
from services.order.api.tickets import IMAGE_HEADERS
from services.order.domain.tickets import Resolution, Ticket, TicketStatus, TicketUnknownError
from services.order.queries import tickets as queries
from services.order.schemas.tickets import (
    AssignIn,
    OperatorTicketDetailOut,
    OperatorTicketOut,
    ResolveIn,
    TicketOut,
    TicketTextIn,
)
from services.order.usecases import ticket_desk as usecases
from services.order.usecases.operators import note_action
from shared.clock import utc_now
from shared.database import UnitOfWork
from shared.http import (
    DEFAULT_PAGE,
    Cursor,
    Idempotent,
    Identity,
    Page,
    PageSize,
    Problem,
    Reading,
    ServiceRefusedError,
    Work,
    encode_cursor,
)

MONEY = "finance"
"""Whose role lets codes be paid back that somebody has seen."""

router = APIRouter(prefix="/v1/ops/tickets", tags=["after-sale"])


class _Filter:
    """The search's parameters."""

    def __init__(
        self,
        status: TicketStatus | None = None,
        order_id: UUID | None = None,
        mine: Annotated[bool, Query(description="only what I have taken on")] = False,  # noqa: FBT002
        overdue: Annotated[bool, Query(description="the shop should have answered")] = False,  # noqa: FBT002
    ) -> None:
        self.status, self.order_id, self.mine, self.overdue = status, order_id, mine, overdue


@router.get("")
async def search_tickets(
    caller: OrdersOperator,
    reading: Reading,
    wanted: Annotated[_Filter, Depends()],
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[OperatorTicketOut]:
    """Tickets, the newest first; `overdue=true` lists what the shop should have answered."""
    rows = await queries.search(
        reading,
        status=wanted.status,
        order_id=wanted.order_id,
        assigned_to=caller.subject if wanted.mine else None,
        overdue=wanted.overdue,
        before=cursor_id(cursor),
        now=utc_now(),
        limit=limit + 1,
    )
    items = [OperatorTicketOut(**row) for row in rows[:limit]]
    more = encode_cursor(str(items[-1].ticket_id)) if len(rows) > limit else None
    return Page[OperatorTicketOut](items=items, next_cursor=more)


@router.get("/{ticket_id}")
async def get_ticket(ticket_id: UUID, _: OrdersOperator, desk: OrderDesk, reading: Reading) -> OperatorTicketDetailOut:
    """One ticket with what was written, and what images there are."""
    ticket = await queries.one(reading, ticket_id, papers=desk.papers)
    if ticket is None:
        raise TicketUnknownError(str(ticket_id))
    return OperatorTicketDetailOut(**ticket)


@router.get("/{ticket_id}/evidence/{evidence_id}")
async def look(ticket_id: UUID, evidence_id: UUID, caller: OrdersOperator, desk: OrderDesk) -> Response:
    """An image; the look is written down before it is shown."""
    async with desk.database.begin() as work:
        await usecases.look_at_evidence(
            work, ticket_id=ticket_id, evidence_id=evidence_id, operator=caller.subject, now=utc_now()
        )
    async with desk.database.read() as reading:
        image = await queries.image(reading, ticket_id=ticket_id, evidence_id=evidence_id, papers=desk.papers)
    if image is None:
        raise TicketUnknownError(str(evidence_id))
    return Response(image[1], media_type=image[0], headers=IMAGE_HEADERS)


@router.post("/{ticket_id}/assignment", response_model=TicketOut)
async def assign(ticket_id: UUID, body: AssignIn, caller: OrdersOperator, call: Idempotent, work: Work) -> Response:
    """Take a ticket on, or leave it to others."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    locked = await usecases.lock(work, ticket_id)
    ticket = await usecases.assign(work, locked, operator=caller.subject if body.mine else None)
    return await call.keep(work, status=200, body=_shown(ticket))


@router.post("/{ticket_id}/messages", status_code=201, response_model=TicketOut)
async def answer(
    ticket_id: UUID, body: TicketTextIn, caller: OrdersOperator, desk: OrderDesk, call: Idempotent, work: Work
) -> Response:
    """Write to the buyer, who is told and whose turn it is then."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    ticket = await usecases.answer(
        work,
        await usecases.lock(work, ticket_id),
        body.text,
        operator=caller.subject,
        papers=desk.papers,
        deadlines=desk.ticket_deadlines,
        now=utc_now(),
    )
    return await call.keep(work, status=201, body=_shown(ticket))


@router.post("/{ticket_id}/resolution", response_model=TicketOut)
async def resolve(
    ticket_id: UUID, body: ResolveIn, caller: OrdersOperator, desk: OrderDesk, call: Idempotent
) -> Response:
    """Decide, once. A refund goes the way of all refunds: what was used waits there for a review. Codes that somebody has
    seen are paid back by the role `finance` alone.
    """
    async with desk.database.begin() as work:
        stored = await call.once(work)
        ticket = (await usecases.lock(work, ticket_id)).ticket
    if stored is not None:
        return stored.response()
    if body.outcome is Resolution.REFUND and not caller.may(MONEY) and await _was_seen(desk, ticket):
        raise Problem(403, "auth.forbidden", "Not allowed", "a code that was seen is paid back by the role finance")
    async with desk.database.begin() as work:
        stored = await call.once(work)
        return stored.response() if stored is not None else await _resolve(work, ticket_id, body, caller, desk, call)


async def _resolve(
    work: UnitOfWork, ticket_id: UUID, body: ResolveIn, caller: Identity, desk: Desk, call: Idempotent
) -> Response:
    now = utc_now()
    ticket = await usecases.resolve(
        work,
        await usecases.lock(work, ticket_id),
        body.outcome,
        body.reason,
        operator=caller.subject,
        papers=desk.papers,
        deadlines=desk.ticket_deadlines,
        now=now,
    )
    await note_action(
        work,
        order_id=ticket.order_id,
        operator=caller.subject,
        action="resolve_ticket",
        detail=f"{ticket_id} {body.outcome.value}",
        now=now,
    )
    return await call.keep(work, status=200, body=_shown(ticket))


async def _was_seen(desk: Desk, ticket: Ticket) -> bool:
    """Of a line of several components nobody says: it counts as seen."""
    if ticket.component_id is None:
        return True
    try:
        return await desk.after_sale.was_seen(ticket)
    except ServiceRefusedError:
        return True


def _shown(ticket: Ticket) -> bytes:
    return TicketOut.model_validate(ticket, from_attributes=True).model_dump_json().encode()
