"""The hot path: one request from the door to its service and back."""

from functools import partial

from opentelemetry.trace import SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.auth import PAGE_KEY, SIGNERS
from gateway.forward.answers import own_headers, send_problem
from gateway.forward.gate import Gate
from gateway.forward.incoming import ClientGoneError, Incoming
from gateway.forward.relay import Relay
from gateway.pages import PAGES, Pages
from gateway.routes import GATEWAY, SAFE_METHODS, MethodNotAllowedError, RouteTable, UnknownPathError
from shared.http.access import record_served
from shared.http.callers import IDENTITY_KEY
from shared.http.client import ServiceUnavailableError
from shared.http.identity import IdentitySigner
from shared.http.problems import INTERNAL, Problem
from shared.http.wire import UpstreamError
from shared.observability import REQUEST_ID, continue_trace, get_logger, span

log = get_logger(__name__)

_UNMATCHED = "unmatched"


class Forwarder:
    """The gateway's ASGI application for requests. `own` answers the routes of the gateway itself, `pages` what is no
    route at all.
    """

    def __init__(
        self, *, table: RouteTable, gate: Gate, relay: Relay, own: ASGIApp, signer: IdentitySigner, pages: Pages
    ) -> None:
        self._table = table
        self._gate = gate
        self._relay = relay
        self._own = own
        self._signer = signer
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Incoming(scope, receive, send)
        bound = REQUEST_ID.set(request.request_id)
        self._gate.locate(request)
        try:
            with continue_trace(self._gate.trusted_trace(request)), span("gateway.serve", kind=SpanKind.SERVER) as here:
                try:
                    await self._answer(request)
                finally:
                    _record(request, here)
        finally:
            REQUEST_ID.reset(bound)

    async def _answer(self, request: Incoming) -> None:
        try:
            await self._serve(request)
        except Problem as problem:
            await send_problem(request, problem)
        except ServiceUnavailableError as error:
            log.warning("gateway.service_unavailable", service=error.neighbour, reason=error.reason)
            await send_problem(request, Problem(503, "service.unavailable", "A part of the platform does not answer"))
        except ClientGoneError:
            return  # nobody is there to be answered; the access line says 499
        except UpstreamError as error:
            log.warning("gateway.answer_broke_off", service=request.route.service, reason=str(error))
            raise  # the server closes the client's connection: a whole-looking half answer would be worse
        except Exception:
            log.exception("gateway.failed", path=request.path)
            if request.status:
                raise
            await send_problem(request, Problem(INTERNAL.status, INTERNAL.code, INTERNAL.title))

    async def _serve(self, request: Incoming) -> None:
        try:
            route = self._table.find(request.method, request.path)
        except UnknownPathError:
            if await self._serve_page(request):
                return
            raise Problem(404, "path.unknown", "There is nothing at this address") from None
        except MethodNotAllowedError as error:
            raise Problem(405, "method.not_allowed", str(error), headers={"allow": error.allowed}) from None
        request.route = route
        body: bytes | None = None
        if route.audience in SIGNERS:
            body = await self._gate.admit_partner(request)
        else:
            self._gate.admit(request)
        if route.service == GATEWAY:
            await self._serve_own(request)
            return
        identity = self._gate.sign(request, self._signer)
        await self._relay.forward(request, identity, body)

    async def _serve_page(self, request: Incoming) -> bool:
        """Whether there was a page or one of its parts to send."""
        if request.method not in SAFE_METHODS:
            return False
        answer = self._pages.find(request.path, dict(request.scope["headers"]))
        if answer is None:
            return False
        request.route = PAGES
        headers = [*answer.headers, *own_headers(request)]
        await request.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if request.method == "HEAD" else answer.body
        await request.send({"type": "http.response.body", "body": body})
        return True

    async def _serve_own(self, request: Incoming) -> None:
        headers = own_headers(request)

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await request.send(message)

        scope = {
            **request.scope,
            IDENTITY_KEY: request.credential.identity,
            PAGE_KEY: partial(self._gate.page, request),
            "client": (request.ip, 0),
        }
        await self._own(scope, request.receive, send)


def _record(request: Incoming, here: span) -> None:
    route = getattr(request, "route", None)
    credential = getattr(request, "credential", None)
    record_served(
        here,
        method=request.method,
        route=route.pattern if route is not None else _UNMATCHED,
        path=request.path,
        status=request.status,
        started=request.started,
        request_id=request.request_id,
        role=credential.identity.role if credential is not None else None,
        subject=credential.identity.subject if credential is not None else None,
    )
