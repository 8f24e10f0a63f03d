"""Who has a seat at an event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from shared.crypto import WrappedKey
from shared.database import UnitOfWork

_ATTENDEES = """
SELECT unit.entitlement_id, unit.component_id, unit.masked, unit.state, fields.sealed, key.kek_version, key.wrapped
FROM deliveries delivery JOIN entitlements unit
    ON unit.component_id = delivery.component_id AND unit.order_id = delivery.order_id
LEFT JOIN buyer_fields fields ON fields.component_id = unit.component_id
LEFT JOIN data_keys key ON key.key_id = fields.key_id
LEFT JOIN seats seat ON seat.entitlement_id = unit.entitlement_id
WHERE delivery.sku_id = $1 AND delivery.kind = 'event_seat' AND unit.state <> 'revoked'
ORDER BY seat.number NULLS LAST, unit.entitlement_id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class SealedAttendee:
    """Somebody with a seat, with what was told still sealed; None where that was forgotten."""

    entitlement_id: UUID
    component_id: UUID
    seat: str
    state: EntitlementState
    sealed: bytes | None = field(repr=False)
    key: WrappedKey | None


async def find_attendees(uow: UnitOfWork, sku_id: UUID, *, limit: int) -> Sequence[SealedAttendee]:
    """Those who have a seat, by its number."""
    return [
        SealedAttendee(
            entitlement_id=row["entitlement_id"],
            component_id=row["component_id"],
            seat=row["masked"],
            state=EntitlementState(row["state"]),
            sealed=row["sealed"],
            key=WrappedKey(row["kek_version"], row["wrapped"]) if row["sealed"] is not None else None,
        )
        for row in await uow.raw.fetch(_ATTENDEES, sku_id, limit)
    ]
