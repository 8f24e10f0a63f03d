"""Real servers on real ports: applications under uvicorn, and neighbours that misbehave byte by byte."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.http.protocol import BoundedProtocol

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class _QuietServer(uvicorn.Server):
    """Leaves the test run's signal handlers alone, and ends at once."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.ended.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """The application's address, for as long as the block lasts."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, http=BoundedProtocol, log_config=None, access_log=False, server_header=False,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = _QuietServer(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.ended.set()
        await task


class RawServer:
    """Plays a script on every connection, and counts connections and requests."""

    def __init__(self, make_script: Callable[["RawServer"], Script]) -> None:
        self._script = make_script(self)
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._script(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def read_request(self, reader: asyncio.StreamReader) -> bytes:
        """One whole request; at the end of the connection an `IncompleteReadError` ends the script."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        request = head + (await reader.readexactly(length) if length else b"")
        self.requests.append(request)
        return request


@asynccontextmanager
async def raw_server(script: Callable[[RawServer], Script]) -> AsyncIterator[RawServer]:
    """A server that answers as `script` says."""
    raw = RawServer(script)
    server = await asyncio.start_server(raw.on_connection, "127.0.0.1", 0)
    raw.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()


def answering(*answers: bytes, then_close: bool = False) -> Callable[[RawServer], Script]:
    """Answers one request after the other with these bytes, the last of them for ever."""

    def make(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await raw.read_request(reader)
                writer.write(answers[min(len(raw.requests), len(answers)) - 1])
                await writer.drain()
                if then_close:
                    return

        return script

    return make


def ok(body: bytes = b"{}", *, headers: bytes = b"") -> bytes:
    """A plain answer."""
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b" % (
        headers,
        len(body),
        body,
    )
