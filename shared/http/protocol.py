"""uvicorn's HTTP protocol with the bounds that it leaves open: how large a request's head may be, and how slow it all."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers that are still incomplete after this many bytes are nobody's honest request."""

HEAD_WITHIN_S = 10.0
"""From the opening of a connection, or from a request's first bytes, to the end of its head."""

BODY_SILENCE_S = 60.0
"""How long the sender of a body may say nothing while we listen."""


class BoundedProtocol(HttpToolsProtocol):
    """Drops connections that open and say nothing, speak without end, or stop in the middle.

    A request that arrives in one piece, as nearly all do, costs a few assignments and no timer.
    """

    _in_head = True
    _incomplete = True
    _head_bytes = 0
    _began_at = 0.0
    _heard_at = 0.0
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._began_at = self.loop.time()
        self._start_watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._incomplete:
            return
        self._heard_at = self.loop.time()
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up()
                return
        if self._watch is None:
            self._began_at = self._heard_at
            self._start_watch()

    def on_message_begin(self) -> None:
        self._in_head = self._incomplete = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> Any:
        self._in_head = False
        return super().on_headers_complete()

    def on_message_complete(self) -> Any:
        self._incomplete = False
        if self._watch is not None:
            self._stop_watch()
        return super().on_message_complete()

    def _start_watch(self) -> None:
        self._watch = self.loop.call_later(HEAD_WITHIN_S, self._look)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        self._watch = None
        now = self.loop.time()
        if self._in_head:
            late = now - self._began_at >= HEAD_WITHIN_S
        else:  # while we do not read, silence is our own
            late = not self.flow.read_paused and now - self._heard_at >= BODY_SILENCE_S
        if late:
            self._give_up()
        else:
            self._start_watch()

    def _give_up(self) -> None:
        self._stop_watch()
        if self.transport is not None:
            self.transport.abort()
