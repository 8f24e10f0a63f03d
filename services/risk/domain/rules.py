"""Rules: what is measured, for whom, over how long, and what follows above the limit. Plain data, versioned as a set."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.risk.domain.decisions import Kind, Outcome

RULES_MAX = 64
"""Every rule costs each decision a fraction of a microsecond, and a person has to keep them in mind."""

WINDOW_S_MAX = 30 * 86_400
LIMIT_MAX = 1_000_000_000
DISTINCT_LIMIT_MAX = 10_000
"""Distinct things are kept one by one, so their limit bounds memory."""

MINUTE_S = 60
HOUR_S = 3_600
DAY_S = 86_400


class Measure(StrEnum):
    """What is added up. `purchase_minor` looks at the one purchase alone; all others look at a window."""

    ATTEMPTS = "attempts"
    QUANTITY = "quantity"
    AMOUNT_MINOR = "amount_minor"
    MEMBERS = "members"
    FIRST_REVEALS = "first_reveals"
    PURCHASE_MINOR = "purchase_minor"


class KeyKind(StrEnum):
    """For whom it is added up. An IPv6 `ip` is its /64; `network` is the /24, or the /48."""

    MEMBER = "member"
    DEVICE = "device"
    IP = "ip"
    NETWORK = "network"


class InvalidRulesError(Exception):
    """The set of rules cannot be used; the text says which rule and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Above `limit` of `measure` per `key` within `window_s`, `outcome` follows.

    `account_younger_than_s` narrows the rule to members whose account is younger; guests have none and are not meant.
    """

    rule_id: str
    kind: Kind
    measure: Measure
    key: KeyKind
    window_s: int
    limit: int
    outcome: Outcome
    account_younger_than_s: int | None = None
    enabled: bool = True

    @property
    def code(self) -> str:
        """The reason as others see it: nothing in it tells an attacker the limit."""
        return f"velocity.{self.key}" if self.measure is not Measure.PURCHASE_MINOR else "purchase.large"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """One version of all rules, in the order in which their hits are told."""

    version: int
    rules: tuple[Rule, ...]

    @property
    def longest_window_s(self) -> int:
        """How far back counters have to be filled at start."""
        return max((rule.window_s for rule in self.rules if rule.enabled), default=0)


def require_valid(rules: Sequence[Rule]) -> None:
    """:raises InvalidRulesError: a rule that could not be kept, could not be told apart, or would never speak."""
    if len(rules) > RULES_MAX:
        raise InvalidRulesError(f"{len(rules)} rules; {RULES_MAX} are allowed")
    names = [rule.rule_id for rule in rules]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidRulesError(f"rule ids are not unique: {', '.join(repeated)}")
    for rule in rules:
        fault = _fault(rule)
        if fault is not None:
            raise InvalidRulesError(f"rule {rule.rule_id}: {fault}")


def _fault(rule: Rule) -> str | None:
    if rule.outcome is Outcome.ALLOW:
        return "a rule reviews, challenges or denies; to allow, use a list"
    if not 1 <= rule.limit <= LIMIT_MAX:
        return f"limit is not within 1 and {LIMIT_MAX}"
    if not 1 <= rule.window_s <= WINDOW_S_MAX:
        return f"window_s is not within 1 and {WINDOW_S_MAX}"
    return _fault_of_combination(rule)


def _fault_of_combination(rule: Rule) -> str | None:
    if rule.measure is Measure.MEMBERS and rule.limit > DISTINCT_LIMIT_MAX:
        return f"distinct members are counted up to {DISTINCT_LIMIT_MAX}"
    if rule.measure is Measure.MEMBERS and rule.key is KeyKind.MEMBER:
        return "a member is one member"
    if rule.measure is Measure.FIRST_REVEALS and (rule.kind, rule.key) != (Kind.REVEAL, KeyKind.MEMBER):
        return "first reveals are known per member, and asked about at a reveal"
    if rule.measure in _MEASURES_OF_CHECKOUT and rule.kind is not Kind.CHECKOUT:
        return f"{rule.measure} is known at checkout only"
    return None


_MEASURES_OF_CHECKOUT = frozenset({Measure.QUANTITY, Measure.AMOUNT_MINOR, Measure.PURCHASE_MINOR})


def default_rules(*, scale: int) -> tuple[Rule, ...]:
    """The first set of an installation. `scale` multiplies limits: 1 where buyers are people, more for load drivers."""
    checkout, reveal = Kind.CHECKOUT, Kind.REVEAL
    deny, review = Outcome.DENY, Outcome.REVIEW
    member, device, ip, network = KeyKind.MEMBER, KeyKind.DEVICE, KeyKind.IP, KeyKind.NETWORK
    plain = (
        Rule("checkout-member-minute", checkout, Measure.ATTEMPTS, member, MINUTE_S, 10, deny),
        Rule("checkout-ip-minute", checkout, Measure.ATTEMPTS, ip, MINUTE_S, 60, deny),
        Rule("checkout-device-hour", checkout, Measure.ATTEMPTS, device, HOUR_S, 60, review),
        Rule("checkout-network-minute", checkout, Measure.ATTEMPTS, network, MINUTE_S, 300, review),
        Rule("checkout-member-units-day", checkout, Measure.QUANTITY, member, DAY_S, 200, review),
        Rule("checkout-member-amount-day", checkout, Measure.AMOUNT_MINOR, member, DAY_S, 500_000, review),
        Rule("checkout-device-members-day", checkout, Measure.MEMBERS, device, DAY_S, 5, review),
        Rule("checkout-ip-members-hour", checkout, Measure.MEMBERS, ip, HOUR_S, 30, review),
        Rule("checkout-large", checkout, Measure.PURCHASE_MINOR, member, MINUTE_S, 300_000, review),
        Rule("checkout-large-new-account", checkout, Measure.PURCHASE_MINOR, member, MINUTE_S, 50_000, review, DAY_S),
        Rule("reveal-member-minute", reveal, Measure.ATTEMPTS, member, MINUTE_S, 30, deny),
        Rule("reveal-ip-minute", reveal, Measure.ATTEMPTS, ip, MINUTE_S, 120, deny),
        Rule("reveal-member-firsts-hour", reveal, Measure.FIRST_REVEALS, member, HOUR_S, 200, deny),
    )
    return tuple(_scaled(rule, scale) for rule in plain)


def _scaled(rule: Rule, scale: int) -> Rule:
    highest = DISTINCT_LIMIT_MAX if rule.measure is Measure.MEMBERS else LIMIT_MAX
    return Rule(
        rule_id=rule.rule_id,
        kind=rule.kind,
        measure=rule.measure,
        key=rule.key,
        window_s=rule.window_s,
        limit=min(rule.limit * scale, highest),
        outcome=rule.outcome,
        account_younger_than_s=rule.account_younger_than_s,
        enabled=rule.enabled,
    )
