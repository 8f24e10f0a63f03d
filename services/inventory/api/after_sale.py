"""What order asks in after-sale: was it seen, and can the card be exchanged. For services alone."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from services.inventory.domain.owners import Owner
from services.inventory.domain.reports import Fault, ReportState
from services.inventory.queries.after_sale import was_seen
from services.inventory.schemas.base import Incoming
from services.inventory.usecases.reports import exchange_for_ticket
from shared.clock import utc_now
from shared.http import Identity, Reading, Role, Work, require
from shared.http.idempotency import IdempotentCall, request_hash

OnlyService = Annotated[Identity, Depends(require(Role.SERVICE))]

routes = APIRouter(prefix="/internal/after-sale", tags=["after-sale"], include_in_schema=False)


class LookIn(Incoming):
    """Which component of which order."""

    order_id: UUID
    component_id: UUID


class LookOut(BaseModel):
    """Whether anybody has seen or used any of it."""

    seen: bool


class ExchangeIn(Incoming):
    """A ticket's card. `approved_by`: a person who decided; without one the rule decides."""

    ticket_id: UUID
    entitlement_id: UUID
    order_id: UUID
    member_id: UUID | None = None
    fault: Fault
    approved_by: Annotated[str, Field(max_length=200)] | None = None


class ExchangeOut(BaseModel):
    """Where the report stands: `replaced` or `open`."""

    state: ReportState


@routes.post("/looks")
async def look(body: LookIn, _: OnlyService, read: Reading) -> LookOut:
    """Whether a component was seen."""
    return LookOut(seen=await was_seen(read, order_id=body.order_id, component_id=body.component_id))


@routes.post("/exchanges", response_model=ExchangeOut)
async def exchange(body: ExchangeIn, caller: OnlyService, work: Work) -> Response:
    """Report a card in its owner's name and exchange it. The ticket, with who decides, is the idempotency key."""
    asked = body.model_dump_json().encode()
    key = f"ticket:{body.ticket_id}:{body.approved_by or 'rule'}"
    call = IdempotentCall(caller.caller, key, request_hash("POST", "/internal/after-sale/exchanges", asked))
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    member = body.member_id
    state = await exchange_for_ticket(
        work,
        body.entitlement_id,
        body.fault,
        owner=Owner(member_id=member, order_id=None if member else body.order_id),
        reported_by=f"{Role.BUYER}:{member}" if member else f"{Role.GUEST}:{body.order_id}",
        approved_by=body.approved_by,
        now=utc_now(),
    )
    return await call.keep(work, status=200, body=ExchangeOut(state=state).model_dump_json().encode())
