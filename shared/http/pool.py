"""A bounded pool of kept-alive connections to one neighbour, with one sweep for all time-outs."""

import asyncio
from collections import deque
from urllib.parse import urlsplit

from shared.http.wire import Connection, UpstreamTimeoutError, UpstreamUnavailableError

MAX_CONNECTIONS = 64
"""To one neighbour from one process. More would only queue there instead of here."""

MAX_WAITING = 1_024
"""Calls that wait for a connection; beyond that a neighbour is drowning and is told so at once."""

IDLE_S = 60.0
"""An idle connection is closed before the neighbour does it, so that no request runs into a closing door."""

MAX_AGE_S = 300.0
"""A connection is not used for ever: replicas that are added later get their share."""

CONNECT_WITHIN_S = 1.0

SWEEP_EVERY_S = 0.05
"""How exact time-outs are."""


class Pool:
    """Connections to `http://host:port`. Use `acquire` and always `release`."""

    def __init__(self, base_url: str, *, max_connections: int = MAX_CONNECTIONS) -> None:
        parts = urlsplit(base_url)
        if parts.scheme != "http" or parts.hostname is None:
            raise ValueError(f"not an address inside the platform: {base_url}")
        self.host = parts.hostname
        self.port = parts.port or 80
        self.authority = parts.netloc.rpartition("@")[2].encode()
        self._max_connections = max_connections
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[tuple[asyncio.Future[Connection | None], float]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def open_connections(self) -> int:
        """How many there are, idle ones included."""
        return len(self._idle) + len(self._busy) + self._opening

    def now(self) -> float:
        """The clock deadlines are on, in seconds."""
        return self._running_loop().time()

    async def acquire(self, deadline: float) -> Connection:
        """A connection for one exchange that must end at `deadline`.

        :raises UpstreamUnavailableError: the neighbour cannot be reached, or too many wait already.
        :raises UpstreamTimeoutError: no connection became free in time.
        """
        connection = self._take_idle()
        if connection is None:
            connection = await self._open_or_wait(deadline)
        connection.deadline = deadline
        self._busy.add(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Give a connection back: it is kept if its exchange ended clean, else closed."""
        self._busy.discard(connection)
        now = self.now()
        if connection.reusable and now - connection.born_at < MAX_AGE_S:
            self._pass_on(connection, now)
            return
        connection.close()
        self._let_next_open()

    def close(self) -> None:
        """Close everything."""
        for connection in [*self._idle, *self._busy]:
            connection.close()
        self._idle.clear()
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop

    def _take_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()  # the one used last: the others may grow old and close
            if connection.usable:
                return connection
        return None

    async def _open_or_wait(self, deadline: float) -> Connection:
        while self.open_connections >= self._max_connections:
            connection = await self._wait_for_one(deadline)
            if connection is not None:
                return connection
        return await self._open(deadline)

    async def _wait_for_one(self, deadline: float) -> Connection | None:
        if len(self._waiting) >= MAX_WAITING:
            raise UpstreamUnavailableError("too many calls wait for this service")
        place: asyncio.Future[Connection | None] = self._running_loop().create_future()
        self._waiting.append((place, deadline))
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._return_unused(place.result())
            raise

    async def _open(self, deadline: float) -> Connection:
        loop = self._running_loop()
        self._opening += 1
        try:
            async with asyncio.timeout_at(min(deadline, loop.time() + CONNECT_WITHIN_S)):
                _, connection = await loop.create_connection(lambda: Connection(loop), self.host, self.port)
        except (OSError, TimeoutError) as error:
            self._let_next_open()
            raise UpstreamUnavailableError(f"cannot connect: {type(error).__name__}") from error
        finally:
            self._opening -= 1
        if self._sweeper is None:
            self._sweeper = loop.call_later(SWEEP_EVERY_S, self._sweep)
        return connection

    def _pass_on(self, connection: Connection, now: float) -> None:
        while self._waiting:
            place, deadline = self._waiting.popleft()
            if not place.done():
                connection.deadline = deadline
                self._busy.add(connection)  # counted while it changes hands
                place.set_result(connection)
                return
        connection.idle_since = now
        connection.deadline = float("inf")
        self._idle.append(connection)

    def _return_unused(self, connection: Connection | None) -> None:
        if connection is None:
            self._let_next_open()
            return
        self._busy.discard(connection)
        self._pass_on(connection, self.now())

    def _let_next_open(self) -> None:
        while self._waiting:
            place, _ = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return

    def _sweep(self) -> None:
        now = self.now()
        for connection in [each for each in self._busy if each.deadline < now]:
            connection.expire()
        for place, deadline in self._waiting:
            if deadline < now and not place.done():
                place.set_exception(UpstreamTimeoutError("no connection became free in time", maybe_sent=False))
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()
        # Idle ones stand in the order of their last use.
        while self._idle and (now - self._idle[0].idle_since > IDLE_S or not self._idle[0].usable):
            self._idle.pop(0).close()
        busy = bool(self._busy or self._idle or self._opening or self._waiting)
        loop = self._running_loop()
        self._sweeper = loop.call_later(SWEEP_EVERY_S, self._sweep) if busy else None
