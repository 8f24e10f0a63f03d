"""What the risk service announces: its word on an order that was held, or on a member."""

from uuid import UUID

from shared.contracts._base import AwareDatetime, Event


class _RiskEvent(Event):
    TOPIC = "risk"
    KEY = "subject_id"

    subject_id: UUID
    """The order's id, else the member's."""
    order_id: UUID | None = None
    member_id: UUID | None = None
    decision_id: UUID
    reasons: tuple[str, ...] = ()
    decided_at: AwareDatetime


class RiskReleasedV1(_RiskEvent):
    """The held order may go: a reviewer said so, or risk itself, whose answer was only late."""

    TYPE = "risk.released"


class RiskDeniedV1(_RiskEvent):
    """The held order must not be issued: it is refunded."""

    TYPE = "risk.denied"


class RiskChallengedV1(_RiskEvent):
    """The member must prove more before going on."""

    TYPE = "risk.challenged"
