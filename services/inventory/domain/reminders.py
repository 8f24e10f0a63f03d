"""When owners are reminded that something of theirs ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

REMIND_BEFORE = timedelta(days=3)
"""Time enough to go to a store, near enough not to be forgotten again."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """An entitlement that ends soon and was not used."""

    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    member_id: UUID | None
    sku_id: UUID
    expires_at: datetime
