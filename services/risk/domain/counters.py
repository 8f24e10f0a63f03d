"""All windows that a set of rules needs, counted together. Rules that measure the same over the same time share one."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from services.risk.domain.decisions import Address, Hit, Kind, Question
from services.risk.domain.rules import KeyKind, Measure, Rule, RuleSet
from services.risk.domain.windows import KEYS_MAX, SlidingDistinct, SlidingTotal, WindowsByKey

SECOND = 1_000_000
"""In microseconds."""

ACCOUNTS_MAX = 200_000
"""Young accounts kept; with more sign-ups than this within a rule's age, the oldest of them pass as grown up."""

Key = int | str | None
"""What windows are kept by. A member's id is its integer: hashing a UUID costs ten times as much."""


class YoungAccounts:
    """When members registered, for those that did so lately. Whoever is not in it has an old account."""

    def __init__(self, accounts_max: int = ACCOUNTS_MAX) -> None:
        self.accounts_max = accounts_max
        self._registered_at: OrderedDict[UUID, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._registered_at)

    def put(self, member_id: UUID, registered_at: int) -> None:
        """Learn of an account; times in microseconds since 1970."""
        self._registered_at[member_id] = registered_at
        if len(self._registered_at) > self.accounts_max:
            self._registered_at.popitem(last=False)

    def is_younger(self, member_id: UUID | None, than_s: int, now: int) -> bool:
        """Whether the member registered within the last `than_s` seconds."""
        if member_id is None:
            return False
        registered_at = self._registered_at.get(member_id)
        return registered_at is not None and now - registered_at < than_s * SECOND


@dataclass(slots=True)
class _Gauge:
    """One measure for one kind of key over one time, and the rules that read it."""

    measure: Measure
    key: KeyKind
    windows: WindowsByKey
    rules: list[Rule]
    lowest_limit: int


class Counters:
    """Counts attempts and says which rules they break. Times are whole microseconds since 1970."""

    def __init__(self, rule_set: RuleSet, *, keys_max: int = KEYS_MAX) -> None:
        self.rule_set = rule_set
        self._gauges: dict[Kind, list[_Gauge]] = {kind: list(_gauges(rule_set, kind, keys_max)) for kind in Kind}
        self._single: dict[Kind, list[Rule]] = {
            kind: [rule for rule in _enabled(rule_set, kind) if rule.measure is Measure.PURCHASE_MINOR] for kind in Kind
        }

    def count(self, question: Question, address: Address, at: int) -> None:
        """Add an attempt to every window that it belongs to."""
        keys, values = _keys(question, address), _values(question)
        for gauge in self._gauges[question.kind]:
            key = keys[gauge.key]
            if key is not None:
                gauge.windows.add(key, at, values[gauge.measure], question.member_id)

    def count_first_reveal(self, member_id: UUID, at: int) -> None:
        """A member has seen a code that nobody had seen before."""
        for gauge in self._gauges[Kind.REVEAL]:
            if gauge.measure is Measure.FIRST_REVEALS:
                gauge.windows.add(member_id.int, at, 1, None)

    def count_and_judge(self, question: Question, address: Address, at: int, accounts: YoungAccounts) -> list[Hit]:
        """Add an attempt, and tell the rules whose limit it passes."""
        keys, values = _keys(question, address), _values(question)
        hits = []
        for gauge in self._gauges[question.kind]:
            key = keys[gauge.key]
            if key is None:
                continue
            observed = gauge.windows.add_and_observe(key, at, values[gauge.measure], question.member_id)
            if observed > gauge.lowest_limit:
                hits += _broken(gauge.rules, observed, question, at, accounts)
        return hits + _broken(self._single[question.kind], question.amount_minor, question, at, accounts)

    def sweep(self, now: int, *, at_most: int) -> int:
        """Free keys whose windows ran empty, up to `at_most` per window; answers how many went."""
        return sum(gauge.windows.sweep(now, at_most=at_most) for gauges in self._gauges.values() for gauge in gauges)

    def keys_held(self) -> int:
        """Keys in all windows together: what memory follows."""
        return sum(len(gauge.windows.windows) for gauges in self._gauges.values() for gauge in gauges)

    def keys_forgotten(self) -> int:
        """Keys that left before their time because there were too many: counts may be too low."""
        return sum(gauge.windows.forgotten for gauges in self._gauges.values() for gauge in gauges)


def _gauges(rule_set: RuleSet, kind: Kind, keys_max: int) -> Iterator[_Gauge]:
    shared: dict[tuple[Measure, KeyKind, int], list[Rule]] = defaultdict(list)
    for rule in _enabled(rule_set, kind):
        if rule.measure is not Measure.PURCHASE_MINOR:
            shared[rule.measure, rule.key, rule.window_s].append(rule)
    for (measure, key, window_s), rules in shared.items():
        cap = max(rule.limit for rule in rules)
        window = SlidingDistinct if measure is Measure.MEMBERS else SlidingTotal
        windows = WindowsByKey(window, span=window_s * SECOND, cap=cap, keys_max=keys_max)
        yield _Gauge(measure, key, windows, rules, min(rule.limit for rule in rules))


def _enabled(rule_set: RuleSet, kind: Kind) -> list[Rule]:
    return [rule for rule in rule_set.rules if rule.enabled and rule.kind is kind]


def _keys(question: Question, address: Address) -> dict[KeyKind, Key]:
    return {
        KeyKind.MEMBER: None if question.member_id is None else question.member_id.int,
        KeyKind.DEVICE: question.device,
        KeyKind.IP: address.host,
        KeyKind.NETWORK: address.network,
    }


def _values(question: Question) -> dict[Measure, int]:
    return {
        Measure.ATTEMPTS: 1,
        Measure.QUANTITY: question.quantity,
        Measure.AMOUNT_MINOR: question.amount_minor,
        Measure.MEMBERS: 0 if question.member_id is None else 1,
        Measure.FIRST_REVEALS: 0,  # counted when they are heard of
    }


def _broken(rules: Iterable[Rule], observed: int, question: Question, at: int, accounts: YoungAccounts) -> list[Hit]:
    return [
        _hit(rule, observed)
        for rule in rules
        if observed > rule.limit
        and (
            rule.account_younger_than_s is None
            or accounts.is_younger(question.member_id, rule.account_younger_than_s, at)
        )
    ]


def _hit(rule: Rule, observed: int) -> Hit:
    return Hit(
        code=rule.code,
        outcome=rule.outcome,
        source_id=rule.rule_id,
        observed=observed,
        limit=rule.limit,
        window_s=None if rule.measure is Measure.PURCHASE_MINOR else rule.window_s,
    )
