"""Say once more what became of components: somebody asks again, because the answer seems not to have arrived."""

from collections.abc import Sequence
from datetime import datetime

from services.inventory import events
from services.inventory.domain.delivery import DeliveryState, reservation_of
from services.inventory.domain.issuing import Reservation
from services.inventory.repository import deliveries, entitlements, shipping, substitutes
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import get_logger

log = get_logger(__name__)


async def repeat_outcomes(uow: UnitOfWork, reservations: Sequence[Reservation], *, now: datetime) -> None:
    """What was decided before of these components, said again under new event ids."""
    if not reservations:
        return
    known = {
        delivery.component_id: delivery
        for delivery in await deliveries.find_deliveries(uow, [entry.component_id for entry in reservations])
    }
    issued = [entry for entry in reservations if known[entry.component_id].state is DeliveryState.ISSUED]
    units = await entitlements.find_entitlements(
        uow,
        order_ids=[entry.order_id for entry in issued],
        component_ids=[entry.component_id for entry in issued],
    )
    names = await substitutes.find_delivered_names(uow, list(known.values()))
    for entry in issued:
        own = [unit for unit in units if unit.component_id == entry.component_id]
        delivery = known[entry.component_id]
        said = events.card_issued(
            reservation_of(delivery),
            own,
            supplier_id=delivery.supplier_id,
            issued_at=delivery.issued_at or now,
            name=names.get(entry.component_id),
        )
        announce(uow, said, now=now)
    promises = await shipping.find_promises(
        uow,
        [
            entry.component_id
            for entry in reservations
            if known[entry.component_id].state is DeliveryState.AWAITING_SHIPMENT
        ],
    )
    for entry in reservations:
        if entry.component_id in promises:
            announce(uow, events.shipment_promised(entry, promises[entry.component_id]), now=now)
        reason = known[entry.component_id].reason
        if known[entry.component_id].state is DeliveryState.REJECTED and reason is not None:
            announce(uow, events.card_rejected(entry, reason), now=now)
    log.info("reserve.repeated", components=len(reservations), issued=len(issued))
