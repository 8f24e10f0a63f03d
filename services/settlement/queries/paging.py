"""What a cursor of ours holds."""

from uuid import UUID

from shared.http import Problem, decode_cursor


def id_in(cursor: str) -> UUID:
    """The id in a cursor.

    :raises Problem: 422 `cursor.invalid`.
    """
    (value,) = decode_cursor(cursor, parts=1)
    try:
        return UUID(str(value))
    except ValueError:
        raise _invalid() from None


def number_in(cursor: str) -> int:
    """The number in a cursor.

    :raises Problem: 422 `cursor.invalid`.
    """
    (value,) = decode_cursor(cursor, parts=1)
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise _invalid()
    return value


def _invalid() -> Problem:
    return Problem(422, "cursor.invalid", "The cursor is not one of ours")
