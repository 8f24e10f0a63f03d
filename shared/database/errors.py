"""What can go wrong between a unit of work and PostgreSQL, told apart by what the caller should do about it.

- DatabaseError
  - TransientDatabaseError: the same work may succeed when tried again
    - DatabaseUnavailableError: no connection, or it broke; wait for the server
    - DatabaseContentionError: deadlock, serialization, lock or statement time-out, or a migration; try again, perhaps with less at once
  - TransactionAbortedError: a statement's failure was swallowed, so that COMMIT could only roll back
"""

import asyncpg
from sqlalchemy.exc import DBAPIError

_UNAVAILABLE_CLASSES = ("08", "53")  # connection exceptions; out of memory, disk or connections
_UNAVAILABLE_STATES = frozenset({
    "57P01", "57P02", "57P03", "57P05",  # the server shuts down, crashed, starts, or ended an idle session
    "25P03", "25P04",  # it ended a session that was idle in, or too long in, a transaction
    "25006",  # it has become a standby
})  # fmt: skip
_CONTENTION_STATES = frozenset({"40001", "40P01", "55P03", "57014"})


class DatabaseError(Exception):
    """The base of what this package raises by itself."""


class TransientDatabaseError(DatabaseError):
    """Nothing was kept, and the same work may succeed when tried again."""


class DatabaseUnavailableError(TransientDatabaseError):
    """There is no connection to be had in time, or it broke. A COMMIT that was under way may or may not have happened."""


class DatabaseContentionError(TransientDatabaseError):
    """Deadlock, serialization failure, lock time-out, statement time-out, or a migration that ran meanwhile."""


class TransactionAbortedError(DatabaseError):
    """A failed statement was caught, and the unit of work went on to commit: nothing was kept."""


def violated(error: BaseException) -> str | None:
    """The name of the constraint that the error says was violated; None for any other error."""
    cause = _driver_error(error)
    name = getattr(cause, "constraint_name", None)
    return name if isinstance(name, str) else None


def as_transient(error: BaseException, *, connection_lost: bool) -> TransientDatabaseError | None:
    """Translate what asyncpg or SQLAlchemy raised; None when trying again would not help."""
    if isinstance(error, TransientDatabaseError):
        return error
    cause = _driver_error(error)
    if isinstance(cause, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return DatabaseContentionError(f"a migration ran meanwhile: {cause}")  # asyncpg has forgotten the old plan
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return _by_state(state, cause)
    if connection_lost and isinstance(cause, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        return DatabaseUnavailableError(f"the connection broke: {cause!r}")
    return None


def _by_state(state: str, cause: BaseException) -> TransientDatabaseError | None:
    if state in _CONTENTION_STATES:
        return DatabaseContentionError(f"{state}: {cause}")
    if state.startswith(_UNAVAILABLE_CLASSES) or state in _UNAVAILABLE_STATES:
        return DatabaseUnavailableError(f"{state}: {cause}")
    return None


def _driver_error(error: BaseException) -> BaseException:
    """SQLAlchemy wraps its adapter's error, which was raised from asyncpg's own."""
    if not isinstance(error, DBAPIError):
        return error
    original: BaseException | None = error.orig
    if original is None:
        return error
    return original.__cause__ or original
