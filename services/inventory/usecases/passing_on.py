"""An order that one supplier certainly does not deliver goes to the next."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.inventory.domain.choosing import SUPPLIERS_MAX, Offer, choose
from services.inventory.domain.delivery import Delivery, RejectReason, reservation_of
from services.inventory.domain.supply import Task, may_pass_on, out_order_no
from services.inventory.repository import choosing, deliveries
from services.inventory.repository.choosing import NextTry
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

log = get_logger(__name__)

_PASSED_ON = Counter("supplier_orders_passed_on_total", "Orders that went on to another supplier")


async def pass_on(uow: UnitOfWork, advanced: Sequence[tuple[Task, Delivery]], *, now: datetime) -> set[UUID]:
    """Send those to another supplier that may and can go there; answers the ids of these tasks.

    The tasks are locked, and saved as they stand. A task ends, or tries the same supplier again, when nobody else
    offers the goods at a price that may be paid, or it has been with enough of them.
    """
    movable = [
        (task, delivery)
        for task, delivery in advanced
        if may_pass_on(task) and delivery.refund_id is None and task.tries < SUPPLIERS_MAX
    ]
    if not movable:
        return set()
    offers = await choosing.find_offers(uow, list({delivery.sku_id for _, delivery in movable}), now=now)
    tried = await choosing.find_tried(uow, [task.task_id for task, _ in movable])
    tries: list[NextTry] = []
    suppliers: list[tuple[UUID, UUID]] = []
    for task, delivery in movable:
        offer = _next_offer(delivery, offers.get(delivery.sku_id, []), tried[task.task_id])
        if isinstance(offer, RejectReason):
            continue
        tries.append(_next_try(task, delivery, offer))
        suppliers.append((delivery.component_id, offer.supplier_id))
        log.info("supplier.passed_on", task_id=task.task_id, to=offer.supplier_id, because=task.last_reason)
    if tries:
        await choosing.pass_on(uow, tries, now=now)
        await deliveries.set_suppliers(uow, suppliers)
        uow.after_commit(lambda: _PASSED_ON.inc(len(tries)))
    return {entry.task_id for entry in tries}


def _next_offer(delivery: Delivery, offers: Sequence[Offer], tried: set[UUID]) -> Offer | RejectReason:
    component = reservation_of(delivery)
    return choose(
        offers,
        component_id=component.component_id,
        quantity=component.quantity,
        amount_minor=component.amount_minor,
        tried=tried,
    )


def _next_try(task: Task, delivery: Delivery, offer: Offer) -> NextTry:
    return NextTry(
        task_id=task.task_id,
        supplier_id=offer.supplier_id,
        supplier_sku=offer.supplier_sku,
        out_order_no=out_order_no(delivery.component_id, task.tries + 1),
        cost_minor=offer.cost_minor * reservation_of(delivery).quantity,
    )
