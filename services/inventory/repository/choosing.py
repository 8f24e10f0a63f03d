"""Offers to choose from, and orders that go on from one supplier to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.choosing import Offer
from shared.database import UnitOfWork

_OFFERS = """
SELECT offer.sku_id, offer.supplier_id, offer.supplier_sku, offer.cost_minor, offer.priority, offer.weight, sku.price_guard,
       coalesce(circuit.state <> 'closed' AND NOT coalesce(circuit.until <= $2, false), false) AS held_back
FROM supplier_skus offer
JOIN suppliers supplier ON supplier.supplier_id = offer.supplier_id AND supplier.active
JOIN skus sku ON sku.sku_id = offer.sku_id
LEFT JOIN supplier_circuits circuit ON circuit.supplier_id = offer.supplier_id
WHERE offer.sku_id = ANY($1::uuid[]) AND offer.paused_reason IS NULL
"""

_TRIED = """
SELECT task_id, supplier_id FROM supplier_tasks WHERE task_id = ANY($1::uuid[])
UNION SELECT task_id, supplier_id FROM supplier_tries WHERE task_id = ANY($1::uuid[])
"""

_KEEP_TRIES = """
INSERT INTO supplier_tries (task_id, number, supplier_id, out_order_no, supplier_order_no, attempts, questions, last_reason,
                            sent_at, ended_at)
SELECT task_id, tries, supplier_id, out_order_no, supplier_order_no, attempts, questions, last_reason, sent_at, $2
FROM supplier_tasks WHERE task_id = ANY($1::uuid[])
"""

_BEGIN_NEXT = """
UPDATE supplier_tasks SET
    supplier_id = wanted.supplier_id, supplier_sku = wanted.supplier_sku, out_order_no = wanted.out_order_no,
    cost_minor = wanted.cost_minor, state = 'new', tries = tries + 1, attempts = 0, questions = 0, refused = false,
    reached = false, supplier_order_no = NULL, sent_at = NULL, due_at = $1, ended_at = NULL, lease = NULL
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[])
     AS wanted (task_id, supplier_id, supplier_sku, out_order_no, cost_minor)
WHERE supplier_tasks.task_id = wanted.task_id
"""


@dataclass(frozen=True, slots=True)
class NextTry:
    """A task's order with its next supplier; `cost_minor` is expected for all units."""

    task_id: UUID
    supplier_id: UUID
    supplier_sku: str
    out_order_no: str
    cost_minor: int


async def find_offers(uow: UnitOfWork, sku_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, list[Offer]]:
    """What active suppliers ask for these SKUs. SKUs that nobody offers are absent."""
    found: dict[UUID, list[Offer]] = {}
    for row in await uow.raw.fetch(_OFFERS, sku_ids, now):
        found.setdefault(row["sku_id"], []).append(Offer(*row))
    return found


async def find_tried(uow: UnitOfWork, task_ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    """The suppliers that each task was with, the present one included."""
    tried: dict[UUID, set[UUID]] = {task_id: set() for task_id in task_ids}
    for row in await uow.raw.fetch(_TRIED, task_ids):
        tried[row["task_id"]].add(row["supplier_id"])
    return tried


async def pass_on(uow: UnitOfWork, tries: Sequence[NextTry], *, now: datetime) -> None:
    """Keep what became of the present tries, and begin the next ones. The tasks must be locked."""
    await uow.raw.execute(_KEEP_TRIES, [entry.task_id for entry in tries], now)
    await uow.raw.execute(
        _BEGIN_NEXT,
        now,
        [entry.task_id for entry in tries],
        [entry.supplier_id for entry in tries],
        [entry.supplier_sku for entry in tries],
        [entry.out_order_no for entry in tries],
        [entry.cost_minor for entry in tries],
    )
