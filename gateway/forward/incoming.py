"""A request as it came in: what the gateway looks at, and the header lines that go on to the service."""

import time
from collections.abc import Callable
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from gateway.auth import Credential, Page
from gateway.routes import Route
from shared.clock import new_id
from shared.http.edge import REQUEST_ID_FORM
from shared.http.problems import Problem

MAX_DEVICE_CHARS = 128

_DEVICE_SIGNS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-")
_READ: Final = frozenset({
    b"authorization", b"x-device-id", b"x-forwarded-for", b"x-forwarded-proto", b"x-request-id", b"traceparent", b"host",
    b"content-length", b"transfer-encoding", b"connection", b"cookie", b"x-csrf-token", b"x-guest-order", b"sec-fetch-site",
})  # fmt: skip
"""Looked at here, and not passed on as they are: tokens and cookies end at this door."""

_DROPPED: Final = frozenset({
    b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"upgrade",
    b"expect", b"forwarded", b"x-real-ip", b"tracestate", b"baggage", b"signature", b"signature-input",
})  # fmt: skip
"""For one hop, or for this one, or claims about the sender that only we may make."""

_OURS: Final = (b"x-kaquan-", b"x-forwarded-")


Rewrite = Callable[[bytes], tuple[bytes, list[bytes]]]
"""Makes of a service's body the one that a page gets, and the cookies beside it."""


class ClientGoneError(Exception):
    """The client left before its request was whole."""


class Incoming:
    """One request on its way through. Its `send` notes the status; `page` is given where it came with cookies."""

    __slots__ = (
        "_receive", "_send", "credential", "device", "extra_headers", "has_body", "idempotent", "ip", "lines", "method",
        "page", "path", "raw_path", "read", "request_id", "rewrite", "route", "scope", "started", "status",
    )  # fmt: skip

    route: Route
    credential: Credential

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started = time.perf_counter()
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope["raw_path"]
        self.status = 0
        self.ip = ""
        self.page: Page | None = None
        self.rewrite: Rewrite | None = None
        self.extra_headers: list[tuple[bytes, bytes]] = []
        self.idempotent = False
        self.read: dict[bytes, bytes] = {}
        self.lines: list[bytes] = []
        self._sort_headers()
        request_id = self.read.get(b"x-request-id")
        known = request_id is not None and REQUEST_ID_FORM.fullmatch(request_id) is not None
        self.request_id = request_id.decode() if request_id is not None and known else new_id().hex
        self.device = _device(self.read.get(b"x-device-id"))
        self.has_body = b"transfer-encoding" in self.read or self.read.get(b"content-length", b"0") != b"0"

    @property
    def declared_bytes(self) -> int | None:
        """The length the body is said to have; `None` where it comes in chunks."""
        if b"transfer-encoding" in self.read:
            return None
        return int(self.read.get(b"content-length", b"0"))

    @property
    def target(self) -> bytes:
        """Path and query as they stood on the wire."""
        query: bytes = self.scope["query_string"]
        return self.raw_path + b"?" + query if query else self.raw_path

    def _sort_headers(self) -> None:
        for name, value in self.scope["headers"]:
            if name in _READ:
                self.read[name] = value
            elif name in _DROPPED or name.startswith(_OURS):
                continue
            else:
                self.lines.append(b"%b: %b\r\n" % (name, value))
                if name == b"idempotency-key":
                    self.idempotent = True
        connection = self.read.get(b"connection")
        if connection is not None and connection.lower() not in {b"keep-alive", b"close"}:
            self._drop_named(connection)

    def _drop_named(self, connection: bytes) -> None:
        """Headers that `Connection` names are for this hop only."""
        named = tuple(name.strip().lower() + b":" for name in connection.split(b",") if name.strip())
        self.lines = [line for line in self.lines if not line.startswith(named)]

    async def send(self, message: Message) -> None:
        """Answer the client."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def receive(self) -> Message:
        """What the client does next. For the gateway's own endpoints, and to notice that a client has left."""
        return await self._receive()

    async def part(self) -> tuple[bytes, bool]:
        """The next part of the body, and whether more follows.

        :raises ClientGoneError: nothing more will come.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        return message.get("body", b""), message.get("more_body", False)

    async def body(self) -> bytes:
        """The whole body. The server drops who stops in the middle of it.

        :raises Problem: 413, it is larger than the route takes.
        :raises ClientGoneError: it stays incomplete.
        """
        if not self.has_body:
            return b""
        limit = self.route.body_limit_bytes
        body, more = await self.part()
        if not more and len(body) <= limit:
            return body
        parts, size = [body], len(body)
        while more and size <= limit:
            body, more = await self.part()
            parts.append(body)
            size += len(body)
        if size > limit:
            raise too_large(limit)
        return b"".join(parts)


def too_slow() -> Problem:
    """The refusal of a body that does not come."""
    return Problem(408, "body.too_slow", "The body came too slowly", headers={"connection": "close"})


def too_large(limit_bytes: int) -> Problem:
    """The refusal of a body. The connection is closed with it: nobody wants to read the rest."""
    detail = f"at most {limit_bytes} bytes"
    return Problem(413, "body.too_large", "The body is too large", detail, headers={"connection": "close"})


def _device(value: bytes | None) -> str | None:
    if value is None or not 0 < len(value) <= MAX_DEVICE_CHARS or not _DEVICE_SIGNS.issuperset(value):
        return None
    return value.decode()
