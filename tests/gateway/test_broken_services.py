"""Services that are down, slow, truncated, closing or strange: what the client gets, and what is never sent twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from gateway.auth import Audience
from gateway.routes import Route
from shared.observability import SINK
from tests.gateway.house import House, open_house
from tests.shared.http_servers import RawServer, Script, answering, ok, raw_server

KEYED = {"idempotency-key": "k-1"}


@asynccontextmanager
async def house_before(
    keys: Path, script: Callable[[RawServer], Script], **settings: Any
) -> AsyncIterator[tuple[House, RawServer]]:
    async with (
        raw_server(script) as server,
        open_house(keys, order_url=server.url, inventory_url=server.url, **settings) as house,
    ):
        yield house, server


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


async def test_a_service_that_is_down_is_a_503(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        answer = await house.client.post("/v1/quotes", json={})
        assert problem(answer) == (503, "service.unavailable")
        assert answer.headers["retry-after"] == "1"


async def test_a_service_that_comes_back_is_found_at_once(keys_directory: Path) -> None:
    async with raw_server(answering(ok())) as server:
        port = int(server.url.rsplit(":", 1)[1])
    async with open_house(keys_directory, inventory_url=server.url) as house:
        assert (await house.client.get("/v1/products")).status_code == 503
        again = await asyncio.start_server(server.on_connection, "127.0.0.1", port)
        assert (await house.client.get("/v1/products")).status_code == 200
        again.close()


def silent(raw: RawServer) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await raw.read_request(reader)
        await reader.read()

    return script


async def test_a_service_that_does_not_answer_is_a_504_and_is_asked_once(
    keys_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = Route("/v1/products/**", "inventory", Audience.PUBLIC, timeout_s=0.2)
    monkeypatch.setattr("gateway.main.ROUTES", (quick,))
    async with house_before(keys_directory, silent) as (house, server):
        assert problem(await house.client.get("/v1/products", headers=KEYED)) == (504, "service.timeout")
        assert len(server.requests) == 1


BREAKS = [b"", b"HTTP/1.1 200 OK\r\ncontent-le", b"not http at all\r\n\r\n"]


@pytest.mark.parametrize("answer", BREAKS)
async def test_a_write_that_was_possibly_done_is_not_sent_again(keys_directory: Path, answer: bytes) -> None:
    async with house_before(keys_directory, answering(answer, then_close=True)) as (house, server):
        assert problem(await house.client.post("/v1/quotes", json={})) == (502, "service.broken")
        assert len(server.requests) == 1


@pytest.mark.parametrize(("method", "headers"), [("GET", {}), ("HEAD", {}), ("POST", KEYED)])
async def test_what_can_do_no_harm_is_sent_again(keys_directory: Path, method: str, headers: dict[str, str]) -> None:
    def first_hangs_up(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                await raw.read_request(reader)
                if len(raw.requests) == 1:
                    return
                writer.write(ok() if method != "HEAD" else b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")

        return script

    async with house_before(keys_directory, first_hangs_up) as (house, server):
        path = "/v1/products" if method != "POST" else "/v1/quotes"
        answer = await house.client.request(method, path, headers=headers)
        assert answer.status_code == 200
        assert len(server.requests) == 2
        assert server.requests[0] == server.requests[1]


async def test_sending_again_is_bounded(keys_directory: Path) -> None:
    async with house_before(keys_directory, answering(b"", then_close=True)) as (house, server):
        assert problem(await house.client.get("/v1/products")) == (502, "service.broken")
        assert len(server.requests) == 3


async def test_a_service_that_closes_after_each_answer_loses_no_request(keys_directory: Path) -> None:
    closing = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
    for answer in (closing, ok()):  # with and without a warning
        async with house_before(keys_directory, answering(answer, then_close=True)) as (house, server):
            for _ in range(10):
                assert (await house.client.post("/v1/quotes", json={})).status_code == 200
                await asyncio.sleep(0.01)
            assert len(server.requests) == 10


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of it",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf \r\n",
    ],
)
async def test_a_truncated_answer_does_not_look_whole(keys_directory: Path, answer: bytes) -> None:
    async with house_before(keys_directory, answering(answer, then_close=True)) as (house, _):
        with pytest.raises(httpx.RemoteProtocolError):
            await house.client.get("/v1/products")


async def test_a_chunked_answer_arrives_whole(keys_directory: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    async with house_before(keys_directory, answering(chunked)) as (house, server):
        for _ in range(3):
            answer = await house.client.get("/v1/products")
            assert answer.content == b"hello world"
        assert server.connections == 1


async def test_an_answer_without_length_arrives_whole(keys_directory: Path) -> None:
    endless = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil I close"
    async with house_before(keys_directory, answering(endless, then_close=True)) as (house, _):
        assert (await house.client.get("/v1/products")).content == b"until I close"


@pytest.mark.parametrize("status", [201, 204, 304, 400, 404, 409, 500, 503])
async def test_a_services_own_status_passes_as_it_is(keys_directory: Path, status: int) -> None:
    body = b"" if status in {204, 304} else b"{}"
    length = b"content-length: 2\r\n" if body else b""
    answer = b"HTTP/1.1 %d Some\r\n%b\r\n%b" % (status, length, body)
    async with house_before(keys_directory, answering(answer)) as (house, server):
        for _ in range(2):
            passed = await house.client.post("/v1/quotes", json={})
            assert (passed.status_code, passed.content) == (status, body)
        assert len(server.requests) == 2


async def test_hop_headers_and_inner_ones_of_the_answer_stay_here(keys_directory: Path) -> None:
    inner = b"connection: keep-alive\r\nkeep-alive: timeout=5\r\nserver: inner\r\nx-kaquan-identity: inner\r\nx-request-id: inner\r\n"
    async with house_before(
        keys_directory, answering(ok(headers=inner + b"set-cookie: a=1\r\nset-cookie: b=2\r\n"))
    ) as (house, _):
        answer = await house.client.get("/v1/products")
        assert "inner" not in str(answer.headers)
        assert "keep-alive" not in answer.headers
        assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


async def test_an_early_refusal_of_an_import_reaches_the_client(keys_directory: Path) -> None:
    def refuse(raw: RawServer) -> Script:
        async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            raw.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await reader.readexactly(100_000)
            writer.write(b"HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()
            await reader.read()

        return script

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 65_536
            await asyncio.sleep(0.001)

    async with house_before(keys_directory, refuse) as (house, server):
        for _ in range(2):
            answer = await house.client.post(
                "/v1/ops/skus/s1/batches", content=chunks(), headers=house.operator("catalogue")
            )
            assert answer.status_code == 409
        assert server.connections == 2, "a request that was not sent to its end leaves no usable connection"


async def test_a_client_that_uploads_too_slowly_is_given_up(
    keys_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.forward.relay.PART_WITHIN_S", 0.1)
    async with house_before(keys_directory, silent) as (house, _):
        token = house.operator("catalogue")["authorization"]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rsplit(":", 1)[1]))
        head = f"POST /v1/ops/skus/s1/batches HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: 1000\r\n\r\nx"
        writer.write(head.encode())
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"code":"body.too_slow"' in answer


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(
    keys_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with house_before(keys_directory, answering(ok())) as (house, server):
        _, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rsplit(":", 1)[1]))
        writer.write(b"POST /v1/quotes HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()
        await asyncio.sleep(0.05)
        assert not server.requests
        SINK.flush()
        assert '"status":499' in capsys.readouterr().out


async def test_many_at_once_share_bounded_connections(keys_directory: Path) -> None:
    async with house_before(keys_directory, answering(ok())) as (house, server):
        async with aiohttp.ClientSession(house.url) as client:

            async def ask() -> int:
                async with client.post("/v1/quotes", json={}) as answer:
                    return answer.status

            assert set(await asyncio.gather(*(ask() for _ in range(400)))) == {200}
        assert server.connections <= 64
        assert len(server.requests) == 400
