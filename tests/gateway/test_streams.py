"""Event streams are piped: nothing waits in the gateway, and who leaves is gone on the other side too."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from gateway.clients import FORWARD_CONNECTIONS
from shared.http import pool as pools
from tests.gateway.house import House, open_house
from tests.shared.http_servers import RawServer, Script, ok, raw_server

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Ticker:
    """Sends one event whenever it is told to, and notices when its reader leaves."""

    def __init__(self) -> None:
        self.tick = asyncio.Queue[bytes]()
        self.left = asyncio.Event()

    def __call__(self, raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await raw.read_request(reader)
            writer.write(HEAD)
            watch = asyncio.create_task(self._watch(reader))
            while not self.left.is_set():
                event = await self.tick.get()
                if event:
                    writer.write(b"%x\r\n%b\r\n" % (len(event), event))
                    await writer.drain()
                else:
                    break
            watch.cancel()

        return script

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        await reader.read()
        self.left.set()
        self.tick.put_nowait(b"")


@asynccontextmanager
async def ticking(keys: Path) -> AsyncIterator[tuple[House, Ticker]]:
    ticker = Ticker()
    async with raw_server(ticker) as server, open_house(keys, order_url=server.url) as house:
        yield house, ticker


def watching(house: House) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
    return house.client.stream("GET", "/v1/orders/o1/stream", headers=house.buyer())


async def test_each_event_arrives_when_it_is_sent(keys_directory: Path) -> None:
    async with ticking(keys_directory) as (house, ticker):
        async with watching(house) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            parts = answer.aiter_bytes()
            for number in range(5):
                event = b"data: %d\n\n" % number
                ticker.tick.put_nowait(event)
                async with asyncio.timeout(1):
                    assert await anext(parts) == event
        async with asyncio.timeout(1):
            await ticker.left.wait()


async def test_a_silent_stream_is_not_timed_out(keys_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.forward.answers.PART_WITHIN_S", 0.05)
    async with ticking(keys_directory) as (house, ticker), watching(house) as answer:
        parts = answer.aiter_bytes()
        await asyncio.sleep(6 * pools.SWEEP_EVERY_S)
        ticker.tick.put_nowait(b"data: still here\n\n")
        async with asyncio.timeout(1):
            assert await anext(parts) == b"data: still here\n\n"


async def test_a_stream_that_breaks_off_just_ends(keys_directory: Path) -> None:
    async with ticking(keys_directory) as (house, ticker), watching(house) as answer:
        ticker.tick.put_nowait(b"data: 1\n\n")
        parts = answer.aiter_bytes()
        assert await anext(parts) == b"data: 1\n\n"
        ticker.tick.put_nowait(b"")  # hangs up without the last chunk
        assert [part async for part in parts] == []


def quiet_streams(raw: RawServer) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await raw.read_request(reader)
        if b"/stream" not in request:
            writer.write(ok())
            return
        writer.write(HEAD)
        await reader.read()

    return script


async def test_streams_do_not_take_the_connections_of_other_requests(keys_directory: Path) -> None:
    async with (
        raw_server(quiet_streams) as server,
        open_house(keys_directory, order_url=server.url) as house,
        contextlib.AsyncExitStack() as readers,
    ):
        for _ in range(80):
            assert (await readers.enter_async_context(watching(house))).status_code == 200
        assert (await house.client.get("/v1/orders", headers=house.buyer())).status_code == 200


async def test_answers_that_are_held_back_do_not_hold_up_others(keys_directory: Path) -> None:
    """Buyers who wait for their orders' next state take no connection from those who order.

    Seen failing with waits in the ordinary pool: the order is refused, for all its connections wait.
    """
    free = asyncio.Event()

    def answering(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await raw.read_request(reader)
            if request.startswith(b"GET"):
                await free.wait()
            writer.write(ok())
            await writer.drain()

        return script

    async with raw_server(answering) as server, open_house(keys_directory, order_url=server.url) as house:
        waiting = [
            asyncio.create_task(house.client.get(f"/v1/orders/o{number}", headers=house.buyer()))
            for number in range(FORWARD_CONNECTIONS + 5)
        ]
        await asyncio.sleep(0.5)
        async with asyncio.timeout(3):
            placed = await house.client.post("/v1/orders", json={}, headers=house.buyer())
        assert placed.status_code == 200
        free.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
