"""Orders for the saga: locked in sets, saved in sets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.order.domain.deadlines import due_at
from services.order.domain.orders import Component, Order
from services.order.domain.states import ComponentStatus, OrderStatus
from shared.database import UnitOfWork

CHANGED_CHANNEL = "order_changed"
"""Rung when orders have changed, for those who watch them."""

ORDER_COLUMNS = """
o.order_id, o.member_id, o.currency, o.total_minor, o.status, o.flagged, o.held, o.pay_before, o.payment_id,
o.paid_at, o.cancelled_at, o.fulfilled_at, o.completed_at, o.channel_id,
c.component_id, c.line_id, c.sku_id, c.name, c.kind, c.quantity, c.amount_minor,
c.contract_id, c.contract_version, c.contract_hash, c.status AS component_status, c.issued_at, c.split_at,
c.accept_substitutes
"""

# Orders are locked before anything that hangs on them, and in the order of their ids, so that no two sets deadlock.
# Components are locked with them: a row that had to be waited for is then read anew, with all its columns.
_LOCK = f"""
SELECT {ORDER_COLUMNS}
FROM orders o JOIN order_components c USING (order_id)
WHERE o.order_id = ANY($1::uuid[])
ORDER BY o.order_id, c.position
FOR NO KEY UPDATE OF o, c
"""  # noqa: S608  # the columns are the constant above

_LOCK_OVERDUE_UNPAID = """
SELECT order_id FROM orders
WHERE due_at <= $1 AND status = 'pending_payment'
ORDER BY due_at LIMIT $2
FOR NO KEY UPDATE SKIP LOCKED
"""

# Somebody's word that is just being taken in wins: its order is passed over, and is not held any more next time.
_LOCK_UNREVIEWED = """
SELECT order_id FROM orders
WHERE status = 'held' AND paid_at <= $1
ORDER BY paid_at LIMIT $2
FOR NO KEY UPDATE SKIP LOCKED
"""

ORDER_CHANGES = """
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::uuid[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::timestamptz[], $9::timestamptz[])
    AS u(order_id, status, held, payment_id, paid_at, cancelled_at, fulfilled_at, completed_at, due_at)
