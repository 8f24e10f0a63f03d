"""Send what is sent by hand, and hear what became of it. A component is issued when it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.inventory import events
from services.inventory.domain.delivery import DeliveryState, reservation_of
from services.inventory.domain.issuing import Entitlement, unit_of
from services.inventory.domain.owners import Owner
from services.inventory.domain.shipment_files import ROWS_MAX, AddressedRow
from services.inventory.domain.shipping import (
    SIGNED_AFTER,
    Address,
    Parcel,
    Shipment,
    ShipmentState,
    ShipmentStateError,
    ShipmentsTooManyError,
    ShipmentUnknownError,
    read_address,
)
from services.inventory.repository import catalogue, deliveries, entitlements, shipping, substitutes
from services.inventory.repository.shipping import AddressedShipment
from services.inventory.usecases.holds import buyer_fields_aad
from shared.crypto import Keyring, open_sealed
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter, get_logger

log = get_logger(__name__)

SHIPMENT_MASK = "****"
"""What stands for the code of what has none."""

_SENT = Counter("shipments_sent_total", "Components that were sent by hand")

Refused = ShipmentUnknownError | ShipmentStateError


@dataclass(frozen=True, slots=True)
class ToShip:
    """A component, and the parcel it is in."""

    component_id: UUID
    parcel: Parcel


async def ship(uow: UnitOfWork, wanted: Sequence[ToShip], *, shipped_by: str, now: datetime) -> list[Refused | None]:
    """Say that these were sent; answers for each, in its place, None or why not. Said again just so, it is the same.

    What is sent for the first time is issued by it. What came back or was lost may be sent again.
    """
    component_ids = sorted({entry.component_id for entry in wanted})
    locked = {delivery.component_id: delivery for delivery in await deliveries.lock_deliveries(uow, component_ids)}
    known = await shipping.lock_shipments(uow, component_ids)
    sent: dict[UUID, Parcel] = {}
    answers = [_check(entry, known, sent) for entry in wanted]
    if sent:
        await shipping.send(uow, sent, shipped_by=shipped_by, now=now)
    first = [
        reservation_of(locked[component_id])
        for component_id in sent
        if known[component_id].delivery_state is DeliveryState.AWAITING_SHIPMENT
    ]
    if not first:
        return answers
    goods = await catalogue.find_goods(uow, list({component.sku_id for component in first}))
    names = await substitutes.find_delivered_names(uow, list(locked.values()))
    units: list[Entitlement] = []
    for component in first:
        cost_minor = goods[component.sku_id].cost_minor
        own = [
            unit_of(component, card_id=None, masked=SHIPMENT_MASK, cost_minor=cost_minor, expires_at=None)
            for _ in range(component.quantity)
        ]
        units.extend(own)
        name = names.get(component.component_id)
        announce(uow, events.card_issued(component, own, supplier_id=None, issued_at=now, name=name), now=now)
    await deliveries.mark_issued(uow, [component.component_id for component in first], now=now)
    await entitlements.give_entitlements(uow, units, now=now)
    uow.after_commit(lambda: _SENT.inc(len(first)))
    return answers


async def ship_one(uow: UnitOfWork, wanted: ToShip, *, shipped_by: str, now: datetime) -> None:
    """Say that one was sent.

    :raises ShipmentUnknownError: there is no such shipment.
    :raises ShipmentStateError: it is on its way already, received, or was taken back.
    """
    (refused,) = await ship(uow, [wanted], shipped_by=shipped_by, now=now)
    if refused is not None:
        raise refused


async def end(uow: UnitOfWork, component_id: UUID, *, state: ShipmentState, ended_by: str, now: datetime) -> None:
    """Say that a shipment was received, came back or is lost. Said again, it is the same.

    :raises ShipmentUnknownError: there is no such shipment.
    :raises ShipmentStateError: it is not on its way.
    """
    await deliveries.lock_deliveries(uow, [component_id])
    shipment = (await shipping.lock_shipments(uow, [component_id])).get(component_id)
    if shipment is None:
        raise ShipmentUnknownError(f"there is no shipment of component {component_id}")
    if shipment.state is state:
        return
    shipment.check_move(state)
    await shipping.end(uow, [component_id], state=state, ended_by=ended_by, now=now)
    log.info("shipment.ended", component_id=component_id, state=state.value)


async def confirm_receipt(uow: UnitOfWork, component_id: UUID, *, owner: Owner, ended_by: str, now: datetime) -> None:
    """The buyer has it.

    :raises ShipmentUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises ShipmentStateError: it is not on its way.
    """
    whose = await shipping.find_owner(uow, component_id)
    # What is sent is never given away.
    if whose is None or not owner.owns(member_id=whose[0], order_id=whose[1], given=False):
        raise ShipmentUnknownError(f"there is no shipment of component {component_id}")
    await end(uow, component_id, state=ShipmentState.SIGNED, ended_by=ended_by, now=now)


async def sign_old(uow: UnitOfWork, *, limit: int, now: datetime) -> int:
    """What was sent long ago and nobody complained about counts as received; answers how many."""
    return await shipping.sign_old(uow, shipped_before=now - SIGNED_AFTER, limit=limit, now=now)


async def read_addresses(
    uow: UnitOfWork,
    *,
    state: ShipmentState,
    sku_id: UUID | None,
    component_ids: Sequence[UUID] | None,
    operator: str,
    keyring: Keyring,
    now: datetime,
) -> list[AddressedRow]:
    """Where shipments go. Who asked for how many is kept.

    :raises ShipmentsTooManyError: there are more than one file may hold.
    """
    found = await shipping.find_addressed(
        uow, state=state, sku_id=sku_id, component_ids=component_ids, limit=ROWS_MAX + 1
    )
    if len(found) > ROWS_MAX:
        raise ShipmentsTooManyError(f"a file holds at most {ROWS_MAX} shipments: ask for one SKU, or for some of them")
    await shipping.note_read(uow, operator=operator, what="shipping_addresses", buyers=len(found), now=now)
    log.info("addresses.read", operator=operator, shipments=len(found))
    return [
        AddressedRow(
            component_id=entry.component_id,
            order_id=entry.order_id,
            name=entry.name,
            quantity=entry.quantity,
            ship_before=entry.ship_before,
            address=_open(entry, keyring=keyring),
            carrier=entry.carrier,
            tracking_no=entry.tracking_no,
        )
        for entry in found
    ]


def _check(entry: ToShip, known: Mapping[UUID, Shipment], sent: dict[UUID, Parcel]) -> Refused | None:
    shipment = known.get(entry.component_id)
    if shipment is None:
        return ShipmentUnknownError(f"there is no shipment of component {entry.component_id}")
    before = sent.get(entry.component_id)
    if before is not None:
        return None if before == entry.parcel else ShipmentStateError("it is in the list twice, in another parcel")
    if shipment.sent_as(entry.parcel):
        return None
    try:
        shipment.check_move(ShipmentState.SHIPPED)
    except ShipmentStateError as refused:
        return refused
    sent[entry.component_id] = entry.parcel
    return None


def _open(entry: AddressedShipment, *, keyring: Keyring) -> Address | None:
    if entry.sealed is None or entry.key is None:
        return None
    aad = buyer_fields_aad(entry.component_id)
    return read_address(orjson.loads(open_sealed(keyring.unwrap(entry.key), entry.sealed, aad=aad)))
