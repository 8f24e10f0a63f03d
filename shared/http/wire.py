"""One kept-alive HTTP/1.1 connection to a neighbour: the lean client under `ServiceClient` and the gateway's forwarder.

A general client costs 150 µs a call and more; a protocol on the parser itself about a third. The price is that this
file must get framing, time-outs and half-closed connections right by itself.
"""

import asyncio
from collections import deque
from typing import Any, cast

import httptools

from shared.http.upstream import UpstreamBrokenError, UpstreamError, UpstreamTimeoutError, UpstreamUnavailableError

__all__ = ["Connection", "UpstreamBrokenError", "UpstreamError", "UpstreamTimeoutError", "UpstreamUnavailableError"]

READ_HIGH_WATER_BYTES = 256 * 1024
"""An answer that is read faster than it is passed on is paused here."""

MAX_HEADER_BYTES = 64 * 1024
"""All header names and values of one answer."""

_FIRST_FINAL_STATUS = 200


class Connection(asyncio.Protocol):
    """One exchange at a time: `request` returns when the answer's head is here, and with it usually the body.

    `deadline` is a moment on the loop's clock, watched by the pool: one sweep for all connections is cheaper than a
    timer for every call.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._chunks: deque[bytes] = deque()
        self._paused = False
        self.born_at = loop.time()
        self.idle_since = self.born_at
        self.deadline = float("inf")
        self._reset(head_only=False)

    def _reset(self, *, head_only: bool) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.answered = False
        self.complete = False
        self.error: UpstreamError | None = None
        self._parser: Any = httptools.HttpResponseParser(self)
        self._head_only = head_only
        self._keep_alive = False
        self._framed = False
        self._received = False
        self._started = False
        self._spoiled = False
        self._header_bytes = 0
        self._held_bytes = 0
        self._chunks.clear()

    # What the pool and callers use.

    @property
    def usable(self) -> bool:
        """Whether another request may go over it."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def reusable(self) -> bool:
        """Whether the exchange ended so that the next one starts clean."""
        clean = self.complete and self._keep_alive and not self._spoiled and not self._held_bytes
        return clean and self.error is None and self.usable

    async def request(self, data: bytes, *, head_only: bool = False) -> None:
        """Send a whole request and wait for the head of the answer.

        :raises UpstreamError: it does not come.
        """
        self.begin(data, head_only=head_only)
        await self.head()

    def begin(self, data: bytes, *, head_only: bool = False) -> None:
        """Send the first bytes of a request. `head_only`: the answer has no body whatever it declares (HEAD).

        :raises UpstreamBrokenError: the connection is closed already; nothing was sent.
        """
        transport = self._transport
        if transport is None or transport.is_closing():
            raise UpstreamBrokenError("the connection was closed", maybe_sent=False)
        self._reset(head_only=head_only)
        self._started = True
        transport.write(data)

    async def write(self, data: bytes) -> None:
        """Send more of the request's body, as fast as the neighbour takes it.

        :raises UpstreamError: the connection is gone.
        """
        if self.error is not None:
            raise self.error
        if self._transport is None or self._transport.is_closing():
            raise UpstreamBrokenError("the connection was closed while sending", maybe_sent=True)
        self._transport.write(data)
        if self._writable is not None:
            await self._writable
            if self.error is not None:
                raise self.error

    async def head(self) -> None:
        """Wait for the answer's status and headers.

        :raises UpstreamError: they do not come.
        """
        if not self.answered and self.error is None:
            await self._wait()
        if self.error is not None:
            raise self.error

    def take(self) -> bytes:
        """What is here of the body and was not taken yet."""
        chunks = self._chunks
        if not chunks:
            return b""
        taken = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._held_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return taken

    async def more(self) -> bytes:
        """The next part of the body, empty at its end.

        :raises UpstreamError: the body breaks off.
        """
        while not self._chunks:
            if self.error is not None:
                raise self.error
            if self.complete:
                return b""
            await self._wait()
        return self.take()

    async def body(self) -> bytes:
        """All the rest of the body.

        :raises UpstreamError: the body breaks off.
        """
        if self.complete:
            return self.take()
        parts = []
        while part := await self.more():
            parts.append(part)
        return b"".join(parts)

    def extend(self, seconds: float) -> None:
        """Give the exchange this much time from now on."""
        self.deadline = self._loop.time() + seconds

    def spoil(self) -> None:
        """The request was not sent to its end, so nothing else may follow it on this connection."""
        self._spoiled = True

    def expire(self) -> None:
        """The deadline has passed: end the exchange."""
        self._fail(UpstreamTimeoutError("no answer in time", maybe_sent=True))
        self.close()

    def close(self) -> None:
        """Drop the connection at once; a half-read answer is of no use to the next exchange."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so

    def data_received(self, data: bytes) -> None:
        if not self._started or self.complete:
            self.close()  # an answer nobody asked for
            return
        self._received = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not self.complete:  # else it is what follows the answer that is wrong
                self._fail(UpstreamBrokenError("the answer is not HTTP", maybe_sent=True))
            self.close()
        if self.answered:
            self._wake()
        if self._held_bytes > READ_HIGH_WATER_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._started and not self.complete:
            self._end_at_close(exc)
        if self._writable is not None:
            self._settle(self._writable)
            self._writable = None

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._settle(self._writable)
            self._writable = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("an answer nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("too many headers")
        if name in {b"content-length", b"transfer-encoding"}:
            self._framed = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < _FIRST_FINAL_STATUS:
            self.headers = []  # 100 and 103 announce the answer, they are none
            self._framed = False
            return
        self.answered = True
        if self._head_only:
            self.complete = True  # the parser would wait for the declared body, so the connection is not reused

    def on_body(self, body: bytes) -> None:
        if self.complete:
            return  # sent in answer to HEAD, against the rules
        self._chunks.append(body)
        self._held_bytes += len(body)

    def on_message_complete(self) -> None:
        if not self.answered:
            return
        self.complete = True
        # Read here and not later: after the callback the parser answers no, and every call would open a connection.
        self._keep_alive = self._parser.should_keep_alive()

    # How it hangs together.

    async def _wait(self) -> None:
        self._waiting = self._loop.create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None:
            self._settle(self._waiting)

    def _end_at_close(self, cause: Exception | None) -> None:
        if self.answered and not self._framed:
            self.complete = True  # a body without declared length ends with the connection
            self._wake()
            return
        reason = "the answer broke off" if self._received else "the connection was closed without an answer"
        error = UpstreamBrokenError(reason, maybe_sent=True)
        error.__cause__ = cause
        self._fail(error)

    def _fail(self, error: UpstreamError) -> None:
        if self.error is None:
            self.error = error
        self._wake()
        if self._writable is not None:
            self._settle(self._writable)

    @staticmethod
    def _settle(future: asyncio.Future[None]) -> None:
        if not future.done():
            future.set_result(None)
