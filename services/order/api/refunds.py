"""Asking for money back."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.order.api.orders import read_own
from services.order.domain.refunds import Refund, RefundReason
from services.order.schemas.orders import RefundAcceptedOut, RefundIn
from services.order.usecases.refunds import RefundWanted, request_refund
from shared.clock import utc_now
from shared.http import BuyerOrGuestCaller, Idempotent, Problem, Work

router = APIRouter(tags=["refunds"])


@router.post("/v1/orders/{order_id}/refunds", status_code=202, response_model=RefundAcceptedOut)
async def ask_refund(
    order_id: UUID, body: RefundIn, caller: BuyerOrGuestCaller, call: Idempotent, work: Work
) -> Response:
    """Give back the whole order, some of its lines or some of their components. What was used is looked at by a person."""
    await read_own(work, caller, order_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    wanted = refund_wanted(order_id, body, reason=RefundReason.BUYER, requested_by=call.caller)
    refund = await request_refund(work, wanted, now=utc_now())
    return await call.keep(work, status=202, body=accepted(refund))


def refund_wanted(order_id: UUID, body: RefundIn, *, reason: RefundReason, requested_by: str) -> RefundWanted:
    """What the body asks for.

    :raises Problem: 422 `body.invalid`; it names a line twice.
    """
    lines = None if body.lines is None else {line.line_id: line.components for line in body.lines}
    if body.lines is not None and lines is not None and len(lines) != len(body.lines):
        raise Problem(422, "body.invalid", "The request is not valid", "a line is named twice")
    return RefundWanted(order_id, lines, reason, requested_by, body.reason or None)


def accepted(refund: Refund) -> bytes:
    """The answer's body."""
    out = RefundAcceptedOut(
        refund_id=refund.refund_id,
        status=refund.status,
        amount_minor=refund.amount_minor,
        currency=refund.currency,
    )
    return out.model_dump_json().encode()
