"""Orders as their owners read them."""

from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Response

from services.order.api.desk import OrderDesk
from services.order.api.payments import owner_of
from services.order.queries.orders import member_page, read_orders
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

router = APIRouter(tags=["orders"])

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


@router.get("/v1/orders/{order_id}", response_model=OrderOut)
async def get_order(order_id: UUID, caller: BuyerOrGuestCaller, desk: OrderDesk) -> Response:
    """One order as it stands."""
    order = own(await desk.hot.looks.submit(order_id), caller, order_id)
    return Response(orjson.dumps(shown(order)), media_type="application/json")


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
