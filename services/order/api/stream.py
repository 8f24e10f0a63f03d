"""An order's status as it changes: server-sent events."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from services.order.api.desk import OrderDesk
from services.order.api.orders import read_own, shown
from services.order.domain.states import OrderStatus
from services.order.queries.watch import Watch, Watchers
from shared.http import BuyerOrGuestCaller

STREAM_LASTS_S = 600.0
"""Who still wants to know then asks again."""

HEARTBEAT_S = 15.0
"""Shorter than any proxy waits for a silent connection."""

_OVER = frozenset({OrderStatus.COMPLETED, OrderStatus.REFUNDED, OrderStatus.CANCELLED})
_HEARTBEAT = b": still here\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

router = APIRouter(tags=["orders"])

Json = dict[str, Any]


@router.get(
    "/v1/orders/{order_id}/stream",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "The order, at once and after each change"}},
)
async def stream_order(order_id: UUID, caller: BuyerOrGuestCaller, desk: OrderDesk) -> StreamingResponse:
    """The order as it stands, then after each change, until it is over or ten minutes have passed.

    A client that comes back (`Last-Event-ID`) gets the order as it stands, which is all it can have missed.
    """
    async with desk.database.read() as uow:
        order = await read_own(uow, caller, order_id)
    return StreamingResponse(_events(desk.watchers, order_id, order), media_type="text/event-stream", headers=_HEADERS)


async def _events(watchers: Watchers, order_id: UUID, order: Json) -> AsyncIterator[bytes]:
    yield _event(order)
    if order["status"] in _OVER:
        return
    async with watchers.watch(order_id, version=order["version"]) as watch:
        async for event in _changes(watch):
            yield event


async def _changes(watch: Watch) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    until = loop.time() + STREAM_LASTS_S
    while not watch.closed and loop.time() < until:
        order = await watch.next(within_s=min(HEARTBEAT_S, until - loop.time()))
        if order is not None:
            yield _event(order)
            if order["status"] in _OVER:
                return
        elif not watch.closed:
            yield _HEARTBEAT


def _event(order: Json) -> bytes:
    return b"id: %d\nevent: order\ndata: %b\n\n" % (order["version"], orjson.dumps(shown(order)))
