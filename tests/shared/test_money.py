from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import allocate, format_minor

WEIGHTS = st.lists(
    st.one_of(st.integers(0, 10**9), st.fractions(0, 1_000, max_denominator=10_000)), min_size=1, max_size=40
)


@given(total=st.integers(0, 10**12), weights=WEIGHTS)
def test_parts_sum_to_the_whole_and_are_within_one_unit_of_exact(total: int, weights: list[int | Fraction]) -> None:
    if total and not any(weights):
        with pytest.raises(ValueError, match="nobody"):
            allocate(total, weights)
        return
    parts = allocate(total, weights)
    assert sum(parts) == total
    whole = sum((Fraction(weight) for weight in weights), Fraction(0))
    for part, weight in zip(parts, weights, strict=True):
        if whole:
            assert abs(part - total * Fraction(weight) / whole) < 1
        assert part >= 0


@given(total=st.integers(0, 10**9), weights=WEIGHTS, factor=st.integers(1, 1_000))
def test_only_the_proportion_of_weights_matters(total: int, weights: list[int | Fraction], factor: int) -> None:
    if total and not any(weights):
        return
    assert allocate(total, weights) == allocate(total, [weight * factor for weight in weights])


def test_of_equal_remainders_the_earlier_wins() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(2, [1, 1, 1]) == [1, 1, 0]


def test_the_largest_remainder_wins_over_position() -> None:
    assert allocate(10, [1, 2, 4]) == [1, 3, 6]


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (1, [1, -1])])
def test_negative_amounts_and_weights_are_refused(total: int, weights: list[int | Fraction]) -> None:
    with pytest.raises(ValueError, match="negative"):
        allocate(total, weights)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1234, "CNY", "12.34"), (-5, "CNY", "-0.05"), (0, "CNY", "0.00"), (1234, "JPY", "1234"), (1234, "KWD", "1.234")],
)
def test_amounts_are_written_as_people_write_them(amount: int, currency: str, text: str) -> None:
    assert format_minor(amount, currency) == text
