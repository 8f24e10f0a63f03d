"""Cursor pages over ids that grow with time, and over moments."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from shared.http import Page, Problem, decode_cursor, encode_cursor

Item = TypeVar("Item")


def after(cursor: str | None) -> UUID | None:
    """The id behind which the page begins.

    :raises Problem: 422 `cursor.invalid`.
    """
    if cursor is None:
        return None
    (key,) = decode_cursor(cursor, parts=1)
    try:
        return UUID(str(key))
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None


def page(items: Sequence[Item], *, limit: int, key: Callable[[Item], UUID]) -> Page[Item]:
    """A page of at most `limit` of the items, of which one more was read to see whether another page follows."""
    shown = list(items[:limit])
    more = len(items) > limit
    return Page[Item](items=shown, next_cursor=encode_cursor(str(key(shown[-1]))) if more else None)


def after_moment(cursor: str | None) -> tuple[datetime | None, UUID | None]:
    """Moment and id behind which a page begins that is sorted by both.

    :raises Problem: 422 `cursor.invalid`.
    """
    if cursor is None:
        return None, None
    moment, key = decode_cursor(cursor, parts=2)
    try:
        return datetime.fromisoformat(str(moment)), UUID(str(key))
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None


def page_by_moment(items: Sequence[Item], *, limit: int, key: Callable[[Item], tuple[datetime, UUID]]) -> Page[Item]:
    """Like `page`, for lists that are sorted by a moment and, where it is the same, by id."""
    shown = list(items[:limit])
    if len(items) <= limit:
        return Page[Item](items=shown, next_cursor=None)
    moment, last_id = key(shown[-1])
    return Page[Item](items=shown, next_cursor=encode_cursor(moment.isoformat(), str(last_id)))
