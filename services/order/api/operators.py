"""Orders for operators: search, look, refund, announce again, decide."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.order.api.desk import OrderDesk
from services.order.api.orders import cursor_id, shown
from services.order.api.refunds import accepted, refund_wanted
from services.order.domain.contacts import masked
from services.order.domain.numbers import check_order_number
from services.order.domain.refunds import RefundReason
from services.order.domain.states import OrderStatus
from services.order.queries import operators as queries
from services.order.queries.orders import read_orders
from services.order.schemas.operators import (
    AnnouncedOut,
    AnomalyOut,
    DismissIn,
    OperatorRefundIn,
    OrderDetailOut,
    OrderSummaryOut,
    RefundReviewOut,
)
from services.order.schemas.orders import RefundAcceptedOut
from services.order.usecases.changes import OrderNotFoundError
from services.order.usecases.checkout import open_contact
from services.order.usecases.housekeeping import nudge
from services.order.usecases.operators import note_action
from services.order.usecases.refunds import dismiss_part, request_refund, send_again
from shared.clock import utc_now
from shared.http import (
    DEFAULT_PAGE,
    Cursor,
    Idempotent,
    Identity,
    Page,
    PageSize,
    Reading,
    Role,
    Work,
    encode_cursor,
    require,
)

router = APIRouter(prefix="/v1/ops/orders", tags=["operators"])

OrdersOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="orders"))]


class _Filter:
    """The search's parameters."""

    def __init__(
        self,
        order_no: Annotated[str | None, Query(max_length=32)] = None,
        status: OrderStatus | None = None,
        member_id: UUID | None = None,
        since: Annotated[datetime | None, Query(description="made from this moment on")] = None,
        until: Annotated[datetime | None, Query(description="made before this moment")] = None,
        stuck: Annotated[bool, Query(description="a step is late and was announced again")] = False,  # noqa: FBT002
        channel_id: Annotated[UUID | None, Query(description="bought by this reseller")] = None,
    ) -> None:
        self.search = queries.OrderSearch(order_no, status, member_id, since, until, stuck, channel_id)


@router.get("")
async def search_orders(
    _: OrdersOperator,
    reading: Reading,
    wanted: Annotated[_Filter, Depends()],
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[OrderSummaryOut]:
    """Orders by number, state, member and time, the newest first; `stuck=true` lists those that are late."""
    if wanted.search.order_no is not None:
        check_order_number(wanted.search.order_no)
    rows = await queries.search_orders(reading, wanted.search, before=cursor_id(cursor), limit=limit + 1)
    items = [OrderSummaryOut(**row) for row in rows[:limit]]
    more = encode_cursor(str(items[-1].order_id)) if len(rows) > limit else None
    return Page[OrderSummaryOut](items=items, next_cursor=more)


@router.get("/anomalies")
async def list_anomalies(_: OrdersOperator, reading: Reading, limit: PageSize = DEFAULT_PAGE) -> Page[AnomalyOut]:
    """What payment providers, or somebody in their name, said that could not be true."""
    rows = await queries.recent_anomalies(reading, limit=limit)
    return Page[AnomalyOut](items=[AnomalyOut(**row) for row in rows])


@router.get("/reviews")
async def list_reviews(_: OrdersOperator, reading: Reading, limit: PageSize = DEFAULT_PAGE) -> Page[RefundReviewOut]:
    """Refunds that wait for a person: the goods were used, or the provider refused."""
    rows = await queries.refunds_in_review(reading, limit=limit)
    return Page[RefundReviewOut](items=[RefundReviewOut(**row) for row in rows])


@router.get("/{order_id}")
async def get_order(order_id: UUID, _: OrdersOperator, desk: OrderDesk, reading: Reading) -> OrderDetailOut:
    """All there is to know of one order, with what happened to it in order of time."""
    order = (await read_orders(reading, [order_id])).get(order_id)
    if order is None:
        raise OrderNotFoundError(str(order_id))
    sealed = await queries.sealed_contact(reading, order_id)
    detail: dict[str, Any] = {
        "order": shown(order),
        "member_id": order["member_id"],
        "contact": None if sealed is None else masked(open_contact(desk.keyring, sealed, order_id=order_id)),
        "payments": await queries.payments_of(reading, order_id),
        "timeline": await queries.timeline(reading, order_id),
    }
    return OrderDetailOut.model_validate(detail)


@router.post("/{order_id}/refunds", status_code=202, response_model=RefundAcceptedOut)
async def refund_order(
    order_id: UUID, body: OperatorRefundIn, caller: OrdersOperator, call: Idempotent, work: Work
) -> Response:
    """Give back an order, lines or components in the buyer's stead."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    now = utc_now()
    wanted = refund_wanted(order_id, body, reason=RefundReason.OPERATOR, requested_by=caller.caller)
    refund = await request_refund(work, wanted, now=now)
    await note_action(work, order_id=order_id, operator=caller.subject, action="refund", detail=body.reason, now=now)
    return await call.keep(work, status=202, body=accepted(refund))


@router.post("/{order_id}/announcements", status_code=202, response_model=AnnouncedOut)
async def announce_again(order_id: UUID, caller: OrdersOperator, call: Idempotent, work: Work) -> Response:
    """Say once more what the order waits for; whoever did its part already does nothing."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    now = utc_now()
    events = await nudge(work, order_id, now=now)
    await note_action(work, order_id=order_id, operator=caller.subject, action="announce", detail=None, now=now)
    return await call.keep(work, status=202, body=AnnouncedOut(events=events).model_dump_json().encode())


@router.post("/{order_id}/refunds/{refund_id}/dismissals", status_code=202, response_model=RefundAcceptedOut)
async def dismiss(
    order_id: UUID, refund_id: UUID, body: DismissIn, caller: OrdersOperator, call: Idempotent, work: Work
) -> Response:
    """Decide that a component, which was used, is not refunded."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    now = utc_now()
    refund = await dismiss_part(work, order_id=order_id, refund_id=refund_id, component_id=body.component_id, now=now)
    await note_action(work, order_id=order_id, operator=caller.subject, action="dismiss", detail=body.reason, now=now)
    return await call.keep(work, status=202, body=accepted(refund))


@router.post("/{order_id}/refunds/{refund_id}/attempts", status_code=202, response_model=RefundAcceptedOut)
async def try_again(order_id: UUID, refund_id: UUID, caller: OrdersOperator, call: Idempotent, work: Work) -> Response:
    """Have the provider, which refused, be asked again."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    now = utc_now()
    refund = await send_again(work, order_id=order_id, refund_id=refund_id, now=now)
    await note_action(
        work, order_id=order_id, operator=caller.subject, action="send_again", detail=str(refund_id), now=now
    )
    return await call.keep(work, status=202, body=accepted(refund))
