"""A served process: it ends within ten seconds of SIGTERM, also under endless answers."""

import asyncio
import contextlib
import http.client
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.types import Receive, Scope, Send

from dev.stack.ports import find_free_ports
from shared.http import Identity, IdentitySigner, Role, protocol
from shared.http.identity import IDENTITY_HEADER
from tests.shared.http_servers import serving

PROGRAM = """
import asyncio, sys
from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from shared.http import create_app, serve

routes = APIRouter()

@routes.get("/v1/ticks")
async def stream(request: Request):
    async def ticks():
        while not request.app.state.stopping.is_set():
            yield "data: tick\\n\\n"
            await asyncio.sleep(0.05)
    return StreamingResponse(ticks(), media_type="text/event-stream")

async def beside(stop):
    await stop.wait()
    print("stopped beside", flush=True)

async def ready():
    pass

app = create_app(service="x", title="x", identity_key=b"k" * 32, problems={}, ready=ready, background=[beside])
app.include_router(routes)
serve(app, host="127.0.0.1", port=int(sys.argv[1]))
"""


def wait_until_up(port: int) -> None:
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise AssertionError("the server did not come up")


def test_sigterm_ends_streams_and_tasks_at_once(tmp_path: Path) -> None:
    port = find_free_ports(1)[0]
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(script), str(port)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
    )
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        wait_until_up(port)
        identity = IdentitySigner(b"k" * 32, "gateway").sign(Identity(Role.ANONYMOUS, ""))
        stream.request("GET", "/v1/ticks", headers={IDENTITY_HEADER: identity})
        answer = stream.getresponse()
        assert answer.read(10) == b"data: tick"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        assert "graceful shutdown exceeded" not in output, "nothing needed the whole of the drain"
        assert process.returncode == 0
        assert "stopped beside" in output
        assert "service.stopped" in output
    finally:
        stream.close()
        process.kill()
        process.wait()


async def test_a_head_without_end_is_cut_off() -> None:
    async with serving(answer_nothing) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"GET / HTTP/1.1\r\nx: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                writer.write(b"y" * 4_096)
                await writer.drain()
                await asyncio.sleep(0.001)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()


async def test_who_opens_a_connection_must_say_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.1)
    async with serving(answer_nothing) as url:
        for words in (b"", b"GET / HTTP/1.1\r\nhost: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
            writer.write(words)
            async with asyncio.timeout(2):
                with contextlib.suppress(ConnectionError):
                    assert await reader.read() == b""
            writer.close()


async def test_who_stops_in_the_middle_of_a_body_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.05)
    monkeypatch.setattr(protocol, "BODY_SILENCE_S", 0.3)
    async with serving(answer_nothing) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n")
        for _ in range(4):  # slow, but it goes on
            await asyncio.sleep(0.1)
            writer.write(b"x")
        async with asyncio.timeout(2):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        writer.close()


async def test_a_body_that_we_do_not_read_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.05)
    monkeypatch.setattr(protocol, "BODY_SILENCE_S", 0.1)
    size = 8 * 1024 * 1024

    async def busy_first(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.4)
        await answer_nothing(scope, receive, send)

    async with serving(busy_first) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % size + b"x" * size)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        writer.close()


async def test_a_slow_but_honest_request_after_another_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_WITHIN_S", 0.3)
    async with serving(answer_nothing) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\n")
            await asyncio.sleep(0.05)
            writer.write(b"host: x\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
            await asyncio.sleep(0.2)
        writer.close()


async def answer_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.request":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})
