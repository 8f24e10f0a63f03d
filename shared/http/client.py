"""Calls from one service to another, where a person is waiting for the answer."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson

from shared.http.identity import IDENTITY_HEADER, TTL_S, Identity, IdentitySigner, Role
from shared.http.pool import MAX_CONNECTIONS, Pool
from shared.http.wire import Connection, UpstreamBrokenError, UpstreamError
from shared.observability import REQUEST_ID, Counter, Histogram, current_traceparent, span

ATTEMPTS = 3
"""Of a call that may be repeated. More would turn a neighbour's hiccup into its flood."""

FIRST_PAUSE_S = 0.02
REPEATABLE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_IDENTITY = IDENTITY_HEADER.encode()
_BODILESS = frozenset({"GET", "HEAD", "DELETE"})

MAX_ANSWER_BYTES = 16 * 1024 * 1024

"""More than any answer between services; a neighbour gone mad does not take this process with it."""

_FIRST_REFUSAL = 400
_FIRST_FAILURE = 500
_PASSING_FAILURES = frozenset({502, 503, 504})
"""Answers that may be another one in a moment. A plain 500 is a mistake and stays one."""

_CALLS = Counter("service_calls_total", "Calls to other services", ["neighbour", "outcome"])
_SECONDS = Histogram("service_call_seconds", "Time to the whole answer of another service", ["neighbour"])


class ServiceRefusedError(Exception):
    """The neighbour answered and said no. `code` is its problem's code, `body` its whole problem."""

    def __init__(self, status: int, code: str, detail: str, body: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.body = body


class ServiceUnavailableError(Exception):
    """The neighbour did not answer, or failed. Unless the call may be repeated, it may have worked all the same."""

    def __init__(self, neighbour: str, reason: str) -> None:
        super().__init__(f"{neighbour}: {reason}")
        self.neighbour = neighbour
        self.reason = reason


class ServiceClient:
    """One neighbour, one per process. Connections are opened when needed, bounded and kept alive."""

    def __init__(
        self,
        base_url: str,
        signer: IdentitySigner,
        *,
        neighbour: str = "",
        timeout_s: float = 2.0,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._pool = Pool(base_url, max_connections=max_connections)
        self._signer = signer
        self._timeout_s = timeout_s
        self._own = Identity(Role.SERVICE, signer.service)
        self._own_header = b""
        self._own_until = 0.0
        self.neighbour = neighbour or self._pool.host
        self._ok = _CALLS.labels(self.neighbour, "ok")
        self._seconds = _SECONDS.labels(self.neighbour)

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str | int] | None = None,
        as_identity: Identity | None = None,
        idempotent: bool | None = None,
        timeout_s: float | None = None,
        first_try_s: float | None = None,
    ) -> Any:
        """The answer's JSON, `None` for an empty one. `timeout_s` bounds the call with all its repetitions.

        A call is repeated only if it may be: GET, PUT and DELETE, and what says `idempotent=True`; anything may be
        repeated that certainly never left. `first_try_s` gives the first try up early, so that time is left for another:
        it is counted from when the try has its connection, because who is still waiting for one has asked nobody yet.
        `as_identity` calls in somebody else's name instead of this service's.

        :raises ServiceRefusedError: the neighbour answered 4xx.
        :raises ServiceUnavailableError: it did not answer in time, or answered 5xx.
        """
        target = f"{path}?{urlencode(params)}" if params else path
        request = self._request(method, target, json, as_identity)
        repeatable = method in REPEATABLE_METHODS if idempotent is None else idempotent
        deadline = self._pool.now() + (timeout_s or self._timeout_s)
        with span("service.call", neighbour=self.neighbour, method=method):
            status, body = await self._exchange(
                request, deadline, first_try_s=first_try_s, repeatable=repeatable, head_only=method == "HEAD"
            )
        if status >= _FIRST_REFUSAL:
            raise self._refusal(status, body)
        self._ok.inc()
        return orjson.loads(body) if body else None

    async def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    async def _exchange(
        self, request: bytes, deadline: float, *, first_try_s: float | None, repeatable: bool, head_only: bool
    ) -> tuple[int, bytes]:
        pause_s, try_s = FIRST_PAUSE_S, first_try_s
        for attempt in range(1, ATTEMPTS + 1):
            try:
                status, body = await self._try(request, deadline, try_s=try_s, head_only=head_only)
            except UpstreamError as error:
                if self._is_last(attempt, pause_s, deadline) or (error.maybe_sent and not repeatable):
                    raise self._unavailable(str(error)) from error
            else:
                if status < _FIRST_FAILURE:
                    return status, body
                passing = repeatable and status in _PASSING_FAILURES
                if not passing or self._is_last(attempt, pause_s, deadline):
                    raise self._unavailable(f"answered {status}")
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
            pause_s, try_s = pause_s * 2, None
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _is_last(self, attempt: int, pause_s: float, deadline: float) -> bool:
        return attempt == ATTEMPTS or self._pool.now() + pause_s >= deadline

    async def _try(self, request: bytes, deadline: float, *, try_s: float | None, head_only: bool) -> tuple[int, bytes]:
        started = self._pool.now()
        connection = await self._pool.acquire(deadline)
        if try_s is not None:
            connection.deadline = min(deadline, self._pool.now() + try_s)
        try:
            await connection.request(request, head_only=head_only)
            body = connection.take() if connection.complete else await _read(connection)
            return connection.status, body
        finally:
            self._pool.release(connection)
            self._seconds.observe(self._pool.now() - started)

    def _request(self, method: str, target: str, json: object, as_identity: Identity | None) -> bytes:
        identity = self._sign_own() if as_identity is None else self._signer.sign(as_identity).encode()
        head = [
            f"{method} {target} HTTP/1.1\r\nhost: ".encode(),
            self._pool.authority,
            b"\r\n" + _IDENTITY + b": ",
            identity,
        ]
        traceparent = current_traceparent()
        if traceparent is not None:
            head.append(b"\r\ntraceparent: " + traceparent.encode())
        request_id = REQUEST_ID.get()
        if request_id is not None:
            head.append(b"\r\nx-request-id: " + request_id.encode())
        body = b""
        if json is not None:
            body = orjson.dumps(json)
            head.append(b"\r\ncontent-type: application/json\r\ncontent-length: %d" % len(body))
        elif method not in _BODILESS:
            head.append(b"\r\ncontent-length: 0")
        return b"".join(head) + b"\r\n\r\n" + body

    def _sign_own(self) -> bytes:
        now = self._pool.now()
        if now >= self._own_until:
            self._own_header = self._signer.sign(self._own).encode()
            self._own_until = now + TTL_S / 2
        return self._own_header

    def _unavailable(self, reason: str) -> ServiceUnavailableError:
        _CALLS.labels(self.neighbour, "unavailable").inc()
        return ServiceUnavailableError(self.neighbour, reason)

    def _refusal(self, status: int, body: bytes) -> ServiceRefusedError:
        _CALLS.labels(self.neighbour, "refused").inc()
        try:
            problem = orjson.loads(body)
        except orjson.JSONDecodeError:
            problem = None
        if not isinstance(problem, dict):
            problem = {}
        code = str(problem.get("code") or f"http.{status}")
        return ServiceRefusedError(status, code, str(problem.get("detail") or problem.get("title") or ""), problem)


async def _read(connection: Connection) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await connection.more():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise UpstreamBrokenError("the answer is larger than any of ours", maybe_sent=True)
        parts.append(part)
    return b"".join(parts)
