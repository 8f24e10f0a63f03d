"""A pool of connections: bounded, fair, swept, and nothing lost when a caller leaves."""

import asyncio

import pytest

from shared.http import pool as pools
from shared.http.pool import Pool
from shared.http.wire import UpstreamError, UpstreamTimeoutError, UpstreamUnavailableError
from tests.shared.http_calls import get, pool_to, silent
from tests.shared.http_servers import RawServer, Script, answering, ok, raw_server


async def test_nobody_listening_is_certainly_not_sent() -> None:
    async with raw_server(silent) as server:
        url = server.url
    async with pool_to(url) as pool:
        with pytest.raises(UpstreamUnavailableError) as refused:
            await get(pool)
        assert not refused.value.maybe_sent


async def test_an_idle_connection_that_the_neighbour_closed_is_not_used_again() -> None:
    async with raw_server(answering(ok(), then_close=True)) as server, pool_to(server.url) as pool:
        for expected in range(1, 4):
            assert await get(pool) == (200, b"{}")
            await asyncio.sleep(0.02)  # the close arrives while the connection lies idle
            assert server.connections == expected


async def test_connections_are_bounded_and_the_others_wait_their_turn() -> None:
    running, most = 0, 0

    def count(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal running, most
            while True:
                await raw.read_request(reader)
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.005)
                running -= 1
                writer.write(ok())

        return script

    async with raw_server(count) as server, pool_to(server.url, max_connections=3) as pool:
        answers = await asyncio.gather(*(get(pool) for _ in range(60)))
        assert set(answers) == {(200, b"{}")}
        assert most == 3
        assert server.connections == 3


async def test_who_waits_too_long_for_a_connection_is_told_that_nothing_was_sent() -> None:
    async with raw_server(silent) as server, pool_to(server.url, max_connections=1) as pool:
        first = asyncio.create_task(get(pool, timeout_s=1.0))
        await asyncio.sleep(0.02)
        with pytest.raises(UpstreamTimeoutError) as waited:
            await get(pool, timeout_s=0.1)
        assert not waited.value.maybe_sent
        with pytest.raises(UpstreamTimeoutError):
            await first


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MAX_WAITING", 2)
    async with raw_server(silent) as server, pool_to(server.url, max_connections=1) as pool:
        tasks = [asyncio.create_task(get(pool, timeout_s=0.3)) for _ in range(3)]
        await asyncio.sleep(0.02)
        with pytest.raises(UpstreamUnavailableError, match="too many"):
            await get(pool)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, UpstreamError)


async def test_a_cancelled_call_gives_its_connection_and_its_place_back() -> None:
    async with raw_server(slowly) as server, pool_to(server.url, max_connections=2) as pool:
        for _ in range(10):
            tasks = [asyncio.create_task(get(pool)) for _ in range(6)]
            await asyncio.sleep(0.004)
            for task in tasks[::2]:
                task.cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(outcome == (200, b"{}") for outcome in outcomes[1::2])
        assert pool.open_connections <= 2
        assert await get(pool) == (200, b"{}")


def slowly(raw: RawServer) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await raw.read_request(reader)
            await asyncio.sleep(0.003)
            writer.write(ok())

    return script


async def test_an_old_connection_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "MAX_AGE_S", 0.0)
    async with raw_server(answering(ok())) as server, pool_to(server.url) as pool:
        await get(pool)
        await get(pool)
        assert server.connections == 2


async def test_idle_connections_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "IDLE_S", 0.05)
    async with raw_server(answering(ok())) as server, pool_to(server.url) as pool:
        await get(pool)
        assert pool.open_connections == 1
        await asyncio.sleep(0.3)
        assert pool.open_connections == 0


@pytest.mark.parametrize("url", ["https://127.0.0.1:1", "ftp://x", "127.0.0.1:80"])
def test_only_plain_addresses_inside_the_platform_are_taken(url: str) -> None:
    with pytest.raises(ValueError, match="inside the platform"):
        Pool(url)
