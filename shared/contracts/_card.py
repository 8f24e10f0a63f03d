from uuid import UUID

from shared.contracts._base import Event


class CardEvent(Event):
    """What became of a component, or of one entitlement of it."""

    TOPIC = "card"
    KEY = "order_id"

    order_id: UUID
    component_id: UUID
    sku_id: UUID
    member_id: UUID | None = None
