"""The provider over HTTP. Raw ASGI: it stands in the bench's way, so it does no more than it must."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from sandbox.payment.faults import FaultError
from sandbox.payment.pages import paid_page, pay_page, refused_page
from sandbox.payment.provider import Provider, RefusedError
from sandbox.payment.signing import SignatureError
from shared.observability import get_logger

BODY_BYTES_MAX = 16 * 1024

Answer = tuple[int, bytes, bytes]

_JSON = b"application/json"
_HTML = b"text/html; charset=utf-8"

log = get_logger(__name__)


class BodyError(Exception):
    """The body is too large, or no JSON object."""


class _Call:
    """One request."""

    __slots__ = ("_receive", "_scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive

    @property
    def is_from_a_page(self) -> bool:
        """Whether a person waits for the answer in a browser."""
        return b"text/html" in dict(self._scope["headers"]).get(b"accept", b"")

    @property
    def parameters(self) -> dict[str, str]:
        text = self._scope["query_string"].decode("ascii", errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True))

    async def json(self) -> dict[str, object]:
        """:raises BodyError: the body is too large, or no JSON object."""
        body = b""
        more = True
        while more:
            message = await self._receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > BODY_BYTES_MAX:
                raise BodyError(f"at most {BODY_BYTES_MAX} bytes")
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            content = None
        if not isinstance(content, dict):
            raise BodyError("a JSON object is expected")
        return content


class SandboxApp:
    """`/pay` for buyers; `/query`, `/refund`, `/refund-query`, `/bill` for the merchant; `/admin/faults` for testers."""

    def __init__(self, provider: Provider, *, on_stop: Callable[[], None]) -> None:
        self._provider = provider
        self._on_stop = on_stop
        self._routes: Mapping[tuple[str, str], Callable[[_Call], Awaitable[Answer]]] = {
            ("POST", "/pay"): self._pay,
            ("GET", "/pay"): self._pay_page,
            ("GET", "/query"): self._query,
            ("POST", "/refund"): self._refund,
            ("GET", "/refund-query"): self._refund_query,
            ("GET", "/bill"): self._bill,
            ("POST", "/admin/faults"): self._set_faults,
            ("DELETE", "/admin/faults"): self._clear_faults,
            ("GET", "/readyz"): self._ready,
            ("GET", "/healthz"): self._ready,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        status, media_type, body = await self._answer(scope, receive)
        headers = [(b"content-type", media_type), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        route = self._routes.get((scope["method"], scope["path"]))
        if route is None:
            return _problem(404, "path.unknown")
        call = _Call(scope, receive)
        try:
            return await route(call)
        except SignatureError:
            return _problem(403, "signature.invalid")
        except RefusedError as error:
            return (409, _HTML, refused_page(error.code).encode()) if call.is_from_a_page else _problem(409, error.code)
        except (FaultError, BodyError) as error:
            return _problem(400, "body.invalid", str(error))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        stop = asyncio.Event()
        notices = asyncio.create_task(self._provider.notices.run(stop))
        await send({"type": "lifespan.startup.complete"})
        log.info("service.started")
        await receive()
        stop.set()
        await notices
        self._on_stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _pay(self, call: _Call) -> Answer:
        link = self._provider.read_link(call.parameters)
        paid = self._provider.pay(link)
        if call.is_from_a_page:
            return 200, _HTML, paid_page(link).encode()
        return _json(paid)

    async def _pay_page(self, call: _Call) -> Answer:
        link = self._provider.read_link(call.parameters)
        return 200, _HTML, pay_page(link).encode()

    async def _query(self, call: _Call) -> Answer:
        return _json(await self._provider.query(call.parameters))

    async def _refund(self, call: _Call) -> Answer:
        body = await call.json()
        return _json(await self._provider.refund({name: str(value) for name, value in body.items()}))

    async def _refund_query(self, call: _Call) -> Answer:
        return _json(await self._provider.query_refund(call.parameters))

    async def _bill(self, call: _Call) -> Answer:
        return 200, b"text/csv; charset=utf-8", self._provider.bill(call.parameters).encode()

    async def _set_faults(self, call: _Call) -> Answer:
        return _json(self._provider.set_faults(await call.json()))

    async def _clear_faults(self, _: _Call) -> Answer:
        self._provider.clear_faults()
        return _json({})

    async def _ready(self, _: _Call) -> Answer:
        return _json({"status": "ready"})


def _json(content: Mapping[str, object]) -> Answer:
    return 200, _JSON, orjson.dumps(content)


def _problem(status: int, code: str, detail: str | None = None) -> Answer:
    problem: dict[str, object] = {"type": f"urn:sandbox:problem:{code}", "status": status, "code": code}
    if detail is not None:
        problem["detail"] = detail
    return status, b"application/problem+json", orjson.dumps(problem)
