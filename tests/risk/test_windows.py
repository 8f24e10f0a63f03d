"""Sliding windows against the plainest oracle there is: look at everything that was ever added."""

from hypothesis import given
from hypothesis import strategies as st

from services.risk.domain.windows import SlidingDistinct, SlidingTotal, WindowsByKey

SPAN = 100
CAP = 10

additions = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 6)), max_size=60)


@given(additions)
def test_a_total_passes_a_limit_exactly_when_the_oracle_says_so(steps: list[tuple[int, int]]) -> None:
    window, seen, now = SlidingTotal(SPAN, CAP), [], 1_000
    for pause, value in steps:
        now += pause
        window.add(now, value, None)
        seen.append((now, value))
        true_total = sum(value for at, value in seen if now - SPAN < at <= now)
        observed = window.observed(now)
        assert (observed > CAP) == (true_total > CAP)
        if true_total <= CAP:
            assert observed == true_total


@given(additions, st.integers(0, 2 * SPAN))
def test_a_total_is_right_after_a_pause_too(steps: list[tuple[int, int]], pause_at_end: int) -> None:
    window, seen, now = SlidingTotal(SPAN, CAP), [], 1_000
    for pause, value in steps:
        now += pause
        window.add(now, value, None)
        seen.append((now, value))
    later = now + pause_at_end
    true_total = sum(value for at, value in seen if later - SPAN < at <= later)
    assert (window.observed(later) > CAP) == (true_total > CAP)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 3)), min_size=1, max_size=40))
def test_what_comes_late_is_put_where_it_belongs(arrivals: list[tuple[int, int]]) -> None:
    window = SlidingTotal(SPAN, 1_000)
    for at, value in arrivals:
        window.add(at, value, None)
    now = max(at for at, _ in arrivals)
    assert window.observed(now) == sum(value for at, value in arrivals if now - SPAN < at <= now)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=80))
def test_distinct_things_pass_a_limit_exactly_when_the_oracle_says_so(steps: list[tuple[int, int]]) -> None:
    limit = 4
    window, seen, now = SlidingDistinct(SPAN, limit), [], 1_000
    for pause, thing in steps:
        now += pause
        window.add(now, 1, thing)
        seen.append((now, thing))
        true_count = len({thing for at, thing in seen if now - SPAN < at <= now})
        assert (window.observed(now) > limit) == (true_count > limit)


def test_the_edge_of_a_window_is_exact_to_the_microsecond() -> None:
    window = SlidingTotal(60_000_000, 5)
    window.add(0, 1, None)
    assert window.observed(59_999_999) == 1
    assert window.observed(60_000_000) == 0


def test_memory_is_bounded_by_the_limit_not_by_the_traffic() -> None:
    total, distinct = SlidingTotal(10**12, CAP), SlidingDistinct(10**12, CAP)
    for at in range(10_000):
        total.add(at, 1, None)
        distinct.add(at, 1, at)
    assert len(total) == CAP + 1
    assert len(distinct.last_seen) == CAP + 1


def test_the_key_unused_for_longest_is_forgotten_first_and_counted_as_such() -> None:
    windows = WindowsByKey(SlidingTotal, span=SPAN, cap=CAP, keys_max=2)
    windows.add("a", 1, 1, None)
    windows.add("b", 2, 1, None)
    windows.add("a", 3, 1, None)
    windows.add("c", 4, 1, None)
    assert [windows.observed(key, 5) for key in "abc"] == [2, 0, 1]
    assert windows.forgotten == 1


def test_zero_leaves_no_trace() -> None:
    windows = WindowsByKey(SlidingTotal, span=SPAN, cap=CAP)
    windows.add("a", 1, 0, None)
    assert len(windows.windows) == 0


def test_sweeping_frees_what_ran_empty_and_nothing_else() -> None:
    windows = WindowsByKey(SlidingTotal, span=SPAN, cap=CAP)
    for number in range(5):
        windows.add(number, number, 1, None)
    windows.add("new", 100, 1, None)
    assert windows.sweep(103, at_most=2) == 2
    assert windows.sweep(103, at_most=10) == 2
    assert list(windows.windows) == [4, "new"]
