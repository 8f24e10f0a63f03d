"""Shipments: promised, sent, received, in sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory.domain.delivery import DeliveryState
from services.inventory.domain.issuing import Reservation
from services.inventory.domain.shipping import Parcel, Promise, Shipment, ShipmentState
from shared.clock import new_id
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_ADD = """
INSERT INTO shipments (component_id, order_id, member_id, sku_id, quantity, state, ship_before, created_at)
SELECT component_id, order_id, member_id, sku_id, quantity, 'awaiting', ship_before, $7
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::timestamptz[])
     AS promised (component_id, order_id, member_id, sku_id, quantity, ship_before)
"""

_PROMISES = "SELECT component_id, ship_before FROM shipments WHERE component_id = ANY($1::uuid[])"

# After the deliveries, which whoever takes something back locks first too.
_LOCK = """
SELECT shipment.component_id, shipment.state, delivery.state AS delivery_state, shipment.carrier, shipment.tracking_no
FROM shipments shipment JOIN deliveries delivery ON delivery.component_id = shipment.component_id
WHERE shipment.component_id = ANY($1::uuid[]) ORDER BY shipment.component_id FOR UPDATE OF shipment
"""

_SEND = """
UPDATE shipments SET state = 'shipped', carrier = sent.carrier, tracking_no = sent.tracking_no, shipped_by = $4,
                     shipped_at = $5, ended_by = NULL, ended_at = NULL
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS sent (component_id, carrier, tracking_no)
WHERE shipments.component_id = sent.component_id
"""

_END = "UPDATE shipments SET state = $2, ended_by = $3, ended_at = $4 WHERE component_id = ANY($1::uuid[])"

_STATES = "SELECT component_id, state FROM shipments WHERE component_id = ANY($1::uuid[])"

_SIGN_OLD = """
UPDATE shipments SET state = 'signed', ended_by = 'clock', ended_at = $3
WHERE component_id IN (
    SELECT component_id FROM shipments WHERE state = 'shipped' AND shipped_at <= $1
    ORDER BY shipped_at LIMIT $2 FOR UPDATE SKIP LOCKED
) RETURNING component_id
"""

_OWNER = "SELECT member_id, order_id FROM shipments WHERE component_id = $1"

_ADDRESSED = """
SELECT shipment.component_id, shipment.order_id, sku.name, shipment.quantity, shipment.state, shipment.ship_before,
       shipment.carrier, shipment.tracking_no, fields.sealed, key.kek_version, key.wrapped
FROM shipments shipment JOIN skus sku ON sku.sku_id = shipment.sku_id
LEFT JOIN buyer_fields fields ON fields.component_id = shipment.component_id
LEFT JOIN data_keys key ON key.key_id = fields.key_id
WHERE shipment.state = $1 AND ($2::uuid IS NULL OR shipment.sku_id = $2)
  AND ($3::uuid[] IS NULL OR shipment.component_id = ANY($3))
ORDER BY shipment.component_id LIMIT $4
"""

_NOTE_READ = "INSERT INTO personal_reads (read_id, operator, what, buyers, read_at) VALUES ($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class AddressedShipment:
    """A shipment with what its buyer told, still sealed; None where that was forgotten."""

    component_id: UUID
    order_id: UUID
    name: str
    quantity: int
    state: ShipmentState
    ship_before: datetime
    carrier: str | None
    tracking_no: str | None = field(repr=False)
    sealed: bytes | None = field(repr=False)
    key: WrappedKey | None


async def add_shipments(uow: UnitOfWork, promised: Sequence[tuple[Reservation, Promise]], *, now: datetime) -> None:
    """Write down what is to be sent."""
    components = [component for component, _ in promised]
    await uow.raw.execute(
        _ADD,
        [component.component_id for component in components],
        [component.order_id for component in components],
        [component.member_id for component in components],
        [component.sku_id for component in components],
        [component.quantity for component in components],
        [promise.ship_before for _, promise in promised],
        now,
    )


async def find_promises(uow: UnitOfWork, component_ids: Sequence[UUID]) -> dict[UUID, Promise]:
    """Until when each of these components is to be sent."""
    return {row["component_id"]: Promise(*row) for row in await uow.raw.fetch(_PROMISES, component_ids)}


async def lock_shipments(uow: UnitOfWork, component_ids: Sequence[UUID]) -> dict[UUID, Shipment]:
    """These shipments, locked. Their deliveries must be locked already."""
    return {
        row["component_id"]: Shipment(
            component_id=row["component_id"],
            state=ShipmentState(row["state"]),
            delivery_state=DeliveryState(row["delivery_state"]),
            parcel=Parcel(row["carrier"], row["tracking_no"]) if row["carrier"] else None,
        )
        for row in await uow.raw.fetch(_LOCK, component_ids)
    }


async def find_states(uow: UnitOfWork, component_ids: Sequence[UUID]) -> dict[UUID, ShipmentState]:
    """Where these shipments are; ask with their deliveries locked, so that it stays true."""
    return {row["component_id"]: ShipmentState(row["state"]) for row in await uow.raw.fetch(_STATES, component_ids)}


async def send(uow: UnitOfWork, parcels: Mapping[UUID, Parcel], *, shipped_by: str, now: datetime) -> None:
    """Locked shipments are on their way."""
    await uow.raw.execute(
        _SEND,
        list(parcels),
        [parcel.carrier for parcel in parcels.values()],
        [parcel.tracking_no for parcel in parcels.values()],
        shipped_by,
        now,
    )


async def end(
    uow: UnitOfWork, component_ids: Sequence[UUID], *, state: ShipmentState, ended_by: str, now: datetime
) -> None:
    """Locked shipments were received, came back, are lost, or will not be sent."""
    await uow.raw.execute(_END, component_ids, state.value, ended_by, now)


async def sign_old(uow: UnitOfWork, *, shipped_before: datetime, limit: int, now: datetime) -> int:
    """What was sent before that moment counts as received; answers how many."""
    return len(await uow.raw.fetch(_SIGN_OLD, shipped_before, limit, now))


async def find_owner(uow: UnitOfWork, component_id: UUID) -> tuple[UUID | None, UUID] | None:
    """Member and order of a shipment."""
    row = await uow.raw.fetchrow(_OWNER, component_id)
    return None if row is None else (row["member_id"], row["order_id"])


async def find_addressed(
    uow: UnitOfWork,
    *,
    state: ShipmentState,
    sku_id: UUID | None,
    component_ids: Sequence[UUID] | None,
    limit: int,
) -> list[AddressedShipment]:
    """Shipments with where they go, the oldest first."""
    rows = await uow.raw.fetch(_ADDRESSED, state.value, sku_id, component_ids, limit)
    return [
        AddressedShipment(
            **{name: row[name] for name in ("component_id", "order_id", "name", "quantity", "ship_before", "carrier")},
            state=ShipmentState(row["state"]),
            tracking_no=row["tracking_no"],
            sealed=row["sealed"],
            key=WrappedKey(row["kek_version"], row["wrapped"]) if row["sealed"] is not None else None,
        )
        for row in rows
    ]


async def note_read(uow: UnitOfWork, *, operator: str, what: str, buyers: int, now: datetime) -> None:
    """Keep who read personal data of how many buyers."""
    await uow.raw.execute(_NOTE_READ, new_id(), operator, what, buyers, now)
