"""The inbox of members, the link of guests, and what operators do about messages that were not delivered."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from services.order.api.desk import OrderDesk
from services.order.api.orders import cursor_id
from services.order.domain.messages import DeliveryStatus
from services.order.domain.order_links import read_order_link
from services.order.queries import messages as queries
from services.order.schemas.messages import MessageOut, OperatorMessageOut, OrderLinkIn, OrderLinkOut, UnreadOut
from services.order.usecases.messages import read_message, send_again
from services.order.usecases.operators import note_action
from shared.clock import utc_now
from shared.http import (
    DEFAULT_PAGE,
    BuyerCaller,
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
from shared.http.guest_tokens import sign_guest_token

OPENED_FOR = timedelta(days=1)
"""How long the token lives that a link is exchanged for."""

_NO_STORE = {"Cache-Control": "no-store"}

router = APIRouter(tags=["messages"])

MessagesOperator = Annotated[Identity, Depends(require(Role.OPERATOR, scope="orders"))]
Unread = Annotated[bool, Query(description="only what was not read")]


@router.get("/v1/me/messages")
async def list_messages(
    caller: BuyerCaller,
    reading: Reading,
    unread: Unread = False,  # noqa: FBT002
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[MessageOut]:
    """What the member was told about orders, the newest first."""
    rows = await queries.inbox(
        reading, member_id=_member(caller), unread=unread, before=cursor_id(cursor), limit=limit + 1
    )
    items = [MessageOut(**row) for row in rows[:limit]]
    more = encode_cursor(str(items[-1].message_id)) if len(rows) > limit else None
    return Page[MessageOut](items=items, next_cursor=more)


@router.get("/v1/me/messages/unread")
async def count_unread(caller: BuyerCaller, reading: Reading) -> UnreadOut:
    """How many messages the member has not read."""
    return UnreadOut(unread=await queries.unread(reading, member_id=_member(caller)))


@router.post("/v1/me/messages/read", status_code=204)
async def read_all(caller: BuyerCaller, call: Idempotent, work: Work) -> Response:
    """Mark all messages as read."""
    return await _read(caller, None, call, work)


@router.post("/v1/me/messages/{message_id}/read", status_code=204)
async def read_one(message_id: UUID, caller: BuyerCaller, call: Idempotent, work: Work) -> Response:
    """Mark one message as read."""
    return await _read(caller, message_id, call, work)


@router.post("/v1/orders/links", response_model=OrderLinkOut)
async def open_link(body: OrderLinkIn, desk: OrderDesk) -> Response:
    """Exchange the token of a guest's link for an access token of that order.

    The token comes in the body: it stood behind the `#` of a page's address, so that no log on the way has it. Nothing
    changes here, and the call needs no Idempotency-Key.
    """
    now = utc_now()
    order_id = read_order_link(desk.guest_key, body.token.get_secret_value(), now=now)
    token = sign_guest_token(desk.guest_key, order_id=order_id, expires_at=now + OPENED_FOR)
    opened = OrderLinkOut(order_id=order_id, access_token=token, expires_at=now + OPENED_FOR)
    return Response(opened.model_dump_json(), media_type="application/json", headers=_NO_STORE)


@router.get("/v1/ops/messages")
async def search_messages(
    _: MessagesOperator,
    reading: Reading,
    order_id: UUID | None = None,
    status: DeliveryStatus | None = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[OperatorMessageOut]:
    """Messages with where they stand on each way out, the newest first; `status=given_up` lists what needs a person."""
    rows = await queries.search(reading, order_id=order_id, status=status, before=cursor_id(cursor), limit=limit + 1)
    items = [OperatorMessageOut(**row) for row in rows[:limit]]
    more = encode_cursor(str(items[-1].message_id)) if len(rows) > limit else None
    return Page[OperatorMessageOut](items=items, next_cursor=more)


@router.post("/v1/ops/messages/{message_id}/sendings", status_code=202)
async def send_message_again(message_id: UUID, caller: MessagesOperator, call: Idempotent, work: Work) -> Response:
    """Send a message once more, by every way the buyer can be reached now; a guest gets a fresh link."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    now = utc_now()
    order_id = await send_again(work, message_id, now=now)
    await note_action(
        work, order_id=order_id, operator=caller.subject, action="send_message", detail=str(message_id), now=now
    )
    return await call.keep(work, status=202, body=b"{}")


async def _read(caller: Identity, message_id: UUID | None, call: Idempotent, work: Work) -> Response:
    if await call.once(work) is None:
        await read_message(work, member_id=_member(caller), message_id=message_id, now=utc_now())
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)


def _member(caller: Identity) -> UUID:
    assert caller.member_id is not None  # noqa: S101  # a buyer is a member
    return caller.member_id
