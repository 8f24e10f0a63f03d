"""What a delivered component earns, and what its refund takes back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from uuid import UUID

from services.points.domain.ledger import Cause, EntryKind, Lot, LotState
from shared.clock import business_day, business_day_bounds

MONTHS_PER_YEAR = 12


class RuleNotEffectiveError(Exception):
    """No rule was in force at that moment."""


class RuleInThePastError(Exception):
    """A new rule would reach back over points that have been earned already."""


@dataclass(frozen=True, slots=True)
class Terms:
    """When points of a purchase can be spent, and until when."""

    pending_for: timedelta
    lifetime_months: int

    def available_at(self, earned_at: datetime) -> datetime:
        """Points wait until a refund has become unlikely."""
        return earned_at + self.pending_for

    def expires_at(self, earned_at: datetime) -> datetime:
        """The first instant at which the points are gone: midnight in Shanghai after the last day of a month."""
        day = business_day(earned_at)
        return _end_of_month(day.year * MONTHS_PER_YEAR + (day.month - 1) + self.lifetime_months)


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of "what earns how much": `points` per `per_minor` paid; `cost_points` points cost `cost_minor` 分."""

    version: int
    points: int
    per_minor: int
    cost_minor: int
    cost_points: int
    effective_from: datetime

    def points_for(self, amount_minor: int) -> int:
        """Whole points for an amount, rounded down."""
        return amount_minor * self.points // self.per_minor

    def cost_of(self, points: int) -> int:
        """What these points will cost us, in 分, rounded up: a liability is never stated too low."""
        return -(-points * self.cost_minor // self.cost_points)


@dataclass(frozen=True, slots=True)
class RuleProposal:
    """A rule as an operator wants it. `effective_from` None is: from now on."""

    points: int
    per_minor: int
    cost_minor: int
    cost_points: int
    effective_from: datetime | None

    def following(self, rules: Iterable[Rule], *, now: datetime) -> Rule:
        """The next version after these rules.

        :raises RuleInThePastError: it would be in force before now.
        """
        effective_from = self.effective_from or now
        if effective_from < now:
            raise RuleInThePastError(f"a rule begins now or later, not at {effective_from.isoformat()}")
        version = 1 + max((rule.version for rule in rules), default=0)
        return Rule(version, self.points, self.per_minor, self.cost_minor, self.cost_points, effective_from)


def rule_at(rules: Sequence[Rule], moment: datetime) -> Rule:
    """The rule in force when something happened, so that a replay of old events earns what it earned then.

    :param rules: the newest first, by the moment from which they are in force.
    :raises RuleNotEffectiveError: none was.
    """
    for rule in rules:
        if rule.effective_from <= moment:
            return rule
    raise RuleNotEffectiveError(f"no points rule was in force at {moment.isoformat()}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A component that was issued: what was paid for it, and by whom. Guests have no member id."""

    order_id: UUID
    component_id: UUID
    member_id: UUID | None
    amount_minor: int
    currency: str
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Accrual:
    """The answer for one delivery: the lot it brings, or none."""

    delivery: Delivery
    rule_version: int
    lot: Lot | None

    @property
    def points(self) -> int:
        return self.lot.granted if self.lot else 0

    @property
    def cost_minor(self) -> int:
        return self.lot.cost_minor if self.lot else 0

    def without_points(self) -> "Accrual":
        """The same delivery when its component had been revoked before: nothing is earned."""
        return replace(self, lot=None)

    def cause(self, entry_id: UUID) -> Cause:
        """What the entry will say about itself."""
        return Cause(
            entry_id=entry_id,
            kind=EntryKind.EARN,
            occurred_at=self.delivery.issued_at,
            order_id=self.delivery.order_id,
            component_id=self.delivery.component_id,
            rule_version=self.rule_version,
            amount_minor=self.delivery.amount_minor,
        )


@dataclass(frozen=True, slots=True)
class Revocation:
    """A component that a refund took back."""

    order_id: UUID
    component_id: UUID
    member_id: UUID | None
    refund_id: UUID

    def cause(self, entry_id: UUID, *, occurred_at: datetime) -> Cause:
        """What the entry will say about itself."""
        return Cause(
            entry_id=entry_id,
            kind=EntryKind.REVERSE,
            occurred_at=occurred_at,
            order_id=self.order_id,
            component_id=self.component_id,
            refund_id=self.refund_id,
        )


@dataclass(frozen=True, slots=True)
class Earned:
    """What a component had brought when it is revoked. `lot_id` is None when that was nothing."""

    component_id: UUID
    member_id: UUID | None
    points: int
    cost_minor: int
    currency: str
    lot_id: UUID | None


@dataclass(frozen=True, slots=True)
class Reversal:
    """The answer for one revocation: exactly what had been earned, and how much of it the member now owes."""

    revocation: Revocation
    points: int
    debt_points: int
    cost_minor: int
    currency: str


def earn(delivery: Delivery, *, rule: Rule, terms: Terms, lot_id: UUID, now: datetime) -> Accrual:
    """What a delivery earns by a rule. Guests and free components earn nothing, and get no lot."""
    points = rule.points_for(delivery.amount_minor)
    if delivery.member_id is None or points == 0:
        return Accrual(delivery, rule.version, None)
    available_at = terms.available_at(delivery.issued_at)
    lot = Lot(
        lot_id=lot_id,
        member_id=delivery.member_id,
        component_id=delivery.component_id,
        granted=points,
        remaining=points,
        expired=0,
        state=LotState.PENDING if available_at > now else LotState.AVAILABLE,
        cost_minor=rule.cost_of(points),
        available_at=available_at,
        expires_at=terms.expires_at(delivery.issued_at),
    )
    return Accrual(delivery, rule.version, lot)


def give(member_id: UUID, points: int, *, rule: Rule, terms: Terms, lot_id: UUID, now: datetime) -> Lot:
    """Points that are a present: available at once, and of the usual lifetime and cost."""
    return Lot(
        lot_id=lot_id,
        member_id=member_id,
        component_id=None,
        granted=points,
        remaining=points,
        expired=0,
        state=LotState.AVAILABLE,
        cost_minor=rule.cost_of(points),
        available_at=now,
        expires_at=terms.expires_at(now),
    )


@lru_cache(maxsize=64)
def _end_of_month(month_index: int) -> datetime:
    """Midnight after the last day of a month, in Shanghai. Months are counted from the year 0."""
    following = month_index + 1
    return business_day_bounds(date(following // MONTHS_PER_YEAR, following % MONTHS_PER_YEAR + 1, 1))[0]
