"""What the membership service announces. No phone, no e-mail, no name: ids only."""

from uuid import UUID

from shared.contracts._base import AwareDatetime, BasisPoints, Event


class _MemberEvent(Event):
    TOPIC = "member"
    KEY = "member_id"

    member_id: UUID


class MemberRegisteredV1(_MemberEvent):
    """A new account."""

    TYPE = "member.registered"

    registered_at: AwareDatetime
    invited_by: UUID | None = None


class MemberTierChangedV1(_MemberEvent):
    """The member's tier, and the price factor it brings (9000: pays 90 %). `sequence` grows per member."""

    TYPE = "member.tier_changed"

    sequence: int
    tier: str
    previous_tier: str | None = None
    price_bp: BasisPoints
    changed_at: AwareDatetime
