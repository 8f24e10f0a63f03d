from datetime import UTC, date, datetime, timedelta

import pytest

from shared.clock import business_day, business_day_bounds, new_id, utc_now


def test_now_is_aware_and_in_utc() -> None:
    assert utc_now().utcoffset() == timedelta(0)


def test_ids_made_later_sort_later() -> None:
    ids = [new_id() for _ in range(1_000)]
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}


def test_the_business_day_turns_at_midnight_in_shanghai() -> None:
    before = datetime(2026, 8, 22, 15, 59, 59, 999_999, tzinfo=UTC)
    assert business_day(before) == date(2026, 8, 22)
    assert business_day(before + timedelta(microseconds=1)) == date(2026, 8, 23)


def test_bounds_of_a_business_day_are_half_open_and_meet() -> None:
    start, end = business_day_bounds(date(2026, 8, 22))
    assert start == datetime(2026, 8, 21, 16, tzinfo=UTC)
    assert business_day(start) == date(2026, 8, 22)
    assert business_day(end) == date(2026, 8, 23)
    assert business_day_bounds(date(2026, 8, 23))[0] == end


def test_a_naive_moment_has_no_business_day() -> None:
    with pytest.raises(ValueError, match="aware"):
        business_day(datetime(2026, 8, 22, 12))  # noqa: DTZ001  # a naive moment is what is refused
