"""Rules and terms: how many points, from when, until when, and what they cost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.points.domain import wording
from services.points.domain.earning import (
    Delivery,
    Rule,
    RuleInThePastError,
    RuleNotEffectiveError,
    RuleProposal,
    Terms,
    earn,
    rule_at,
)
from services.points.domain.ledger import EntryKind, LotState
from shared.clock import new_id

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
TERMS = Terms(pending_for=timedelta(days=7), lifetime_months=12)
USUAL = Rule(
    version=1, points=1, per_minor=100, cost_minor=1, cost_points=1, effective_from=datetime(2000, 1, 1, tzinfo=UTC)
)


def a_delivery(amount_minor: int, *, guest: bool = False) -> Delivery:
    member_id = None if guest else new_id()
    return Delivery(new_id(), new_id(), member_id, amount_minor, "CNY", NOW)


def test_a_yuan_earns_a_point_and_fractions_earn_nothing() -> None:
    accrual = earn(a_delivery(1_999), rule=USUAL, terms=TERMS, lot_id=new_id(), now=NOW)
    assert (accrual.points, accrual.cost_minor) == (19, 19)
    assert accrual.lot is not None
    assert accrual.lot.state is LotState.PENDING
    assert accrual.lot.available_at == NOW + timedelta(days=7)


@pytest.mark.parametrize("delivery", [a_delivery(1_999, guest=True), a_delivery(0), a_delivery(99)])
def test_guests_and_trifles_earn_nothing(delivery: Delivery) -> None:
    accrual = earn(delivery, rule=USUAL, terms=TERMS, lot_id=new_id(), now=NOW)
    assert (accrual.points, accrual.cost_minor, accrual.lot) == (0, 0, None)


def test_points_of_long_ago_are_available_at_once() -> None:
    late = NOW + timedelta(days=8)
    accrual = earn(a_delivery(500), rule=USUAL, terms=TERMS, lot_id=new_id(), now=late)
    assert accrual.lot is not None
    assert accrual.lot.state is LotState.AVAILABLE


@pytest.mark.parametrize(
    ("earned", "gone"),
    [
        (datetime(2026, 11, 21, 8, tzinfo=UTC), datetime(2027, 11, 30, 16, tzinfo=UTC)),
        (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), datetime(2027, 12, 31, 16, tzinfo=UTC)),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), datetime(2028, 1, 31, 16, tzinfo=UTC)),  # January in Shanghai
        (datetime(2027, 2, 10, tzinfo=UTC), datetime(2028, 2, 29, 16, tzinfo=UTC)),
    ],
)
def test_points_last_to_the_end_of_the_month_a_year_later_in_shanghai(earned: datetime, gone: datetime) -> None:
    assert TERMS.expires_at(earned) == gone


@given(st.integers(0, 10**12), st.integers(0, 10**6), st.integers(1, 10**6))
def test_points_never_exceed_the_exact_share(amount_minor: int, points: int, per_minor: int) -> None:
    rule = Rule(1, points, per_minor, 1, 1, NOW)
    earned = rule.points_for(amount_minor)
    assert earned * per_minor <= amount_minor * points < (earned + 1) * per_minor


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_cost_is_never_stated_too_low(points: int, cost_minor: int, cost_points: int) -> None:
    cost = Rule(1, 1, 1, cost_minor, cost_points, NOW).cost_of(points)
    assert cost * cost_points >= points * cost_minor > (cost - 1) * cost_points


def test_the_rule_of_the_moment_counts_not_the_newest() -> None:
    newer = Rule(2, 2, 100, 1, 1, NOW)
    assert rule_at([newer, USUAL], NOW - timedelta(seconds=1)) is USUAL
    assert rule_at([newer, USUAL], NOW) is newer
    with pytest.raises(RuleNotEffectiveError):
        rule_at([newer], NOW - timedelta(seconds=1))


def test_a_new_rule_gets_the_next_version_and_does_not_reach_back() -> None:
    wanted = RuleProposal(points=2, per_minor=100, cost_minor=1, cost_points=1, effective_from=None)
    assert wanted.following([USUAL], now=NOW) == Rule(2, 2, 100, 1, 1, NOW)
    early = RuleProposal(2, 100, 1, 1, effective_from=NOW - timedelta(seconds=1))
    with pytest.raises(RuleInThePastError):
        early.following([USUAL], now=NOW)


@pytest.mark.parametrize(
    ("kind", "points", "settled", "sentence"),
    [
        (EntryKind.EARN, 19, 0, "消费 19.99 元，每 1.00 元得 1 分（规则第 1 版），得 19 分"),
        (EntryKind.EARN, 19, 5, "消费 19.99 元，每 1.00 元得 1 分（规则第 1 版），得 19 分，其中 5 分抵扣欠分"),
        (EntryKind.REVERSE, -19, 0, "商品已退款，收回所得 19 分"),
        (EntryKind.REVERSE, -19, -4, "商品已退款，收回所得 19 分，其中 4 分已使用，记为待抵扣"),
        (EntryKind.EXPIRE, -7, 0, "7 分已过有效期"),
        (EntryKind.ADJUST, 30, 0, "人工补发 30 分：补偿"),
        (EntryKind.ADJUST, -30, 0, "人工扣减 30 分：补偿"),
    ],
)
def test_an_entry_explains_itself(kind: EntryKind, points: int, settled: int, sentence: str) -> None:
    said = wording.why(kind, points=points, settled=settled, rule=USUAL, amount_minor=1_999, reason="补偿")
    assert said == sentence
