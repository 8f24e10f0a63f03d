"""Suppliers, what they offer, and our orders with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.supply import LeasedTask, Step, SupplierOffer, Task, TaskState
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_ADD_SUPPLIER = """
INSERT INTO suppliers (supplier_id, name, base_url, merchant_id, key_id, secret_sealed, wire, active, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8)
"""

_CHANGE_SUPPLIER = """
UPDATE suppliers SET base_url = coalesce($2, base_url), active = coalesce($3, active), wire = coalesce($4, wire),
    low_balance_minor = coalesce($5, low_balance_minor)
WHERE supplier_id = $1 RETURNING true
"""

_CHANGE_SIGNING = "UPDATE suppliers SET key_id = $2, secret_sealed = $3 WHERE supplier_id = $1"

_MAP_SKUS = """
INSERT INTO supplier_skus (supplier_id, sku_id, supplier_sku, cost_minor, priority, weight, price_rule,
                           margin_bp)
SELECT $1, * FROM unnest($2::uuid[], $3::text[], $4::bigint[], $5::smallint[], $6::smallint[], $7::text[], $8::int[])
ON CONFLICT (supplier_id, sku_id) DO UPDATE
SET supplier_sku = excluded.supplier_sku, cost_minor = excluded.cost_minor, priority = excluded.priority,
    weight = excluded.weight, price_rule = excluded.price_rule, margin_bp = excluded.margin_bp, paused_reason = NULL
"""

_ADD_TASKS = """
INSERT INTO supplier_tasks (task_id, component_id, supplier_id, out_order_no, supplier_sku, quantity, cost_minor, state,
                            reached, due_at, created_at)
SELECT task_id, component_id, supplier_id, out_order_no, supplier_sku, quantity, cost_minor, 'new', false, $8, $8
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::int[], $7::bigint[])
     AS wanted (task_id, component_id, supplier_id, out_order_no, supplier_sku, quantity, cost_minor)
"""

_TASK_COLUMNS = """
task.task_id, task.state, task.attempts, task.questions, task.sent_at, task.cancel_wanted, task.refused, task.cost_minor,
task.last_reason, task.supplier_order_no, task.due_at, task.tries, task.reached
"""

# A new task is written down as sent before the call is made: whoever finds it after a crash asks first.
_CLAIM_TASKS = f"""
WITH due AS (
    SELECT task_id, state FROM supplier_tasks
    WHERE state IN ('new', 'sent', 'unknown') AND due_at <= $1 ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
), task AS (
    UPDATE supplier_tasks SET
        lease = $3, due_at = $4,
        state = CASE supplier_tasks.state WHEN 'new' THEN 'sent' ELSE supplier_tasks.state END,
        attempts = attempts + (supplier_tasks.state = 'new')::int,
        sent_at = CASE supplier_tasks.state WHEN 'new' THEN $1 ELSE sent_at END
    FROM due WHERE supplier_tasks.task_id = due.task_id
    RETURNING supplier_tasks.*, due.state AS previous
)
SELECT {_TASK_COLUMNS}, task.previous, task.component_id, task.supplier_id, task.out_order_no, task.supplier_sku,
       task.quantity, delivery.amount_minor, delivery.sku_id, delivery.kind, sku.price_guard, supplier.wire, supplier.base_url, supplier.merchant_id, supplier.secret_sealed,
       secret_key.kek_version AS secret_kek, secret_key.wrapped AS secret_wrapped,
       buyer.sealed AS buyer_sealed, buyer_key.kek_version AS buyer_kek, buyer_key.wrapped AS buyer_wrapped
FROM task
JOIN deliveries delivery ON delivery.component_id = task.component_id
JOIN skus sku ON sku.sku_id = delivery.sku_id
JOIN suppliers supplier ON supplier.supplier_id = task.supplier_id
JOIN data_keys secret_key ON secret_key.key_id = supplier.key_id
LEFT JOIN buyer_fields buyer ON buyer.component_id = task.component_id
LEFT JOIN data_keys buyer_key ON buyer_key.key_id = buyer.key_id
"""  # noqa: S608  # composed of the constant above

_LOCK_OPEN = f"""
SELECT {_TASK_COLUMNS}, task.component_id FROM supplier_tasks task
JOIN unnest($1::uuid[], $2::uuid[]) AS mine (task_id, lease)
     ON task.task_id = mine.task_id AND (mine.lease IS NULL OR task.lease = mine.lease)
