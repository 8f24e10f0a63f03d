"""One service's PostgreSQL database, as its code sees it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager

from shared.database.auxiliary import AdvisoryLocks, AuxiliaryConnection, Lease
from shared.database.doorbell import Doorbell
from shared.database.pool import SessionPool
from shared.database.session import Connection, Connector, close_raw
from shared.database.unit_of_work import SingleStatements, Transaction, UnitOfWork

POOL_SIZE = 8
STATEMENT_TIMEOUT_MS = 10_000
POINT_AFTER_COMMIT = "api.after_commit"


class Database:
    """Transactions, doorbells and locks on one database. At most `pool_size` + 1 connections, opened when needed.

    SQLAlchemy runs in AUTOCOMMIT and the unit of work begins and commits on the asyncpg connection below it, so that
    statements of either kind share one transaction.
    """

    def __init__(self, connector: Connector, *, pool_size: int) -> None:
        self._connector = connector
        self._pool = SessionPool(connector, size=pool_size)
        self._auxiliary = AuxiliaryConnection(connector)
        self._doorbell = Doorbell(self._auxiliary)
        self._locks = AdvisoryLocks(self._auxiliary)

    @classmethod
    def connect(
        cls,
        url: str,
        *,
        pool_size: int = POOL_SIZE,
        application_name: str,
        statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    ) -> "Database":
        """Get ready, without any I/O: the first unit of work opens the first connection."""
        connector = Connector(url, application_name=application_name, statement_timeout_ms=statement_timeout_ms)
        return cls(connector, pool_size=pool_size)

    def begin(self, *, crash_point: str = POINT_AFTER_COMMIT) -> AbstractAsyncContextManager[UnitOfWork]:
        """One transaction: committed when the block ends, rolled back when it raises.

        `crash_point` names the passage after the commit, for chaos tests.

        :raises TransientDatabaseError: the same work may succeed when tried again.
        :raises TransactionAbortedError: the block swallowed a failed statement.
        """
        return Transaction(self, self._pool, crash_point=crash_point)

    def read(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """A connection without a transaction: each statement stands, and is durable, by itself.

        Besides reading this serves hot writes that are a single statement: they save the round trips of BEGIN and
        COMMIT. `before_commit` is refused here; `after_commit` runs when the block ends well.

        :raises TransientDatabaseError: the same work may succeed when tried again.
        """
        return SingleStatements(self, self._pool)

    @asynccontextmanager
    async def exclusive(self, name: str) -> AsyncIterator[Lease]:
        """Only one process at a time gets a true lease of this name; the others get a false one, at once.

        A lease turns false, and its `lost` is set, when the connection behind it breaks: work that takes long asks it
        between its transactions, or goes by `lease.rounds(at_most)`.

        :raises DatabaseUnavailableError: PostgreSQL could not be asked.
        """
        lease = await self._locks.acquire(name)
        try:
            yield lease
        finally:
            await self._locks.release(name, lease)

    @asynccontextmanager
    async def dedicated(self) -> AsyncIterator[Connection]:
        """A connection of one's own, outside the pool, for who holds it long. Errors are asyncpg's own.

        :raises OSError: nobody answers. :raises asyncpg.PostgresError: the server refuses.
        """
        raw = await self._connector.open_raw()
        try:
            yield raw
        finally:
            await close_raw(raw)

    def ring(self, channel: str) -> None:
        """Wake who listens on the channel, in any process. Cheap, coalesced, never part of a transaction."""
        self._doorbell.ring(channel)

    def listen(self, channel: str) -> AbstractAsyncContextManager[asyncio.Event]:
        """An event that each ring sets; who waits for it clears it. A ring may be lost: poll as well."""
        return self._doorbell.listen(channel)

    def answering(self, channel: str) -> AbstractContextManager[None]:
        """While open, rings are not sent to other processes: the one listener that matters is in this one."""
        return self._doorbell.answering(channel)

    async def ping(self) -> None:
        """:raises TransientDatabaseError: the database does not answer."""
        async with self.read() as uow:
            await uow.raw.fetchval("SELECT 1")

    async def close(self) -> None:
        """Let what is running finish for a while, then close every connection."""
        await self._doorbell.close()
        await self._auxiliary.close()
        await self._pool.close()
