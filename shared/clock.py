"""The one reader of the clock and the one maker of ids. Use cases take `now` as a parameter; edges call `utc_now`."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from uuid import UUID

from uuid_utils.compat import uuid7

Clock = Callable[[], datetime]
"""Answers the present moment, aware, in UTC."""

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""One offset without daylight saving since 1991, so that no machine needs a time zone database."""


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def new_id() -> UUID:
    """A fresh UUIDv7: ids made later sort later, which keeps indexes dense."""
    return uuid7()


def business_day(at: datetime) -> date:
    """The day in Shanghai on which the moment falls.

    :raises ValueError: the moment is naive.
    """
    if at.tzinfo is None:
        raise ValueError("a business day needs an aware moment")
    return at.astimezone(SHANGHAI).date()


def business_day_bounds(day: date) -> tuple[datetime, datetime]:
    """The half-open period `[from, to)` in UTC that the day in Shanghai covers."""
    start = datetime.combine(day, time.min, tzinfo=SHANGHAI).astimezone(UTC)
    return start, start + timedelta(days=1)