WHERE task.state IN ('new', 'sent', 'unknown') ORDER BY task.task_id FOR UPDATE OF task
"""  # noqa: S608  # composed of the constant above

_SAVE_TASKS = """
UPDATE supplier_tasks SET
    state = wanted.state, questions = wanted.questions, refused = wanted.refused, cost_minor = wanted.cost_minor, last_reason = wanted.last_reason,
    supplier_order_no = wanted.supplier_order_no, due_at = wanted.due_at, reached = wanted.reached, lease = NULL,
    ended_at = CASE WHEN wanted.due_at IS NULL THEN $1::timestamptz END
FROM unnest($2::uuid[], $3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[], $8::timestamptz[],
            $9::boolean[], $10::boolean[])
     AS wanted (task_id, state, questions, cost_minor, last_reason, supplier_order_no, due_at, refused, reached)
WHERE supplier_tasks.task_id = wanted.task_id
"""

_CANCEL_TASKS = """
UPDATE supplier_tasks SET state = 'cancelled', due_at = NULL, ended_at = $2, lease = NULL
WHERE component_id = ANY($1::uuid[]) AND state = 'new'
"""

_WANT_CANCEL = "UPDATE supplier_tasks SET cancel_wanted = true WHERE component_id = ANY($1::uuid[])"

_COMPONENTS_OF_TASKS = "SELECT task_id, component_id FROM supplier_tasks WHERE task_id = ANY($1::uuid[])"


@dataclass(frozen=True, slots=True)
class NewSupplier:
    """A supplier to be written down; its secret is sealed."""

    supplier_id: UUID
    name: str
    base_url: str
    merchant_id: str
    key_id: UUID
    secret_sealed: bytes = field(repr=False)
    wire: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class NewTask:
    """An order to be placed with a supplier; `cost_minor` is expected for all units."""

    task_id: UUID
    component_id: UUID
    supplier_id: UUID
    out_order_no: str
    supplier_sku: str
    quantity: int
    cost_minor: int


async def add_supplier(uow: UnitOfWork, supplier: NewSupplier, *, now: datetime) -> None:
    """:raises asyncpg.UniqueViolationError: the name is taken (`uq_suppliers_name`)."""
    await uow.raw.execute(
        _ADD_SUPPLIER,
        supplier.supplier_id,
        supplier.name,
        supplier.base_url,
        supplier.merchant_id,
        supplier.key_id,
        supplier.secret_sealed,
        supplier.wire,
        now,
    )


async def change_supplier(
    uow: UnitOfWork,
    supplier_id: UUID,
    *,
    base_url: str | None,
    active: bool | None,
    wire: Mapping[str, object] | None,
    low_balance_minor: int | None,
) -> bool:
    """Change what is not None; False: there is no such supplier."""
    return bool(await uow.raw.fetchval(_CHANGE_SUPPLIER, supplier_id, base_url, active, wire, low_balance_minor))


async def change_secret(uow: UnitOfWork, supplier_id: UUID, *, key_id: UUID, secret_sealed: bytes) -> None:
    """Sign by another secret from now on."""
    await uow.raw.execute(_CHANGE_SIGNING, supplier_id, key_id, secret_sealed)


async def map_skus(uow: UnitOfWork, supplier_id: UUID, offers: Sequence[SupplierOffer]) -> None:
    """Add or replace a supplier's offers.

    :raises asyncpg.ForeignKeyViolationError: there is no such supplier or SKU.
    """
    await uow.raw.execute(
        _MAP_SKUS,
        supplier_id,
        [offer.sku_id for offer in offers],
        [offer.supplier_sku for offer in offers],
        [offer.cost_minor for offer in offers],
        [offer.priority for offer in offers],
        [offer.weight for offer in offers],
        [offer.price_rule.value for offer in offers],
        [offer.margin_bp for offer in offers],
    )


async def add_tasks(uow: UnitOfWork, tasks: Sequence[NewTask], *, now: datetime) -> None:
    """:raises asyncpg.UniqueViolationError: a component has a task already."""
    await uow.raw.execute(
        _ADD_TASKS,
        [task.task_id for task in tasks],
        [task.component_id for task in tasks],
        [task.supplier_id for task in tasks],
        [task.out_order_no for task in tasks],
        [task.supplier_sku for task in tasks],
        [task.quantity for task in tasks],
        [task.cost_minor for task in tasks],
        now,
    )


async def lease_tasks(uow: UnitOfWork, *, now: datetime, until: datetime, lease: UUID, limit: int) -> list[LeasedTask]:
    """Take tasks that are due, for this process alone until then. New ones count as sent from now on."""
    return [_leased(row, lease) for row in await uow.raw.fetch(_CLAIM_TASKS, now, limit, lease, until)]


async def find_components(uow: UnitOfWork, task_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The component that each task is for."""
    return {row["task_id"]: row["component_id"] for row in await uow.raw.fetch(_COMPONENTS_OF_TASKS, task_ids)}


