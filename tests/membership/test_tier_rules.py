"""Tiers: up at once, down slowly, and every change told once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.membership.domain.tiers import (
    Standing,
    Tier,
    TierTableInvalidError,
    first_day_of_window,
    first_standing,
    ladder,
    reconsider,
)
from shared.clock import new_id

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=30)
REGULAR = Tier("regular", "普通会员", 0, 10_000)
SILVER = Tier("silver", "银卡会员", 100_000, 9_500)
GOLD = Tier("gold", "黄金会员", 500_000, 9_000)
TABLE = ladder([GOLD, REGULAR, SILVER], version=1)


def at(tier: Tier, spend_minor: int, *, downgrade_at: datetime | None = None) -> Standing:
    return Standing(new_id(), tier.code, tier.price_bp, 7, spend_minor, downgrade_at, 1)


@pytest.mark.parametrize(
    ("spend_minor", "tier"),
    [
        (-5, REGULAR),
        (0, REGULAR),
        (99_999, REGULAR),
        (100_000, SILVER),
        (499_999, SILVER),
        (500_000, GOLD),
        (10**12, GOLD),
    ],
)
def test_the_tier_of_a_spend(spend_minor: int, tier: Tier) -> None:
    assert TABLE.earned_by(spend_minor) == tier


def test_a_new_member_is_told_of_with_the_base_tier() -> None:
    standing = first_standing(new_id(), TABLE)
    assert (standing.tier_code, standing.price_bp, standing.sequence) == ("regular", 10_000, 1)


def test_a_tier_that_is_reached_is_given_at_once() -> None:
    after = reconsider(at(REGULAR, 600_000), TABLE, drop_at=LATER, now=NOW, may_drop=False)
    assert (after.tier_code, after.price_bp, after.sequence, after.downgrade_at) == ("gold", 9_000, 8, None)


def test_a_tier_that_is_not_earned_any_more_stays_until_its_time() -> None:
    standing = at(GOLD, 99)
    waiting = reconsider(standing, TABLE, drop_at=LATER, now=NOW, may_drop=True)
    assert waiting == replace(standing, downgrade_at=LATER)
    still = reconsider(waiting, TABLE, drop_at=LATER + timedelta(days=9), now=NOW + timedelta(days=9), may_drop=True)
    assert still.downgrade_at == LATER
    lost = reconsider(still, TABLE, drop_at=LATER, now=LATER, may_drop=True)
    assert (lost.tier_code, lost.sequence, lost.downgrade_at) == ("regular", 8, None)


def test_only_the_job_takes_a_tier_away() -> None:
    after = reconsider(at(GOLD, 0), TABLE, drop_at=NOW, now=NOW, may_drop=False)
    assert (after.tier_code, after.downgrade_at) == ("gold", NOW)


def test_a_refund_leaves_no_grace_even_where_there_was_some() -> None:
    after = reconsider(at(GOLD, 0, downgrade_at=LATER), TABLE, drop_at=NOW, now=NOW, may_drop=False)
    assert after.downgrade_at == NOW


def test_who_earns_his_tier_again_keeps_it() -> None:
    after = reconsider(at(SILVER, 100_000, downgrade_at=LATER), TABLE, drop_at=NOW, now=NOW, may_drop=True)
    assert (after.tier_code, after.sequence, after.downgrade_at) == ("silver", 7, None)


def test_a_new_price_of_the_same_tier_is_told() -> None:
    cheaper = ladder([REGULAR, replace(SILVER, price_bp=9_400), GOLD], version=2)
    after = reconsider(at(SILVER, 200_000), cheaper, drop_at=LATER, now=NOW, may_drop=False)
    assert (after.price_bp, after.sequence, after.table_version) == (9_400, 8, 2)


def test_a_tier_that_was_abolished_is_left_at_once() -> None:
    without = ladder([REGULAR, GOLD], version=2)
    after = reconsider(at(SILVER, 200_000), without, drop_at=LATER, now=NOW, may_drop=False)
    assert (after.tier_code, after.sequence) == ("regular", 8)


@pytest.mark.parametrize(
    "tiers",
    [
        [],
        [SILVER],
        [REGULAR, replace(SILVER, code="regular")],
        [REGULAR, replace(SILVER, threshold_minor=0)],
        [REGULAR, SILVER, replace(GOLD, price_bp=9_600)],
        [REGULAR, replace(SILVER, price_bp=0)],
        [replace(REGULAR, price_bp=10_001)],
    ],
)
def test_what_is_no_ladder_is_refused(tiers: list[Tier]) -> None:
    with pytest.raises(TierTableInvalidError):
        ladder(tiers, version=1)


@given(st.lists(st.integers(-600_000, 600_000), max_size=30), st.booleans())
def test_each_telling_has_the_next_number_and_says_something_new(changes: list[int], may_drop: bool) -> None:  # noqa: FBT001  # drawn
    standing = first_standing(new_id(), TABLE)
    for change in changes:
        before = standing
        moved = replace(before, spend_minor=before.spend_minor + change)
        standing = reconsider(moved, TABLE, drop_at=NOW, now=NOW, may_drop=may_drop)
        told = (before.tier_code, before.price_bp) != (standing.tier_code, standing.price_bp)
        assert standing.sequence == before.sequence + told
        earned = TABLE.earned_by(standing.spend_minor)
        held = TABLE.by_code(standing.tier_code)
        assert held is not None
        assert held.threshold_minor >= earned.threshold_minor
        assert (standing.downgrade_at is not None) == (held.threshold_minor > earned.threshold_minor)


def test_the_window_is_365_days_in_shanghai() -> None:
    assert first_day_of_window(datetime(2026, 11, 21, 15, 59, tzinfo=UTC)) == date(2025, 11, 22)
    assert first_day_of_window(datetime(2026, 11, 21, 16, 0, tzinfo=UTC)) == date(2025, 11, 23)
