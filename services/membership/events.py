"""What happened to members, as the contracts say it. Ids only: no phone, no e-mail, no name."""

from datetime import datetime

from services.membership.domain.accounts import NewMember
from services.membership.domain.tiers import Standing
from shared.contracts import MemberRegisteredV1, MemberTierChangedV1


def registered(member: NewMember) -> MemberRegisteredV1:
    """A new account."""
    return MemberRegisteredV1(
        member_id=member.member_id, registered_at=member.registered_at, invited_by=member.invited_by
    )


def tier_changed(standing: Standing, *, previous: Standing | None, now: datetime) -> MemberTierChangedV1:
    """Where the member stands from now on. `previous` is None for a new member."""
    return MemberTierChangedV1(
        member_id=standing.member_id,
        sequence=standing.sequence,
        tier=standing.tier_code,
        previous_tier=previous.tier_code if previous else None,
        price_bp=standing.price_bp,
        changed_at=now,
    )
