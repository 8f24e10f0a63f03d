"""Doorbells: NOTIFY and LISTEN, away from every transaction, because a NOTIFY inside one makes commits wait for each other."""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context

from shared.database.auxiliary import AuxiliaryConnection
from shared.database.errors import DatabaseUnavailableError
from shared.database.session import Connection
from shared.observability import get_logger

log = get_logger(__name__)

RING_INTERVAL_S = 0.005
"""Rings that come closer together than this are one: no listener could keep up with more."""

RECONNECT_DELAY_S = 0.5
RECONNECT_DELAY_MAX_S = 5.0


class Doorbell:
    """A ring may be lost with a connection, so listeners poll as well; after a reconnect they are all woken."""

    def __init__(self, connection: AuxiliaryConnection) -> None:
        self._connection = connection
        self._bells: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._answered_here: Counter[str] = Counter()
        self._to_ring: set[str] = set()
        self._listened: set[str] = set()
        self._work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        connection.on_lost(self._on_lost)

    def ring(self, channel: str) -> None:
        """Wake who listens: those in this process at once, all others by one NOTIFY, soon."""
        self._wake_listeners(channel)
        if not self._answered_here[channel]:
            self._to_ring.add(channel)
            self._start_work()

    @asynccontextmanager
    async def listen(self, channel: str) -> AsyncIterator[asyncio.Event]:
        """An event that each ring sets; its reader clears it."""
        bell = asyncio.Event()
        self._bells[channel].add(bell)
        self._start_work()
        try:
            yield bell
        finally:
            self._bells[channel].discard(bell)

    @contextmanager
    def answering(self, channel: str) -> Iterator[None]:
        """While this is open, rings stay in the process: it holds the only listener that matters."""
        self._answered_here[channel] += 1
        try:
            yield
        finally:
            self._answered_here[channel] -= 1

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _start_work(self) -> None:
        self._work.set()
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), context=Context())

    async def _run(self) -> None:
        delay_s = RECONNECT_DELAY_S
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._connection.run(self._serve)
            except DatabaseUnavailableError as error:
                log.warning("database.doorbell_disconnected", error=str(error))
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, RECONNECT_DELAY_MAX_S)
                self._work.set()
            else:
                delay_s = RECONNECT_DELAY_S
                await asyncio.sleep(RING_INTERVAL_S)

    async def _serve(self, raw: Connection) -> None:
        for channel in [name for name, bells in self._bells.items() if bells and name not in self._listened]:
            await raw.add_listener(channel, self._heard)
            self._listened.add(channel)
            self._wake_listeners(channel)  # what rang before we listened was not heard
        while self._to_ring:
            await raw.execute("SELECT pg_notify($1, '')", self._to_ring.pop())

    def _heard(self, _connection: object, _pid: int, channel: str, _payload: object) -> None:
        self._wake_listeners(channel)

    def _wake_listeners(self, channel: str) -> None:
        for bell in self._bells.get(channel, ()):
            bell.set()

    def _on_lost(self) -> None:
        self._listened.clear()
        if self._task is not None and not self._task.done() and any(self._bells.values()):
            self._work.set()