async def lock_open_tasks(uow: UnitOfWork, leases: Mapping[UUID, UUID | None]) -> dict[UUID, Task]:
    """Open tasks, locked, if they still are under the lease named: one that ran out may be another's by now.

    A task named with None is locked under whatever lease it is.
    """
    rows = await uow.raw.fetch(_LOCK_OPEN, list(leases.keys()), list(leases.values()))
    return {row["task_id"]: _task(row) for row in rows}


async def save_tasks(uow: UnitOfWork, tasks: Sequence[Task], *, now: datetime) -> None:
    """Write what calls taught us, and end the leases."""
    await uow.raw.execute(
        _SAVE_TASKS,
        now,
        [task.task_id for task in tasks],
        [task.state.value for task in tasks],
        [task.questions for task in tasks],
        [task.cost_minor for task in tasks],
        [task.last_reason for task in tasks],
        [task.supplier_order_no for task in tasks],
        [task.due_at for task in tasks],
        [task.refused for task in tasks],
        [task.reached for task in tasks],
    )


async def cancel_tasks(uow: UnitOfWork, component_ids: Sequence[UUID], *, now: datetime) -> None:
    """End tasks that are certainly not with the supplier. They must be locked already."""
    await uow.raw.execute(_CANCEL_TASKS, component_ids, now)


async def want_cancel(uow: UnitOfWork, component_ids: Sequence[UUID]) -> None:
    """Do not place these orders again if it turns out that the supplier does not have them."""
    await uow.raw.execute(_WANT_CANCEL, component_ids)


def _task(row: asyncpg.Record) -> Task:
    return Task(
        task_id=row["task_id"],
        state=TaskState(row["state"]),
        attempts=row["attempts"],
        questions=row["questions"],
        sent_at=row["sent_at"],
        cancel_wanted=row["cancel_wanted"],
        refused=row["refused"],
        cost_minor=row["cost_minor"],
        last_reason=row["last_reason"],
        supplier_order_no=row["supplier_order_no"],
        due_at=row["due_at"],
        tries=row["tries"],
        reached=row["reached"],
    )


def _leased(row: asyncpg.Record, lease: UUID) -> LeasedTask:
    return LeasedTask(
        task=_task(row),
        step=Step.PLACE if row["previous"] == TaskState.NEW else Step.QUERY,
        lease=lease,
        component_id=row["component_id"],
        supplier_id=row["supplier_id"],
        base_url=row["base_url"],
        merchant_id=row["merchant_id"],
        out_order_no=row["out_order_no"],
        supplier_sku=row["supplier_sku"],
        quantity=row["quantity"],
        paid_minor=row["amount_minor"],
        guarded=row["price_guard"],
        secret_sealed=row["secret_sealed"],
        secret_key=WrappedKey(row["secret_kek"], row["secret_wrapped"]),
        fields_sealed=row["buyer_sealed"],
        fields_key=None if row["buyer_sealed"] is None else WrappedKey(row["buyer_kek"], row["buyer_wrapped"]),
        sku_id=row["sku_id"],
        for_cards=row["kind"] == SkuKind.CARD_KEY,
        wire=row["wire"],
    )
