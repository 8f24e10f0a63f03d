"""Lists: `{"items": [...], "next_cursor": null}`. A cursor is opaque to clients and carries the last row's sort key."""

import base64
import binascii
from typing import Annotated, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from shared.http.problems import Problem

T = TypeVar("T")

DEFAULT_PAGE = 50
MAX_PAGE = 200
MAX_CURSOR_CHARS = 500

PageSize = Annotated[int, Query(alias="limit", ge=1, le=MAX_PAGE)]
Cursor = Annotated[str | None, Query(alias="cursor", max_length=MAX_CURSOR_CHARS)]


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


def encode_cursor(*key: str | int) -> str:
    """A cursor that points behind the row with this sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str, *, parts: int) -> list[str | int]:
    """The sort key in a cursor. Its parts come from outside: check them like any other input.

    :raises Problem: 422 `cursor.invalid`; it is none of ours.
    """
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(part, str | int) for part in key):
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours")
    return key
