"""Serve an application: uvicorn on uvloop with httptools, without its own access log, down within ten seconds."""

import asyncio
import gc
import signal
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from shared.http.protocol import BoundedProtocol

DRAIN_S = 4
"""Open requests may take this long once asked to stop; background tasks have as long again. Ten seconds are the bound."""

OLDEST_GENERATION = 2

KEEP_ALIVE_S = 75
"""Longer than a caller of ours keeps an idle connection, so that it is always the caller who closes."""


class _Server(uvicorn.Server):
    """Tells the application at the signal, so that endless answers (event streams) and background tasks end at once."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        stopping = getattr(getattr(self.config.app, "state", None), "stopping", None)
        if isinstance(stopping, asyncio.Event):
            self._loop.call_soon_threadsafe(stopping.set)

    async def serve(self, sockets: Any = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)


def _keep_collections_short() -> None:
    """Have each full collection look only at what is new since the last one: what survived it stays for good, as a rule.

    Else a process that keeps much in memory stops for as long as looking through all of it takes: risk, with its windows,
    did not answer for 700 ms. What is frozen still goes when nothing refers to it; only old rings of objects would stay.
    """
    gc.callbacks.append(_freeze_survivors)
    gc.collect()


def _freeze_survivors(phase: str, collected: dict[str, int]) -> None:
    if phase == "stop" and collected["generation"] == OLDEST_GENERATION:
        gc.freeze()


def serve(app: ASGIApp, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, and return."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        backlog=4096,
    )
    _keep_collections_short()
    # uvicorn raises the signal once more when all is done; the process has ended well by then and should say so.
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    _Server(config).run()
