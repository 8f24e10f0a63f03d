"""The lean client against neighbours that are slow, broken or strange."""

import asyncio

import pytest

from shared.http.wire import (
    Connection,
    UpstreamBrokenError,
    UpstreamTimeoutError,
)
from tests.shared.http_calls import GET, get, pool_to, silent
from tests.shared.http_servers import RawServer, Script, answering, ok, raw_server


async def test_a_connection_is_kept_alive_over_many_requests() -> None:
    async with raw_server(answering(ok(b'{"a":1}'))) as server, pool_to(server.url) as pool:
        for _ in range(20):
            assert await get(pool) == (200, b'{"a":1}')
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\n\r\nhi",  # the end of the connection is the end of the body
    ],
)
async def test_an_answer_that_ends_the_connection_is_whole_and_not_reused(answer: bytes) -> None:
    async with raw_server(answering(answer, then_close=True)) as server, pool_to(server.url) as pool:
        for _ in range(3):
            assert await get(pool) == (200, b"hi")
        assert server.connections == 3


async def test_chunked_answers_arrive_whole_however_they_are_cut() -> None:
    answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=1\r\n world\r\n0\r\nt: 1\r\n\r\n"

    def drip(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await raw.read_request(reader)
                for position in range(len(answer)):
                    writer.write(answer[position : position + 1])
                    await writer.drain()
                    await asyncio.sleep(0)

        return script

    async with raw_server(drip) as server, pool_to(server.url) as pool:
        for _ in range(3):
            assert await get(pool) == (200, b"hello world")
        assert server.connections == 1


async def test_interim_answers_are_no_answers() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with raw_server(answering(interim + ok(b"[]"))) as server, pool_to(server.url) as pool:
        connection = await pool.acquire(pool.now() + 2)
        await connection.request(GET)
        assert connection.status == 200
        assert (b"link", b"x") not in connection.headers
        pool.release(connection)


async def test_the_answer_to_head_has_no_body_whatever_it_declares() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"
    async with raw_server(answering(answer)) as server, pool_to(server.url) as pool:
        head = b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n"
        assert await get(pool, data=head, head_only=True) == (200, b"")
        assert await get(pool, data=head, head_only=True) == (200, b"")


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_by_status_are_complete(status: int) -> None:
    async with raw_server(answering(b"HTTP/1.1 %d X\r\n\r\n" % status)) as server, pool_to(server.url) as pool:
        assert await get(pool) == (status, b"")
        assert await get(pool) == (status, b"")
        assert server.connections == 1


TRUNCATED = [
    b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-le",
    b"",
]


@pytest.mark.parametrize("answer", TRUNCATED)
async def test_an_answer_that_breaks_off_is_an_error_and_may_have_been_sent(answer: bytes) -> None:
    async with raw_server(answering(answer, then_close=True)) as server, pool_to(server.url) as pool:
        with pytest.raises(UpstreamBrokenError) as broken:
            await get(pool)
        assert broken.value.maybe_sent
        assert pool.open_connections == 0


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"])
async def test_what_is_not_http_is_an_error(answer: bytes) -> None:
    async with raw_server(answering(answer)) as server, pool_to(server.url) as pool:
        with pytest.raises(UpstreamBrokenError, match="not HTTP"):
            await get(pool)


async def test_headers_without_end_are_an_error() -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %b\r\n" % (n, b"y" * 1000) for n in range(200))
    async with raw_server(answering(endless + b"\r\n")) as server, pool_to(server.url) as pool:
        with pytest.raises(UpstreamBrokenError):
            await get(pool)


async def test_a_slow_answer_times_out_and_its_connection_is_dropped() -> None:
    async with raw_server(silent) as server, pool_to(server.url) as pool:
        started = pool.now()
        with pytest.raises(UpstreamTimeoutError):
            await get(pool, timeout_s=0.1)
        assert 0.1 <= pool.now() - started < 0.5
        assert pool.open_connections == 0


async def test_bytes_nobody_asked_for_close_an_idle_connection() -> None:
    async with raw_server(answering(ok() + ok(b"[1]"))) as server, pool_to(server.url) as pool:
        assert await get(pool) == (200, b"{}")
        assert await get(pool) == (200, b"{}"), "the second answer must not be taken for ours"
        assert server.connections == 2


async def test_a_long_answer_is_read_no_faster_than_it_is_taken() -> None:
    part = b"x" * 65_536
    sent = 0

    def flood(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await raw.read_request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(part) * 400))
            for _ in range(400):
                writer.write(part)
                await writer.drain()
                sent += 1

        return script

    async with raw_server(flood) as server, pool_to(server.url) as pool:
        connection = await pool.acquire(pool.now() + 10)
        await connection.request(GET)
        await asyncio.sleep(0.2)
        assert sent < 200, "the neighbour must have been slowed down"
        assert len(await connection.body()) == len(part) * 400
        pool.release(connection)


async def test_a_spoiled_connection_is_not_reused() -> None:
    async with raw_server(answering(ok())) as server, pool_to(server.url) as pool:
        connection: Connection = await pool.acquire(pool.now() + 2)
        await connection.request(GET)
        connection.spoil()
        pool.release(connection)
        await get(pool)
        assert server.connections == 2
