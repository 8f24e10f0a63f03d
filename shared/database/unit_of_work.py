"""The unit of work: one transaction on one connection, with what must happen just before and just after its commit."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import crash
from shared.database.errors import DatabaseUnavailableError, TransactionAbortedError, as_transient
from shared.database.pool import SessionPool
from shared.database.session import Connection, Session

if TYPE_CHECKING:
    from shared.database.database import Database

ROLLBACK_TIMEOUT_S = 5.0

BeforeCommit = Callable[["UnitOfWork"], Awaitable[None]]
Hook = TypeVar("Hook", bound=BeforeCommit)


class UnitOfWork:
    """What a use case is handed. It takes part in the transaction and never ends it."""

    __slots__ = ("_after_commit", "_before_commit", "_keyed", "_session", "_transactional", "database")

    def __init__(self, database: "Database", session: Session, *, transactional: bool) -> None:
        self.database = database
        self._session = session
        self._transactional = transactional
        self._before_commit: list[BeforeCommit] = []
        self._after_commit: list[Callable[[], None]] = []
        self._keyed: dict[str, BeforeCommit] = {}

    @property
    def sql(self) -> AsyncConnection:
        """SQLAlchemy Core. Do not commit or roll back through it: the transaction is not its own."""
        return self._session.sql

    @property
    def raw(self) -> Connection:
        """The asyncpg connection, on the same session and in the same transaction, for hot set-based statements.

        `uuid` columns come out as asyncpg's subclass of `uuid.UUID`, JSON columns as Python values.
        """
        return self._session.raw

    def before_commit(self, hook: Hook, *, once_key: str | None = None) -> Hook:
        """Have the hook run in the transaction, just before it commits. Hooks run in the order they came.

        With `once_key` only the first hook of that key is kept; the one that is kept is returned, so that a hook
        that collects (as the outbox does) is found again.

        :raises RuntimeError: there is no transaction to commit (`Database.read`).
        """
        if not self._transactional:
            raise RuntimeError("a unit of work without a transaction has no commit to wait for")
        if once_key is not None:
            known = self._keyed.get(once_key)
            if known is not None:
                return known  # type: ignore[return-value]  # one key is one kind of hook, by its owner's promise
            self._keyed[once_key] = hook
        self._before_commit.append(hook)
        return hook

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Have the hook run once the transaction is durable; not when it rolls back. It must not fail."""
        self._after_commit.append(hook)

    async def flush(self) -> None:
        """Run, once each, what was registered with `before_commit`. Called by the one who opened the unit of work."""
        while self._before_commit:  # a hook may register another
            hooks, self._before_commit = self._before_commit, []
            self._keyed.clear()
            for hook in hooks:
                await hook(self)

    def committed(self) -> None:
        """Run what was registered with `after_commit`. Called by the one who opened the unit of work."""
        for hook in self._after_commit:
            hook()


class Transaction:
    """`async with`: begins, commits on the way out, rolls back when the block raises."""

    __slots__ = ("_crash_point", "_database", "_pool", "_session", "_uow")

    def __init__(self, database: "Database", pool: SessionPool, *, crash_point: str) -> None:
        self._database = database
        self._pool = pool
        self._crash_point = crash_point
        self._session: Session
        self._uow: UnitOfWork

    async def __aenter__(self) -> UnitOfWork:
        self._session = await self._begin()
        self._uow = UnitOfWork(self._database, self._session, transactional=True)
        return self._uow

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            await self._commit()
            return
        await self._roll_back(error)

    async def _begin(self) -> Session:
        """Sessions may have died while idle without our having noticed: then others are tried, at last a new one."""
        failures: list[Exception] = []
        for _ in range(self._pool.size + 1):
            session = await self._pool.acquire()
            try:
                await session.raw.transaction().start()  # asyncpg is told, so that cursors work
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                await self._pool.discard(session)
                failures.append(error)
                if isinstance(error, TimeoutError):
                    break  # the server does not answer: another connection would wait as long
            except BaseException:
                await self._pool.discard(session)
                raise
            else:
                return session
        raise DatabaseUnavailableError(f"no transaction could begin: {failures[-1]!r}") from failures[-1]

    async def _commit(self) -> None:
        try:
            await self._uow.flush()
        except BaseException as error:
            await self._roll_back(error)
            raise
        try:
            outcome = await _end_transaction(self._session.raw, "COMMIT", timeout_s=None)
        except BaseException as error:
            await self._pool.discard(self._session)  # whether it was committed is not known
            transient = as_transient(error, connection_lost=True)
            if transient is not None:
                raise transient from error
            raise
        crash.at(self._crash_point)
        await self._pool.release(self._session)
        if outcome != "COMMIT":
            raise TransactionAbortedError("a failed statement was caught, and nothing was kept")
        self._uow.committed()

    async def _roll_back(self, error: BaseException) -> None:
        """:raises TransientDatabaseError: in place of `error`, when the same work may succeed if tried again."""
        lost = not self._session.is_usable
        if not lost:
            try:
                await _end_transaction(self._session.raw, "ROLLBACK", timeout_s=ROLLBACK_TIMEOUT_S)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                lost = True
            except BaseException:
                await self._pool.discard(self._session)
                raise
        transient = as_transient(error, connection_lost=lost)
        lost = lost or isinstance(transient, DatabaseUnavailableError)
        await (self._pool.discard(self._session) if lost else self._pool.release(self._session))
        if transient is not None and transient is not error:
            raise transient from error


async def _end_transaction(raw: Connection, command: str, *, timeout_s: float | None) -> str:
    """What the server did, which asyncpg's own commit does not tell: COMMIT after a failed statement rolls back."""
    raw._top_xact = None  # type: ignore[attr-defined]  # noqa: SLF001  (the note that `transaction()` left)
    return await raw.execute(command, timeout=timeout_s)


class SingleStatements:
    """`async with`: a connection on which every statement is its own transaction."""

    __slots__ = ("_database", "_pool", "_session", "_uow")

    def __init__(self, database: "Database", pool: SessionPool) -> None:
        self._database = database
        self._pool = pool
        self._session: Session
        self._uow: UnitOfWork

    async def __aenter__(self) -> UnitOfWork:
        self._session = await self._pool.acquire()
        self._uow = UnitOfWork(self._database, self._session, transactional=False)
        return self._uow

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            await self._pool.release(self._session)
            self._uow.committed()
            return
        lost = not self._session.is_usable or not isinstance(error, Exception)
        await (self._pool.discard(self._session) if lost else self._pool.release(self._session))
        transient = as_transient(error, connection_lost=lost)
        if transient is not None and transient is not error:
            raise transient from error
