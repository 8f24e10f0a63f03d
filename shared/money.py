"""Money is integer minor units with a currency; shares are exact rationals. The one place where rounding happens."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

CNY = "CNY"

BASIS_POINTS = 10_000
"""The whole, in basis points."""

_USUAL_DIGITS = 2
_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3}
"""Decimal places of the currencies that do not have two (ISO 4217)."""


def allocate(total_minor: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Divide an amount by weights so that the parts sum exactly to it.

    Largest remainder: every part is rounded down, and what is left goes, one unit each, to the largest fractions;
    of equal fractions the earlier position wins. Nothing divided is nothing for everybody, whatever the weights.

    :raises ValueError: the amount or a weight is negative, or something is to be divided and all weights are zero.
    """
    if total_minor < 0 or any(weight < 0 for weight in weights):
        raise ValueError("amounts and weights to allocate by are never negative")
    whole = _as_integers(weights)
    weight_sum = sum(whole)
    if total_minor == 0:
        return [0] * len(whole)
    if weight_sum == 0:
        raise ValueError("an amount cannot be allocated to nobody")
    parts = [total_minor * weight // weight_sum for weight in whole]
    remainders = [total_minor * weight % weight_sum for weight in whole]
    left = total_minor - sum(parts)
    for position in sorted(range(len(whole)), key=lambda index: -remainders[index])[:left]:
        parts[position] += 1
    return parts


def format_minor(amount_minor: int, currency: str) -> str:
    """The amount in the currency's major unit as people write it: 1234 CNY is `12.34`."""
    digits = _DIGITS.get(currency, _USUAL_DIGITS)
    sign = "-" if amount_minor < 0 else ""
    if digits == 0:
        return f"{sign}{abs(amount_minor)}"
    major, minor = divmod(abs(amount_minor), 10**digits)
    return f"{sign}{major}.{minor:0{digits}d}"


def _as_integers(weights: Sequence[int | Fraction]) -> list[int]:
    scale = lcm(*(weight.denominator for weight in weights))
    return [weight.numerator * (scale // weight.denominator) for weight in weights]
