"""The periods of statements: a business day or a calendar month in Shanghai, half-open."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.clock import business_day_bounds

CUT_OFF_GRACE = timedelta(minutes=5)
"""How long after midnight a period counts as over: what is posted in its last second has been committed by then."""

_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class PeriodError(Exception):
    """The period is neither `YYYY-MM` nor `YYYY-MM-DD`, or has not begun."""


@dataclass(frozen=True, slots=True)
class Period:
    """`[from_day, to_day)`, by the name a partner asks for it."""

    name: str
    from_day: date
    to_day: date

    def has_begun(self, now: datetime) -> bool:
        """Whether anything can have been posted in it."""
        return business_day_bounds(self.from_day)[0] <= now

    def is_over(self, now: datetime) -> bool:
        """Whether its final statement may be drawn."""
        return business_day_bounds(self.to_day)[0] + CUT_OFF_GRACE <= now


def period_named(name: str) -> Period:
    """The month or day of that name.

    :raises PeriodError: it is not one.
    """
    try:
        if _DAY.fullmatch(name):
            return day_period(date.fromisoformat(name))
        if _MONTH.fullmatch(name):
            return month_period(date.fromisoformat(f"{name}-01"))
    except (ValueError, OverflowError):
        pass
    raise PeriodError("a period is a month as 2026-11 or a day as 2026-11-20")


def day_period(day: date) -> Period:
    """One business day."""
    return Period(day.isoformat(), day, day + timedelta(days=1))


def month_period(day: date) -> Period:
    """The calendar month that the day is in."""
    first = day.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return Period(first.strftime("%Y-%m"), first, following)
