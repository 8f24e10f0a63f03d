"""Paying an order, and what providers report."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.order.api.desk import Desk, OrderDesk, RawBody
from services.order.clients.providers import NotifyRejectedError, ToPay
from services.order.domain.payments import PaymentMismatchError, PaymentUnknownError, PaymentWanted
from services.order.schemas.orders import PaymentIn, PaymentOut
from services.order.usecases.anomalies import record_anomaly
from services.order.usecases.changes import OrderNotFoundError
from services.order.usecases.payments import Reported, ask_soon
from shared.clock import new_id, utc_now
from shared.http import BuyerOrGuestCaller, IdempotencyKey, Identity, Problem
from shared.observability import current_traceparent

router = APIRouter(tags=["payments"])


@router.post("/v1/orders/{order_id}/payments", status_code=201, response_model=PaymentOut)
async def begin_payment(
    order_id: UUID, body: PaymentIn, caller: BuyerOrGuestCaller, key: IdempotencyKey, desk: OrderDesk
) -> Response:
    """Begin to pay. Answers what the buyer's client needs at that provider; the same key begins one payment."""
    provider = desk.providers[body.provider]
    payable = await desk.hot.payments.submit(
        PaymentWanted(new_id(), order_id, owner_of(caller, order_id), body.provider, key)
    )
    payment_id = UUID(int=(payable.payment_id or order_id).int)
    parameters = provider.begin(
        ToPay(
            payment_id=payment_id,
            order_id=order_id,
            order_no=payable.order_no,
            amount_minor=payable.total_minor,
            currency=payable.currency,
            pay_before=payable.pay_before,
        )
    )
    out = PaymentOut(payment_id=payment_id, pay_url=parameters["pay_url"])
    return Response(out.model_dump_json(), status_code=201, media_type="application/json")


@router.post("/v1/payments/{provider}/notify")
async def notify(provider: str, raw: RawBody, desk: OrderDesk) -> Response:
    """A provider reports what came in. Reported again, it is answered as before and changes nothing.

    A report of another amount than agreed is not believed, but the provider is asked at once: such money may have come.
    """
    port = desk.providers[provider]
    try:
        receipt = port.read_notify(raw)
    except NotifyRejectedError as error:
        await _note(desk, provider, error.code, error.payment_no, raw)
        raise Problem(400, error.code, "The notify was not taken", str(error)) from error
    try:
        await desk.hot.reports.submit(Reported(receipt, current_traceparent()))
    except (PaymentUnknownError, PaymentMismatchError) as error:
        code = error.code if isinstance(error, PaymentMismatchError) else "payment.unknown"
        await _note(desk, provider, code, receipt.payment_id.hex, raw)
        if isinstance(error, PaymentMismatchError):
            async with desk.database.read() as uow:
                await ask_soon(uow, receipt.payment_id, now=utc_now())
        raise Problem(400, code, "The notify was not taken", str(error)) from error
    done = port.acknowledgement
    return Response(done.body, media_type=done.media_type)


def owner_of(caller: Identity, order_id: UUID) -> UUID | None:
    """The member whose order it must be; None for the guest who holds this order's token.

    :raises OrderNotFoundError: a guest's token for another order.
    """
    if caller.member_id is not None:
        return caller.member_id
    if caller.order_id != order_id:
        raise OrderNotFoundError(str(order_id))
    return None


async def _note(desk: Desk, provider: str, code: str, payment_no: str, raw: bytes) -> None:
    async with desk.database.read() as uow:
        await record_anomaly(uow, provider=provider, code=code, payment_no=payment_no, message=raw, now=utc_now())
