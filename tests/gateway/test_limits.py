"""Token buckets."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import TRACKED_BUCKETS, Limiter, RateClass

SLOW = RateClass("slow", per_second=2, burst=3)


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    limiter = Limiter()
    verdicts = [limiter.take(SLOW, "a", now=0.0) for _ in range(5)]
    assert [each.allowed for each in verdicts] == [True, True, True, False, False]
    assert [each.remaining for each in verdicts] == [2, 1, 0, 0, 0]
    assert verdicts[-1].reset_s == 1
    assert limiter.take(SLOW, "a", now=0.5).allowed
    assert not limiter.take(SLOW, "a", now=0.6).allowed


def test_callers_and_classes_are_counted_apart() -> None:
    limiter = Limiter()
    for _ in range(3):
        limiter.take(SLOW, "a", now=0.0)
    assert not limiter.take(SLOW, "a", now=0.0).allowed
    assert limiter.take(SLOW, "b", now=0.0).allowed
    assert limiter.take(RateClass("other", per_second=1, burst=1), "a", now=0.0).allowed


def test_looking_does_not_count() -> None:
    limiter = Limiter()
    assert not limiter.exhausted(SLOW, "a", now=0.0)
    for _ in range(3):
        limiter.take(SLOW, "a", now=0.0)
    assert limiter.exhausted(SLOW, "a", now=0.0)
    assert limiter.exhausted(SLOW, "a", now=0.1)
    assert not limiter.exhausted(SLOW, "a", now=0.5)


def test_memory_is_bounded() -> None:
    limiter = Limiter()
    for number in range(3 * TRACKED_BUCKETS):
        limiter.take(SLOW, str(number), now=0.0)
    assert len(limiter._buckets) <= 2 * TRACKED_BUCKETS


@given(gaps=st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_never_more_than_the_burst_and_the_rate_together(gaps: list[float]) -> None:
    limiter, now, allowed = Limiter(), 0.0, 0
    for gap in gaps:
        now += gap
        allowed += limiter.take(SLOW, "a", now=now).allowed
    assert allowed <= SLOW.burst + SLOW.per_second * now + 1e-6


def test_the_policy_names_quota_and_window() -> None:
    assert SLOW.policy == b'"slow";q=3;w=2'
