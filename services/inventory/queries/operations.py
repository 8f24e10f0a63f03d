"""Suppliers, tasks and figures, for operators."""

from datetime import datetime

from services.inventory.domain.supply import TaskState
from services.inventory.queries import shipping
from services.inventory.queries.alerts import count_expiring
from services.inventory.queries.pages import after, page
from services.inventory.repository.sources import source
from services.inventory.schemas import FiguresOut, LowStockOut, SupplierOut, SupplierTaskOut
from services.inventory.schemas.syncing import LowBalanceOut
from shared.database import UnitOfWork
from shared.http import Page

LOW_STOCK_MAX = 50
"""SKUs in the list of those that run low."""

_SUPPLIERS = """
SELECT supplier_id, name, base_url, merchant_id, active, wire, synced_at, balance_minor, low_balance_minor,
       coalesce((SELECT json_agg(json_build_object('sku_id', sku_id, 'supplier_sku', supplier_sku,
                                                   'cost_minor', cost_minor, 'priority', priority, 'weight', weight,
                                                   'paused_reason', paused_reason, 'price_rule', price_rule,
                                                   'margin_bp', margin_bp, 'stock', stock) ORDER BY sku_id)
                 FROM supplier_skus WHERE supplier_skus.supplier_id = suppliers.supplier_id), '[]') AS skus
FROM suppliers WHERE supplier_id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY supplier_id DESC LIMIT $2
"""

_TASKS = """
SELECT task.task_id, task.component_id, delivery.order_id, task.supplier_id, task.out_order_no, task.supplier_order_no,
       task.state, task.quantity, task.cost_minor, task.attempts, task.questions, task.last_reason, task.created_at,
       task.ended_at,
       coalesce((SELECT json_agg(json_build_object('supplier_id', supplier_id, 'out_order_no', out_order_no,
                                                   'supplier_order_no', supplier_order_no, 'last_reason', last_reason,
                                                   'ended_at', ended_at) ORDER BY number)
                 FROM supplier_tries WHERE supplier_tries.task_id = task.task_id), '[]') AS earlier
FROM supplier_tasks task JOIN deliveries delivery ON delivery.component_id = task.component_id
WHERE task.state = $1 AND task.task_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY task.task_id DESC LIMIT $3
"""

_LOW_STOCK = """
SELECT sku.sku_id, sku.name, stock.on_hand - stock.held AS available, sku.low_stock_below
FROM stock JOIN skus sku USING (sku_id)
WHERE stock.on_hand - stock.held < sku.low_stock_below AND sku.on_sale
ORDER BY stock.on_hand - stock.held, sku.sku_id LIMIT $1
"""

_CARD_FIGURES = f"""
SELECT coalesce(sum(stock.on_hand), 0)::bigint AS on_hand, coalesce(sum(stock.held), 0)::bigint AS held,
       coalesce(sum(stock.sold), 0)::bigint AS sold
FROM stock JOIN skus sku USING (sku_id) WHERE {source("sku")} = 'shelf' OR sku.supplied
"""  # noqa: S608  # composed of the table of kinds

_TASK_FIGURES = """
SELECT state, count(*) AS tasks FROM supplier_tasks
WHERE state IN ('new', 'sent', 'unknown') OR ended_at > now() - interval '1 day' GROUP BY state
"""

_LOW_BALANCES = """
SELECT supplier_id, name, balance_minor, low_balance_minor FROM suppliers
WHERE active AND balance_minor < low_balance_minor ORDER BY supplier_id LIMIT $1
"""

_HOLD_FIGURE = "SELECT count(DISTINCT order_id) FROM holds"


async def list_suppliers(read: UnitOfWork, *, cursor: str | None, limit: int) -> Page[SupplierOut]:
    rows = await read.raw.fetch(_SUPPLIERS, after(cursor), limit + 1)
    return page([SupplierOut(**row) for row in rows], limit=limit, key=lambda supplier: supplier.supplier_id)


async def list_tasks(read: UnitOfWork, *, state: TaskState, cursor: str | None, limit: int) -> Page[SupplierTaskOut]:
    """Orders with suppliers that are in this state, the newest first."""
    rows = await read.raw.fetch(_TASKS, state.value, after(cursor), limit + 1)
    return page([SupplierTaskOut(**row) for row in rows], limit=limit, key=lambda task: task.task_id)


async def read_figures(read: UnitOfWork, *, now: datetime) -> FiguresOut:
    """Stock that runs low, cards that will expire, cards by where they are, supplier orders by state (ended ones of the last
    day), what is to be sent by hand and what is late of it.
    """
    low = await read.raw.fetch(_LOW_STOCK, LOW_STOCK_MAX)
    cards = await read.raw.fetchrow(_CARD_FIGURES)
    tasks = await read.raw.fetch(_TASK_FIGURES)
    return FiguresOut(
        low_stock=[LowStockOut(**row) for row in low],
        expiring_cards=await count_expiring(read, now=now),
        cards=dict(cards or {}),
        supplier_tasks={row["state"]: row["tasks"] for row in tasks},
        low_balances=[LowBalanceOut(**row) for row in await read.raw.fetch(_LOW_BALANCES, LOW_STOCK_MAX)],
        holds=await read.raw.fetchval(_HOLD_FIGURE),
        shipments=await shipping.read_figures(read, now=now),
    )
