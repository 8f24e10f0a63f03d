"""A bounded pool of sessions. Last in, first out; who waits is served in order; broken sessions are replaced unasked."""

import asyncio
import contextlib
from collections import deque

import asyncpg
from sqlalchemy.exc import DBAPIError

from shared.database.errors import DatabaseUnavailableError
from shared.database.session import Connector, Session

ACQUIRE_TIMEOUT_S = 5.0
"""Long enough for a burst to pass, short enough that a caller learns in time that the database cannot keep up."""

CLOSE_BUSY_WITHIN_S = 5.0


class SessionPool:
    """Nothing is sent to the server when a session is taken or given back: a closed socket is noticed without asking."""

    def __init__(self, connector: Connector, *, size: int) -> None:
        self._connector = connector
        self._size = size
        self._idle: list[Session] = []
        self._waiters: deque[asyncio.Future[Session | None]] = deque()
        self._open = 0
        self._closing = False
        self._all_returned = asyncio.Event()

    @property
    def size(self) -> int:
        """How many sessions there may be."""
        return self._size

    async def acquire(self) -> Session:
        """A usable session, opened when none is idle.

        :raises DatabaseUnavailableError: none became free in time, or no connection could be made.
        """
        if self._closing:
            raise DatabaseUnavailableError("the pool is closed")
        while self._idle:
            session = self._idle.pop()
            if session.is_usable:
                return session
            await self._forget(session)
        if self._open < self._size:
            self._open += 1
            return await self._fill_slot()
        handed_over = await self._wait()
        return handed_over or await self._fill_slot()

    async def release(self, session: Session) -> None:
        """Give back a session; one that is broken or not at rest makes room for another."""
        if self._closing or not session.is_at_rest:
            await self._forget(session)
            return
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(session)
                return
        self._idle.append(session)

    async def discard(self, session: Session) -> None:
        """Throw away a session whose state is not known."""
        await self._forget(session)

    async def close(self) -> None:
        """Close what is idle and wait a while for what is busy; its owners find the pool closed when they return it."""
        self._closing = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(DatabaseUnavailableError("the pool is closed"))
        self._waiters.clear()
        while self._idle:
            session = self._idle.pop()
            self._open -= 1
            await session.close()
        if self._open > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_returned.wait(), CLOSE_BUSY_WITHIN_S)
        await self._connector.close()

    async def _fill_slot(self) -> Session:
        try:
            return await self._connector.open_session()
        except BaseException as error:
            self._free_slot()
            if isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError | DBAPIError):
                raise DatabaseUnavailableError(f"no connection: {error!r}") from error
            raise

    async def _wait(self) -> Session | None:
        """A session, or None as the right to open one in the slot of another."""
        waiter: asyncio.Future[Session | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(ACQUIRE_TIMEOUT_S):
                return await waiter
        except BaseException as error:
            await self._pass_on(waiter)
            if isinstance(error, TimeoutError):
                raise DatabaseUnavailableError(
                    f"no connection became free within {ACQUIRE_TIMEOUT_S} s: all {self._size} are busy",
                ) from None
            raise

    async def _pass_on(self, waiter: "asyncio.Future[Session | None]") -> None:
        """Somebody served this waiter just as it gave up: what it got goes to the next."""
        if waiter.cancelled() or not waiter.done() or waiter.exception() is not None:
            return
        session = waiter.result()
        if session is None:
            self._free_slot()
            return
        await self.release(session)

    async def _forget(self, session: Session) -> None:
        self._free_slot()
        await session.discard()

    def _free_slot(self) -> None:
        """Pass the slot of a session that is no more to who waits longest; else it is open to anybody."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._open -= 1
        if self._closing and self._open == 0:
            self._all_returned.set()
