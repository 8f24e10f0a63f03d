"""One connection beside the pool, for what outlives a transaction: doorbells and advisory locks."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import asyncpg

from shared.database.errors import DatabaseUnavailableError
from shared.database.session import Connection, Connector, close_raw
from shared.observability import get_logger

log = get_logger(__name__)

Answer = TypeVar("Answer")


class AuxiliaryConnection:
    """Opened at first use, and again at the first use after it broke. One operation at a time."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._raw: Connection | None = None
        self._mutex = asyncio.Lock()
        self._on_lost: list[Callable[[], None]] = []

    def on_lost(self, hook: Callable[[], None]) -> None:
        """Have the hook run whenever the connection ends, and with it every lock and LISTEN."""
        self._on_lost.append(hook)

    async def run(self, work: Callable[[Connection], Awaitable[Answer]]) -> Answer:
        """:raises DatabaseUnavailableError: no connection, or it broke on the way."""
        async with self._mutex:
            try:
                return await work(await self._connected())
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                await self._drop()
                raise DatabaseUnavailableError(f"the auxiliary connection broke: {error!r}") from error
            except asyncio.CancelledError:
                await self._drop()  # the statement under way may still hold the connection
                raise

    async def close(self) -> None:
        async with self._mutex:
            await self._drop()

    async def _connected(self) -> Connection:
        if self._raw is None:
            self._raw = await self._connector.open_raw()
            self._raw.add_termination_listener(self._ended)
        return self._raw

    async def _drop(self) -> None:
        raw = self._raw
        if raw is not None:
            # asyncpg tells its listeners a little later, when nobody would know this connection any more.
            self._ended(raw)
            await close_raw(raw)

    def _ended(self, ended: object) -> None:
        if ended is self._raw:
            self._raw = None
            for hook in self._on_lost:
                hook()


class Lease:
    """True while the lock is held. `lost` is set when the connection that held it ends."""

    def __init__(self, *, held: bool) -> None:
        self._held = held
        self.lost = asyncio.Event()

    def __bool__(self) -> bool:
        return self._held and not self.lost.is_set()

    def rounds(self, at_most: int) -> Iterator[int]:
        """Take turns at a long job, as many as allowed, while the lock is held: where it is lost, another goes on."""
        for number in range(at_most):
            if not self:
                return
            yield number


class AdvisoryLocks:
    """Session-level locks, known to every replica by their names."""

    TRY = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
    UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"

    def __init__(self, connection: AuxiliaryConnection) -> None:
        self._connection = connection
        self._leases: dict[str, Lease] = {}
        connection.on_lost(self._lose_all)

    async def acquire(self, name: str) -> Lease:
        """Try once. A name that this process holds already is refused too, though PostgreSQL would grant it again.

        :raises DatabaseUnavailableError: PostgreSQL could not be asked.
        """

        async def try_lock(raw: Connection) -> Lease:
            lease = Lease(held=name not in self._leases and bool(await raw.fetchval(self.TRY, name)))
            if lease:
                self._leases[name] = lease
            return lease

        return await self._connection.run(try_lock)

    async def release(self, name: str, lease: Lease) -> None:
        """Give the lock back; when the connection is gone, so is the lock."""
        if self._leases.get(name) is not lease:
            return
        del self._leases[name]
        with contextlib.suppress(DatabaseUnavailableError):
            await self._connection.run(lambda raw: raw.fetchval(self.UNLOCK, name))

    def _lose_all(self) -> None:
        for name, lease in self._leases.items():
            log.warning("database.lease_lost", lease=name)
            lease.lost.set()
        self._leases.clear()
