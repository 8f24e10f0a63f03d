"""Tiers: what a member's spend of the last year brings him, and how slowly he loses it again.

Up at once; down by a job, and not before `downgrade_at`. Spend that left the window leaves time to make up for it;
spend that was refunded never was, and leaves none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from shared.clock import business_day
from shared.money import BASIS_POINTS

WINDOW = timedelta(days=365)


class TierTableInvalidError(Exception):
    """The tiers do not make a ladder."""


@dataclass(frozen=True, slots=True)
class Tier:
    """From `threshold_minor` spent within the window a member pays `price_bp` ten-thousandths of the price."""

    code: str
    name: str
    threshold_minor: int
    price_bp: int


@dataclass(frozen=True, slots=True)
class TierTable:
    """All tiers, from the lowest to the highest. Versions are never changed."""

    version: int
    tiers: tuple[Tier, ...]

    @property
    def base(self) -> Tier:
        """The tier of everybody."""
        return self.tiers[0]

    def earned_by(self, spend_minor: int) -> Tier:
        """The highest tier whose threshold the spend reaches."""
        return next((tier for tier in reversed(self.tiers) if spend_minor >= tier.threshold_minor), self.base)

    def by_code(self, code: str) -> Tier | None:
        return next((tier for tier in self.tiers if tier.code == code), None)

    def after(self, tier: Tier) -> Tier | None:
        """The next higher tier; None above the highest."""
        return next((other for other in self.tiers if other.threshold_minor > tier.threshold_minor), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a member stands, as the others have been told: `sequence` grows with each telling."""

    member_id: UUID
    tier_code: str
    price_bp: int
    sequence: int
    spend_minor: int
    downgrade_at: datetime | None
    table_version: int


def ladder(tiers: Sequence[Tier], *, version: int) -> TierTable:
    """A tier table, checked.

    :raises TierTableInvalidError: codes or thresholds repeat, none begins at 0, or a higher tier pays more.
    """
    ordered = tuple(sorted(tiers, key=lambda tier: tier.threshold_minor))
    if not ordered or ordered[0].threshold_minor != 0:
        raise TierTableInvalidError("one tier must begin at 0: it is everybody's")
    if len({tier.code for tier in ordered}) < len(ordered):
        raise TierTableInvalidError("two tiers have one code")
    if len({tier.threshold_minor for tier in ordered}) < len(ordered):
        raise TierTableInvalidError("two tiers have one threshold")
    prices = [tier.price_bp for tier in ordered]
    if prices != sorted(prices, reverse=True) or not all(0 < price <= BASIS_POINTS for price in prices):
        raise TierTableInvalidError("a higher tier pays no more than a lower one, and all pay something")
    return TierTable(version, ordered)


def first_standing(member_id: UUID, table: TierTable) -> Standing:
    """A new member has the base tier, and the others are told so."""
    return Standing(member_id, table.base.code, table.base.price_bp, 1, 0, None, table.version)


def reconsider(standing: Standing, table: TierTable, *, drop_at: datetime, now: datetime, may_drop: bool) -> Standing:
    """The standing after its spend, the tiers or the time have changed.

    :param drop_at: when the member loses the tier, if he does not earn it now and was not to lose it earlier.
    :param may_drop: whether a tier whose time has come is taken away here.
    """
    current = replace(standing, table_version=table.version)
    earned, held = table.earned_by(standing.spend_minor), table.by_code(standing.tier_code)
    if held is None or earned.threshold_minor >= held.threshold_minor:
        return _at(current, earned)
    downgrade_at = min(drop_at, standing.downgrade_at or drop_at)
    if may_drop and downgrade_at <= now:
        return _at(current, earned)
    return replace(_at(current, held), downgrade_at=downgrade_at)


def first_day_of_window(now: datetime) -> date:
    """The oldest business day whose spend still counts."""
    return business_day(now) - WINDOW + timedelta(days=1)


def _at(standing: Standing, tier: Tier) -> Standing:
    told = (standing.tier_code, standing.price_bp) == (tier.code, tier.price_bp)
    sequence = standing.sequence if told else standing.sequence + 1
    return replace(standing, tier_code=tier.code, price_bp=tier.price_bp, sequence=sequence, downgrade_at=None)