"""
COMPONENT_CHANGES = """
SELECT * FROM unnest($10::uuid[], $11::uuid[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::jsonb[],
    $16::text[])
    AS u(order_id, component_id, status, issued_at, split_at, issued, reason)
"""
UPDATE_ORDERS = f"""
UPDATE orders o SET status = u.status, held = u.held, payment_id = u.payment_id, paid_at = u.paid_at,
    cancelled_at = u.cancelled_at, fulfilled_at = u.fulfilled_at, completed_at = u.completed_at,
    due_at = u.due_at, nudges = 0, version = o.version + 1
FROM ({ORDER_CHANGES}) u WHERE o.order_id = u.order_id
"""  # noqa: S608
UPDATE_COMPONENTS = f"""
UPDATE order_components c SET status = u.status, issued_at = u.issued_at, split_at = u.split_at,
    issued = coalesce(u.issued, c.issued), reason = coalesce(u.reason, c.reason)
FROM ({COMPONENT_CHANGES}) u WHERE c.order_id = u.order_id AND c.component_id = u.component_id
"""  # noqa: S608
_SAVE = f"WITH changed_orders AS ({UPDATE_ORDERS}) {UPDATE_COMPONENTS}"


@dataclass(frozen=True, slots=True)
class Told:
    """What a component was told beside its moves: what was issued, or why it was not."""

    issued: Mapping[str, object] | None = None
    reason: str | None = None


_NOTHING_TOLD = Told()


async def lock_orders(uow: UnitOfWork, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """These orders with their components, locked until the transaction ends. Unknown ids are left out."""
    return orders_of(await uow.raw.fetch(_LOCK, list(set(order_ids))))


async def lock_overdue_unpaid(uow: UnitOfWork, *, before: datetime, limit: int) -> dict[UUID, Order]:
    """Orders whose time to pay is over, locked; those somebody is working on (a payment, say) are left out."""
    rows = await uow.raw.fetch(_LOCK_OVERDUE_UNPAID, before, limit)
    return await lock_orders(uow, [row["order_id"] for row in rows])


async def lock_unreviewed(uow: UnitOfWork, *, paid_before: datetime, limit: int) -> dict[UUID, Order]:
    """Held orders that were paid before a moment, locked; those somebody is working on are left out."""
    rows = await uow.raw.fetch(_LOCK_UNREVIEWED, paid_before, limit)
    return await lock_orders(uow, [row["order_id"] for row in rows])


async def save_orders(
    uow: UnitOfWork,
    changes: Sequence[tuple[Order, Order]],
    *,
    now: datetime,
    told: Mapping[UUID, Told] | None = None,
) -> None:
    """Write what has changed between each pair of before and after. `told` is by component id."""
    if not changes:
        return
    await uow.raw.execute(_SAVE, *change_arguments(changes, now=now, told=told or {}))
    ring_changed(uow)


def ring_changed(uow: UnitOfWork) -> None:
    """Have the watchers look, once this is committed."""
    uow.after_commit(lambda: uow.database.ring(CHANGED_CHANNEL))


def change_arguments(
    changes: Sequence[tuple[Order, Order]], *, now: datetime, told: Mapping[UUID, Told]
) -> list[list[Any]]:
    """The arrays `$1` to `$16` of the two updates. The deadline of a step begins anew with every change."""
    orders: list[list[Any]] = [[] for _ in range(9)]
    components: list[list[Any]] = [[] for _ in range(7)]
    for before, after in changes:
        _append(orders, _order_row(after, now))
        for old, new in zip(before.components, after.components, strict=True):
            heard = told.get(new.component_id, _NOTHING_TOLD)
            if new is old and heard is _NOTHING_TOLD:
                continue
            row = (after.order_id, new.component_id, new.status, new.issued_at, new.split_at)
            _append(components, (*row, heard.issued, heard.reason))
    return orders + components


def orders_of(rows: Sequence[Record]) -> dict[UUID, Order]:
    """Orders from rows of one component each, in the columns of `ORDER_COLUMNS`."""
    first_rows: dict[UUID, Record] = {}
    components: dict[UUID, dict[UUID, Component]] = {}
    for row in rows:
        order_id = row["order_id"]
        if order_id not in first_rows:
            first_rows[order_id] = row
            components[order_id] = {}
        components[order_id][row["component_id"]] = _component_of(row)
    return {order_id: _order_of(row, tuple(components[order_id].values())) for order_id, row in first_rows.items()}


def _order_of(row: Record, components: tuple[Component, ...]) -> Order:
    return Order(
        order_id=row["order_id"],
        member_id=row["member_id"],
        currency=row["currency"],
        total_minor=row["total_minor"],
        status=OrderStatus(row["status"]),
        flagged=row["flagged"],
        held=row["held"],
        pay_before=row["pay_before"],
        payment_id=row["payment_id"],
        components=components,
        paid_at=row["paid_at"],
        cancelled_at=row["cancelled_at"],
        fulfilled_at=row["fulfilled_at"],
        completed_at=row["completed_at"],
        channel_id=row["channel_id"],
    )


def _component_of(row: Record) -> Component:
    return Component(
        component_id=row["component_id"],
        line_id=row["line_id"],
        sku_id=row["sku_id"],
        name=row["name"],
        kind=row["kind"],
        quantity=row["quantity"],
        amount_minor=row["amount_minor"],
        contract_id=row["contract_id"],
        contract_version=row["contract_version"],
        contract_hash=row["contract_hash"],
        status=ComponentStatus(row["component_status"]),
        issued_at=row["issued_at"],
        split_at=row["split_at"],
        accept_substitutes=row["accept_substitutes"],
    )


def _order_row(order: Order, now: datetime) -> tuple[Any, ...]:
    return (
        order.order_id,
        order.status,
        order.held,
        order.payment_id,
        order.paid_at,
        order.cancelled_at,
        order.fulfilled_at,
        order.completed_at,
        due_at(order, now=now),
    )


def _append(columns: list[list[Any]], row: Sequence[Any]) -> None:
    for column, value in zip(columns, row, strict=True):
        column.append(value)
