"""The one ASGI middleware in front of every service: request id, trace, identity, body limit, metrics, access line.

One pass instead of a stack of middlewares, because this is paid for by every call there is.
"""

import re
import time
from collections.abc import Mapping

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import new_id
from shared.http.access import record_served
from shared.http.callers import IDENTITY_KEY
from shared.http.identity import IDENTITY_HEADER, IdentityError, IdentityExpiredError, IdentitySigner, Role
from shared.http.problems import INTERNAL, PROBLEM_TYPE, BodyTooLargeError, ProblemSpec, problem_body
from shared.observability import REQUEST_ID, continue_trace, get_logger, span

log = get_logger(__name__)

DEFAULT_BODY_LIMIT_BYTES = 64 * 1024
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics", "/openapi.json"})
"""Answered to anybody who reaches the process: the gateway does not route to them."""

_INTERNAL_ROLES = frozenset({Role.SERVICE, Role.OPERATOR})
REQUEST_ID_FORM = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_UNMATCHED = "unmatched"
_IDENTITY = IDENTITY_HEADER.encode()
_READ = frozenset({_IDENTITY, b"traceparent", b"x-request-id", b"content-length", b"transfer-encoding"})

_MISSING = ProblemSpec(401, "auth.missing", "This service is reached through the gateway")
_FORGED = ProblemSpec(401, "auth.invalid", "The caller's identity is not valid")
_EXPIRED = ProblemSpec(401, "auth.expired", "The caller's identity has expired")
_INTERNAL_ONLY = ProblemSpec(403, "auth.forbidden", "Only for services and operators")
_TOO_LARGE = ProblemSpec(413, "body.too_large", "The body is too large")


class Edge:
    """Wraps a service's application. `body_limits` maps path templates to limits in bytes that differ from the default."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        signer: IdentitySigner,
        body_limit_bytes: int = DEFAULT_BODY_LIMIT_BYTES,
        body_limits: Mapping[str, int] | None = None,
    ) -> None:
        self._app = app
        self._signer = signer
        self._body_limit_bytes = body_limit_bytes
        self._body_limits = [(_template(path), limit) for path, limit in (body_limits or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        bound = REQUEST_ID.set(exchange.request_id)
        try:
            with continue_trace(exchange.traceparent), span("http.serve", kind=SpanKind.SERVER) as here:
                try:
                    await self._serve(exchange)
                finally:
                    exchange.finish(here)
        finally:
            REQUEST_ID.reset(bound)

    async def _serve(self, exchange: "_Exchange") -> None:
        refusal = self._identify(exchange) or self._limit_body(exchange)
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        try:
            await self._app(exchange.scope, exchange.receive, exchange.send)
        except Exception:
            log.exception("http.failed", method=exchange.method, path=exchange.path)
            if exchange.status:
                raise
            await exchange.refuse(INTERNAL)

    def _identify(self, exchange: "_Exchange") -> ProblemSpec | None:
        if exchange.path in OPEN_PATHS:
            return None
        if exchange.identity_header is None:
            return _MISSING
        try:
            identity = self._signer.verify(exchange.identity_header)
        except IdentityExpiredError:
            return _EXPIRED
        except IdentityError:
            return _FORGED
        if identity.role not in _INTERNAL_ROLES and exchange.path.startswith("/internal/"):
            return _INTERNAL_ONLY
        exchange.scope[IDENTITY_KEY] = identity
        exchange.role = identity.role
        exchange.subject = identity.subject
        return None

    def _limit_body(self, exchange: "_Exchange") -> ProblemSpec | None:
        declared = exchange.declared_bytes
        limit = self._body_limit_bytes
        if declared is not None and declared <= limit:
            return None
        for template, larger in self._body_limits:
            if template.fullmatch(exchange.path):
                limit = larger
        exchange.body_left = exchange.body_limit = limit
        return _TOO_LARGE if declared is not None and declared > limit else None


class _Exchange:
    """One request and what became of it. Its `receive` and `send` are what the application is given."""

    __slots__ = (
        "_receive", "_send", "body_left", "body_limit", "declared_bytes", "identity_header", "method", "path",
        "request_id", "role", "scope", "started", "status", "subject", "traceparent",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started = time.perf_counter()
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.status = 0
        self.role: str | None = None
        self.subject: str | None = None
        self.identity_header: str | None = None
        self.traceparent: str | None = None
        self.request_id = ""
        self.declared_bytes: int | None = None
        self.body_left = self.body_limit = DEFAULT_BODY_LIMIT_BYTES
        self._read_headers()

    def _read_headers(self) -> None:
        read = {name: value for name, value in self.scope["headers"] if name in _READ}
        identity = read.get(_IDENTITY)
        self.identity_header = identity.decode("latin-1") if identity is not None else None
        traceparent = read.get(b"traceparent")
        self.traceparent = traceparent.decode("latin-1") if traceparent is not None else None
        request_id = read.get(b"x-request-id")
        known = request_id is not None and REQUEST_ID_FORM.fullmatch(request_id) is not None
        self.request_id = request_id.decode() if request_id is not None and known else new_id().hex
        if b"transfer-encoding" in read:
            self.declared_bytes = None
        else:
            self.declared_bytes = int(read.get(b"content-length", b"0"))

    async def receive(self) -> Message:
        message = await self._receive()
        body = message.get("body")
        if body:
            self.body_left -= len(body)
            if self.body_left < 0:
                raise BodyTooLargeError(self.body_limit)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]
        await self._send(message)

    async def refuse(self, spec: ProblemSpec) -> None:
        body = problem_body(spec)
        headers = [(b"content-type", PROBLEM_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        await self.send({"type": "http.response.start", "status": spec.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    def finish(self, here: span) -> None:
        """Count, name the span by its route, and write the access line."""
        record_served(
            here,
            method=self.method,
            route=route_template(self.scope),
            path=self.path,
            status=self.status,
            started=self.started,
            request_id=self.request_id,
            role=self.role,
            subject=self.subject,
        )


def route_template(scope: Scope) -> str:
    """The path as it is declared, which labels metrics: few values, whatever is asked for."""
    route = scope.get("route")
    template = getattr(route, "path", None)
    return template if isinstance(template, str) else _UNMATCHED


def _template(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)))
