"""Orders as their owners see them."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.order.domain.checkouts import first_status
from shared.database import UnitOfWork

_ORDERS = """
SELECT o.order_id, o.order_no, o.member_id, o.channel, o.status, o.currency, o.list_minor, o.total_minor, o.adjustments,
    o.created_at, o.pay_before, o.paid_at, o.fulfilled_at, o.completed_at, o.cancelled_at, o.version,
    l.line_id, l.product_id, l.sku_id AS line_sku_id, l.name AS line_name, l.quantity AS line_quantity,
    l.list_minor AS line_list_minor, l.total_minor AS line_total_minor,
    c.component_id, c.sku_id, c.name, c.kind, c.quantity, c.amount_minor, c.status AS component_status, c.issued,
    c.reason,
    CASE WHEN c.position = 0 THEN (
        SELECT json_agg(json_build_object(
            'refund_id', r.refund_id, 'status', r.status, 'reason', r.reason, 'amount_minor', r.amount_minor,
            'currency', r.currency, 'requested_at', r.requested_at, 'ended_at', r.ended_at,
            'components', coalesce((
                SELECT json_agg(json_build_object('component_id', part.component_id, 'status', part.status,
                    'amount_minor', part.amount_minor) ORDER BY part.component_id)
                FROM refund_parts part WHERE part.refund_id = r.refund_id), '[]'::json)
            ) ORDER BY r.refund_id)
        FROM refunds r WHERE r.order_id = o.order_id) END AS refunds
FROM orders o JOIN order_lines l USING (order_id) JOIN order_components c USING (order_id, line_id)
WHERE o.order_id = ANY($1::uuid[])
ORDER BY o.order_id, c.position
"""
_MEMBER_PAGE = """
SELECT order_id FROM orders WHERE member_id = $1 AND order_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY order_id DESC LIMIT $3
"""
_VERSIONS = "SELECT order_id, version FROM orders WHERE order_id = ANY($1::uuid[])"
_CHECKOUT = """
SELECT order_id, order_no, member_id, currency, total_minor, flagged, adjustments, pay_before, created_at
FROM orders WHERE order_id = $1
"""
_LIVE = "SELECT order_id FROM orders WHERE order_id = ANY($1::uuid[]) AND status <> 'cancelled'"
_FINISHED = "SELECT order_id, request_hash FROM checkouts WHERE caller = $1 AND key = $2 AND done"

Json = dict[str, Any]


async def read_orders(uow: UnitOfWork, order_ids: Iterable[UUID]) -> dict[UUID, Json]:
    """These orders as JSON values; unknown ids are left out. `member_id` is in it for the caller to judge whose it is."""
    orders: dict[UUID, Json] = {}
    lines: dict[UUID, Json] = {}
    for row in await uow.raw.fetch(_ORDERS, list(order_ids)):
        order = orders.get(row["order_id"])
        if order is None:
            order = orders[row["order_id"]] = _order(row)
        line = lines.get(row["line_id"])
        if line is None:
            line = lines[row["line_id"]] = _line(row)
            order["lines"].append(line)
        line["components"].append(_component(row))
    return orders


async def member_page(uow: UnitOfWork, *, member_id: UUID, before: UUID | None, limit: int) -> list[Json]:
    """A member's orders, the newest first, from the one before `before` on."""
    rows = await uow.raw.fetch(_MEMBER_PAGE, member_id, before, limit)
    ids = [row["order_id"] for row in rows]
    orders = await read_orders(uow, ids)
    return [orders[order_id] for order_id in ids]


async def read_versions(uow: UnitOfWork, order_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How often each order has changed so far."""
    return {row["order_id"]: row["version"] for row in await uow.raw.fetch(_VERSIONS, order_ids)}


async def live_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> list[UUID]:
    """Those of the orders that are paid, whatever became of them since, or can still be paid."""
    return [row["order_id"] for row in await uow.raw.fetch(_LIVE, order_ids)]


async def finished_checkout(uow: UnitOfWork, *, caller: str, key: str) -> tuple[UUID, bytes] | None:
    """The order a checkout made under this key, and the hash of its input."""
    row = await uow.raw.fetchrow(_FINISHED, caller, key)
    return None if row is None else (row["order_id"], row["request_hash"])


async def checkout_answer(uow: UnitOfWork, order_id: UUID) -> Json | None:
    """What the checkout that made the order answered, a guest's token aside, for which `guest` asks."""
    row = await uow.raw.fetchrow(_CHECKOUT, order_id)
    if row is None:
        return None
    first = first_status(total_minor=row["total_minor"], flagged=row["flagged"])
    plain_id = UUID(int=row["order_id"].int)  # the driver's own kind of UUID is none that JSON knows
    return {**row, "order_id": plain_id, "status": first, "guest": row["member_id"] is None}


def _order(row: Record) -> Json:
    return {
        "order_id": str(row["order_id"]),
        "order_no": row["order_no"],
        "member_id": row["member_id"],
        "channel": row["channel"],
        "status": row["status"],
        "currency": row["currency"],
        "list_minor": row["list_minor"],
        "total_minor": row["total_minor"],
        "adjustments": row["adjustments"],
        "created_at": row["created_at"],
        "pay_before": row["pay_before"],
        "paid_at": row["paid_at"],
        "fulfilled_at": row["fulfilled_at"],
        "completed_at": row["completed_at"],
        "cancelled_at": row["cancelled_at"],
        "version": row["version"],
        "lines": [],
        "refunds": row["refunds"] or [],
    }


def _line(row: Record) -> Json:
    return {
        "line_id": str(row["line_id"]),
        "product_id": str(row["product_id"]),
        "sku_id": str(row["line_sku_id"]),
        "name": row["line_name"],
        "quantity": row["line_quantity"],
        "list_minor": row["line_list_minor"],
        "total_minor": row["line_total_minor"],
        "components": [],
    }


def _component(row: Record) -> Json:
    issued = row["issued"] or {}
    return {
        "component_id": str(row["component_id"]),
        "sku_id": str(row["sku_id"]),
        "name": row["name"],
        "kind": row["kind"],
        "quantity": row["quantity"],
        "amount_minor": row["amount_minor"],
        "status": row["component_status"],
        "entitlement_ids": issued.get("entitlement_ids", []),
        "masked": issued.get("masked", []),
        "reason": row["reason"],
        "substituted_sku_id": issued.get("sku_id"),
        "substituted_name": issued.get("name"),
    }
