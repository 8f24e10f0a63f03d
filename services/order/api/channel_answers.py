"""A channel's order as it is answered, with or without its codes."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from fastapi import Response

from services.order.api.desk import Desk
from services.order.domain.channels import ChannelOrder, ChannelOrderNotFoundError
from services.order.domain.states import ComponentStatus
from services.order.queries.orders import read_orders
from shared.http import Identity

Json = dict[str, Any]

_DELIVERED: Final = frozenset({ComponentStatus.ISSUED.value, ComponentStatus.SETTLED.value})
_SHOWN: Final = (
    "order_id",
    "order_no",
    "status",
    "currency",
    "list_minor",
    "total_minor",
    "created_at",
    "paid_at",
    "fulfilled_at",
    "cancelled_at",
    "refunds",
)
_NO_STORE: Final = {"Cache-Control": "no-store"}


async def answer_of(
    desk: Desk, caller: Identity, known: ChannelOrder, *, status: int = 200, reveal: bool = False
) -> Response:
    """The order as its channel sees it."""
    async with desk.database.read() as uow:
        order = (await read_orders(uow, [known.order_id])).get(known.order_id)
    if order is None:
        raise ChannelOrderNotFoundError(f"there is no order {known.external_id}")
    codes = await _codes(desk, caller, known.order_id, order) if reveal else None
    told = {"external_id": known.external_id, **{name: order[name] for name in _SHOWN}}
    told["lines"] = [_line(line, codes) for line in order["lines"]]
    return Response(orjson.dumps(told), status_code=status, media_type="application/json", headers=_NO_STORE)


async def _codes(desk: Desk, caller: Identity, order_id: UUID, order: Json) -> Mapping[UUID, Mapping[str, Any]]:
    ids = [
        UUID(entitlement_id)
        for line in order["lines"]
        for part in line["components"]
        if part["status"] in _DELIVERED
        for entitlement_id in part["entitlement_ids"]
    ]
    return await desk.codes.reveal(order_id=order_id, entitlement_ids=ids, caller=caller) if ids else {}


def _line(line: Json, codes: Mapping[UUID, Mapping[str, Any]] | None) -> Json:
    told = {name: value for name, value in line.items() if name != "product_id"}
    if codes is not None:
        told["components"] = [{**part, "codes": _shown(part, codes)} for part in line["components"]]
    return told


def _shown(part: Json, codes: Mapping[UUID, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [codes[key] for entitlement_id in part["entitlement_ids"] if (key := UUID(entitlement_id)) in codes]
