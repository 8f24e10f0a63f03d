"""What goes back to the client: a service's answer, whole or as it comes, or a problem of our own."""

import asyncio
from typing import Final

from gateway.forward.incoming import ClientGoneError, Incoming, Rewrite
from shared.http.problems import PROBLEM_TYPE, Problem, ProblemSpec, problem_body
from shared.http.wire import Connection, UpstreamError

_NOT_PASSED: Final = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-connection", b"te", b"trailer", b"transfer-encoding",
    b"upgrade", b"date", b"server", b"x-request-id", b"x-kaquan-identity",
})  # fmt: skip
"""For the hop behind us, or written by this one."""

PART_WITHIN_S = 30.0
"""Time for the next part of a long body or answer, whoever is late: the service, or a client that reads slowly."""

_ALWAYS: Final = ((b"x-content-type-options", b"nosniff"),)
_NO_STORE: Final = (b"cache-control", b"no-store")
_BODILESS_STATUS = frozenset({204, 304})


async def send_problem(request: Incoming, problem: Problem) -> None:
    """Refuse, in our own words."""
    spec = ProblemSpec(problem.status, problem.code, problem.title)
    body = problem_body(spec, detail=problem.detail, extra=problem.extra)
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        *((name.lower().encode(), value.encode("latin-1")) for name, value in (problem.headers or {}).items()),
        *own_headers(request),
        _NO_STORE,
    ]
    await request.send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await request.send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else body})


async def pass_on(request: Incoming, connection: Connection) -> None:
    """Give the service's answer to the client: at once where it is whole already, else part by part.

    :raises UpstreamError: it breaks off; the client's connection must be broken off too.
    """
    headers = [header for header in connection.headers if header[0] not in _NOT_PASSED]
    names = {name for name, _ in headers}
    if b"cache-control" not in names:
        headers.append(_NO_STORE)
    headers += own_headers(request)
    start = {"type": "http.response.start", "status": connection.status, "headers": headers}
    if request.rewrite is not None:
        await _pass_on_rewritten(request, connection, request.rewrite)
        return
    if connection.complete:
        body = connection.take()
        if b"content-length" not in names and request.method != "HEAD" and connection.status not in _BODILESS_STATUS:
            headers.append((b"content-length", b"%d" % len(body)))
        await request.send(start)
        await request.send({"type": "http.response.body", "body": body})
        return
    await request.send(start)
    await _stream(request, connection)


async def _pass_on_rewritten(request: Incoming, connection: Connection, rewrite: Rewrite) -> None:
    """To a page: what it shall not read is taken out of the body and becomes cookies."""
    body, cookies = rewrite(await connection.body())
    headers = [
        *(header for header in connection.headers if header[0] not in _NOT_PASSED and header[0] != b"content-length"),
        (b"content-length", b"%d" % len(body)),
        *((b"set-cookie", cookie) for cookie in cookies),
        _NO_STORE,
        *own_headers(request),
    ]
    await request.send({"type": "http.response.start", "status": connection.status, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})


def own_headers(request: Incoming) -> list[tuple[bytes, bytes]]:
    """What every answer carries, whoever wrote it."""
    return [(b"x-request-id", request.request_id.encode()), *request.extra_headers, *_ALWAYS]


async def _stream(request: Incoming, connection: Connection) -> None:
    """Pass parts on as they come. When the client leaves, the service is told by a closed connection.

    An event stream that breaks off just ends: its reader comes back by itself, and nothing was half said.
    """
    lasts = request.route.stream  # an event stream may be silent as long as it likes
    watch = asyncio.create_task(_leave_with(request, connection))
    try:
        while True:
            if not lasts:
                connection.extend(PART_WITHIN_S)
            part = await connection.more()
            if not part:
                break
            await request.send({"type": "http.response.body", "body": part, "more_body": True})
        await request.send({"type": "http.response.body", "body": b""})
    except UpstreamError:
        if watch.done():
            raise ClientGoneError from None
        if not lasts:
            raise
        await request.send({"type": "http.response.body", "body": b""})
    finally:
        watch.cancel()


async def _leave_with(request: Incoming, connection: Connection) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    connection.close()
