"""Bring a request to its service. What was possibly sent is not sent again, unless that can do no harm."""

import asyncio
from collections.abc import Mapping

from gateway.forward.answers import PART_WITHIN_S, pass_on
from gateway.forward.incoming import Incoming, too_large, too_slow
from gateway.routes import SAFE_METHODS
from shared.http.identity import IDENTITY_HEADER
from shared.http.pool import Pool
from shared.http.problems import Problem
from shared.http.wire import Connection, UpstreamBrokenError, UpstreamError, UpstreamTimeoutError
from shared.observability import Counter, current_traceparent, get_logger

log = get_logger(__name__)

ATTEMPTS = 3
"""Of a request that may be sent again: over another connection, which the service's restart may need."""

PAUSE_S = 0.02

BUFFERED_BYTES = 64 * 1024
"""A body up to this size is read before it is sent, so that it can be sent again; a larger one flows through."""

_FAILURES = Counter("gateway_upstream_failures_total", "Requests a service did not answer", ["service", "kind"])
_IDENTITY = IDENTITY_HEADER.encode()


class Relay:
    """Forwards requests. `pools` are for ordinary answers, `streams` for those that last or are held back."""

    def __init__(self, *, pools: Mapping[str, Pool], streams: Mapping[str, Pool]) -> None:
        self._pools = pools
        self._streams = streams

    async def forward(self, request: Incoming, identity: bytes, body: bytes | None) -> None:
        """Send the request on and the answer back. `body` is given where it was read already.

        :raises Problem: the service gave no answer that could be begun with.
        :raises UpstreamError: its answer broke off in the middle.
        :raises ClientGoneError: the client left while its body was read.
        """
        route = request.route
        pool = (self._streams if route.stream or route.waits else self._pools)[route.service]
        flows = body is None and request.has_body and route.body_limit_bytes > BUFFERED_BYTES
        if body is None and not flows:
            body = await request.body()
        deadline = pool.now() + route.timeout_s
        try:
            if body is None:
                connection = await _send_flowing(request, pool, _head(request, pool, identity, None), deadline)
            else:
                connection = await _send(request, pool, _head(request, pool, identity, len(body)) + body, deadline)
        except UpstreamError as error:
            raise _problem(error, route.service) from error
        try:
            if route.stream:
                connection.deadline = float("inf")
            await pass_on(request, connection)
        except UpstreamError:
            _FAILURES.labels(route.service, "broke_off").inc()
            raise
        finally:
            pool.release(connection)


async def _send(request: Incoming, pool: Pool, data: bytes, deadline: float) -> Connection:
    head_only = request.method == "HEAD"
    attempt = 1
    while True:
        try:
            connection = await pool.acquire(deadline)
            try:
                connection.begin(data, head_only=head_only)
                await connection.head()
            except BaseException:
                pool.release(connection)
                raise
        except UpstreamError as error:
            if attempt == ATTEMPTS or not _harmless(request, error) or pool.now() + PAUSE_S >= deadline:
                raise
            log.info("gateway.sent_again", service=request.route.service, attempt=attempt, reason=str(error))
        else:
            return connection
        await asyncio.sleep(PAUSE_S * attempt)
        attempt += 1


async def _send_flowing(request: Incoming, pool: Pool, head: bytes, deadline: float) -> Connection:
    """A long body goes through part by part; it is gone then, so there is one attempt only."""
    connection = await pool.acquire(deadline)
    try:
        connection.begin(head)
        await _send_parts(request, connection)
        await connection.head()
    except BaseException:
        pool.release(connection)
        raise
    return connection


async def _send_parts(request: Incoming, connection: Connection) -> None:
    chunked = request.declared_bytes is None
    size, more = 0, True
    while more:
        if connection.answered:
            connection.spoil()  # the service has seen enough
            return
        part, more = await _next_part(request)
        size += len(part)
        if size > request.route.body_limit_bytes:
            raise too_large(request.route.body_limit_bytes)
        if part:
            await connection.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
    if chunked:
        await connection.write(b"0\r\n\r\n")


async def _next_part(request: Incoming) -> tuple[bytes, bool]:
    try:
        async with asyncio.timeout(PART_WITHIN_S):
            return await request.part()
    except TimeoutError:
        raise too_slow() from None


def _harmless(request: Incoming, error: UpstreamError) -> bool:
    if not error.maybe_sent:
        return True
    return isinstance(error, UpstreamBrokenError) and (request.method in SAFE_METHODS or request.idempotent)


def _head(request: Incoming, pool: Pool, identity: bytes, length: int | None) -> bytes:
    """The request's head. `length` is `None` for a body that flows through."""
    parts = [
        b"%b %b HTTP/1.1\r\nhost: %b\r\n%b: %b\r\nx-request-id: %b\r\n"
        % (request.method.encode(), request.target, pool.authority, _IDENTITY, identity, request.request_id.encode()),
        *request.lines,
    ]
    traceparent = current_traceparent()
    if traceparent is not None:
        parts.append(b"traceparent: %b\r\n" % traceparent.encode())
    if length is None:
        declared = request.declared_bytes
        parts.append(b"transfer-encoding: chunked\r\n" if declared is None else b"content-length: %d\r\n" % declared)
    elif length or request.method not in SAFE_METHODS:
        parts.append(b"content-length: %d\r\n" % length)
    parts.append(b"\r\n")
    return b"".join(parts)


def _problem(error: UpstreamError, service: str) -> Problem:
    if isinstance(error, UpstreamTimeoutError):
        _FAILURES.labels(service, "timeout").inc()
        return Problem(504, "service.timeout", "A part of the platform takes too long", headers={"retry-after": "2"})
    if error.maybe_sent:
        _FAILURES.labels(service, "broken").inc()
        return Problem(502, "service.broken", "A part of the platform broke off; look before you try again")
    _FAILURES.labels(service, "unreachable").inc()
    return Problem(503, "service.unavailable", "A part of the platform does not answer", headers={"retry-after": "1"})
