"""Orders as their owners read them."""

import contextlib
import re
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Header, Response

from services.order.api.desk import OrderDesk
from services.order.api.payments import owner_of
from services.order.queries.orders import member_page, read_orders
from services.order.queries.watch import TooManyWatchesError, Watchers
from services.order.schemas.orders import OrderOut
from services.order.usecases.changes import OrderNotFoundError
from shared.database import UnitOfWork
from shared.http import (
    DEFAULT_PAGE,
    BuyerCaller,
    BuyerOrGuestCaller,
    Cursor,
    Identity,
    Page,
    PageSize,
    Problem,
    decode_cursor,
    encode_cursor,
)

WAIT_MAX_S = 8
"""Less than the gateway's patience with a request."""

NEW_ORDER_ETAG = '"1"'
"""What `get_order` calls the state that an order begins in: who has just placed one waits for its first change with it."""

_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,6})(?:$|[,;\s])")

router = APIRouter(tags=["orders"])

IfNoneMatch = Annotated[str | None, Header()]
Prefer = Annotated[str | None, Header()]
Json = dict[str, Any]


@router.get("/v1/orders", response_model=Page[OrderOut])
async def list_orders(
    caller: BuyerCaller, desk: OrderDesk, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Response:
    """The member's orders, the newest first."""
    before = cursor_id(cursor)
    assert caller.member_id is not None  # noqa: S101  # a buyer is a member
    async with desk.database.read() as uow:
        orders = await member_page(uow, member_id=caller.member_id, before=before, limit=limit + 1)
    page = [shown(order) for order in orders[:limit]]
    more = encode_cursor(page[-1]["order_id"]) if len(orders) > limit else None
    return Response(orjson.dumps({"items": page, "next_cursor": more}), media_type="application/json")


@router.get(
    "/v1/orders/{order_id}",
    response_model=OrderOut,
    responses={304: {"description": "The order is as the caller knows it"}},
)
async def get_order(
    order_id: UUID,
    caller: BuyerOrGuestCaller,
    desk: OrderDesk,
    if_none_match: IfNoneMatch = None,
    prefer: Prefer = None,
) -> Response:
    """One order as it stands. Its `ETag` names the state.

    Who sends that back as `If-None-Match` is told 304 while nothing has changed: at once, or, with `Prefer: wait=5`
    (RFC 7240), after so many seconds (at most 8) without a change. So a page that cannot take an event stream learns
    each change as it happens, with one request per change.
    """
    order = own(await desk.hot.looks.submit(order_id), caller, order_id)
    if if_none_match is not None and _etag(order) in if_none_match:
        newer = await _next_state(desk.watchers, order, within_s=_patience_s(prefer))
        if newer is None:
            return Response(status_code=304, headers={"ETag": _etag(order)})
        order = newer
    return Response(orjson.dumps(shown(order)), media_type="application/json", headers={"ETag": _etag(order)})


async def _next_state(watchers: Watchers, order: Json, *, within_s: float) -> Json | None:
    """The order after its next change; None if there is none in time, or too many wait already."""
    if not within_s:
        return None
    with contextlib.suppress(TooManyWatchesError):
        async with watchers.watch(UUID(order["order_id"]), version=order["version"]) as watch:
            return await watch.next(within_s=within_s)
    return None


def _etag(order: Json) -> str:
    return f'"{order["version"]}"'


def _patience_s(prefer: str | None) -> int:
    wait = _WAIT.search(prefer) if prefer else None
    return min(int(wait.group(1)), WAIT_MAX_S) if wait else 0


async def read_own(uow: UnitOfWork, caller: Identity, order_id: UUID) -> Json:
    """The caller's order.

    :raises OrderNotFoundError: there is none, or it is somebody else's: nobody is told which.
    """
    return own((await read_orders(uow, [order_id])).get(order_id), caller, order_id)


def own(order: Json | None, caller: Identity, order_id: UUID) -> Json:
    """The order, if it is the caller's.

    :raises OrderNotFoundError: there is none, or it is somebody else's.
    """
    if order is None or order["member_id"] != owner_of(caller, order_id):
        raise OrderNotFoundError(str(order_id))
    return order


def shown(order: Json) -> Json:
    """The order without what its owner has no use for."""
    return {name: value for name, value in order.items() if name != "member_id"}


def cursor_id(cursor: str | None) -> UUID | None:
    """The order id in a cursor.

    :raises Problem: 422 `cursor.invalid`.
    """
    if cursor is None:
        return None
    try:
        return UUID(str(decode_cursor(cursor, parts=1)[0]))
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None
