"""What the points service announces."""

from uuid import UUID

from shared.contracts._base import AmountMinor, AwareDatetime, Currency, Event

Points = AmountMinor


class PointsAccruedV1(Event):
    """Points earned for one component. 0 is said too (guests, free orders): settlement waits for the word.

    `cost_minor` is what the points will cost the platform when they are spent.
    """

    TYPE = "points.accrued"
    TOPIC = "points"
    KEY = "order_id"

    order_id: UUID
    component_id: UUID
    member_id: UUID | None = None
    points: Points
    lot_id: UUID | None = None
    available_at: AwareDatetime | None = None
    currency: Currency
    cost_minor: AmountMinor


class PointsReversedV1(Event):
    """Points of one refunded component are back. `debt_points` is the part that had already been spent."""

    TYPE = "points.reversed"
    TOPIC = "points"
    KEY = "order_id"

    order_id: UUID
    refund_id: UUID
    component_id: UUID
    member_id: UUID | None = None
    points: Points
    debt_points: Points = 0
    currency: Currency
    cost_minor: AmountMinor
