"""A short way to the four calls that every purchase makes.

FastAPI resolves a route, its dependencies and its body in some hundred microseconds; these calls are most of what this
service does. The lane takes the well-formed ones straight to the same functions. Whatever is unusual in a request goes
the ordinary way, and is answered there: without the lane everything works as it does with it, only slower.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.order.api.checkout import place_order
from services.order.api.desk import Desk
from services.order.api.orders import get_order
from services.order.api.payments import begin_payment, notify
from services.order.schemas.checkout import CheckoutIn
from services.order.schemas.orders import PaymentIn
from shared.http import Identity, Role
from shared.http.callers import IDENTITY_KEY
from shared.http.idempotency import MAX_KEY_CHARS

Body = TypeVar("Body", bound=BaseModel)

_ID = r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"
_OWNERS = frozenset({Role.BUYER, Role.GUEST})


class NotLeanError(Exception):
    """Something about the request is unusual: the ordinary way answers it."""


class LeanCall:
    """One request, read without ceremony. What is missing or malformed raises `NotLeanError`."""

    __slots__ = ("_parameter", "_scope", "body", "desk")

    def __init__(self, scope: Scope, body: bytes, parameter: str) -> None:
        self._scope = scope
        self._parameter = parameter
        self.body = body
        self.desk: Desk = scope["app"].state.desk

    @property
    def parameter(self) -> str:
        """What stands in the path's only gap."""
        return self._parameter

    @property
    def order_id(self) -> UUID:
        return UUID(self._parameter)

    @property
    def caller(self) -> Identity:
        identity: Identity = self._scope[IDENTITY_KEY]
        return identity

    @property
    def owner(self) -> Identity:
        """The caller, who must be one that can own an order."""
        caller = self.caller
        if caller.role not in _OWNERS:
            raise NotLeanError
        return caller

    @property
    def key(self) -> str:
        """The idempotency key."""
        key = self.header(b"idempotency-key")
        if key is None or not 0 < len(key) <= MAX_KEY_CHARS:
            raise NotLeanError
        return key

    def header(self, name: bytes) -> str | None:
        """What the caller says under this name, given in small letters."""
        for known, value in self._scope["headers"]:
            if known == name:
                return str(value.decode("latin-1"))
        return None

    def read(self, model: type[Body]) -> Body:
        """The body."""
        try:
            return model.model_validate_json(self.body)
        except ValidationError:
            raise NotLeanError from None


Take = Callable[[LeanCall], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _LeanRoute:
    """`path` is the template that labels metrics, as the ordinary route has it."""

    method: str
    path: str
    pattern: re.Pattern[str]
    take: Take


async def _take_order(call: LeanCall) -> Response:
    return await place_order(call.body, call.read(CheckoutIn), call.caller, call.key, call.desk)


async def _take_payment(call: LeanCall) -> Response:
    return await begin_payment(call.order_id, call.read(PaymentIn), call.owner, call.key, call.desk)


async def _take_notify(call: LeanCall) -> Response:
    return await notify(call.parameter, call.body, call.desk)


async def _take_look(call: LeanCall) -> Response:
    known, prefer = call.header(b"if-none-match"), call.header(b"prefer")
    return await get_order(call.order_id, call.owner, call.desk, known, prefer)


ROUTES: Sequence[_LeanRoute] = (
    _LeanRoute("GET", "/v1/orders/{order_id}", re.compile(f"/v1/orders/{_ID}"), _take_look),
    _LeanRoute("POST", "/v1/orders", re.compile("/v1/orders()"), _take_order),
    _LeanRoute("POST", "/v1/orders/{order_id}/payments", re.compile(f"/v1/orders/{_ID}/payments"), _take_payment),
    _LeanRoute("POST", "/v1/payments/{provider}/notify", re.compile("/v1/payments/([a-z0-9_-]+)/notify"), _take_notify),
)


class LeanLane:
    """ASGI middleware, innermost: what it does not take goes on as if it were not there."""

    def __init__(self, app: ASGIApp, *, home: FastAPI) -> None:
        self._app = app
        self._home = home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route, parameter = _find(scope)
        if route is None:
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(receive)
            scope["route"] = route
            response = await route.take(LeanCall(scope, body, parameter))
        except NotLeanError:
            await self._app(scope, _Replay(body, receive), send)
            return
        except Exception as error:  # noqa: BLE001  (answered by the table of problems, or raised again)
            response = await self._answer(scope, error)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, error: Exception) -> Response:
        """The problem that the application answers with.

        :raises Exception: `error` itself, if nobody expected it.
        """
        for kind in type(error).__mro__:
            handler: Any = self._home.exception_handlers.get(kind)
            if handler is not None:
                answered: Response = await handler(Request(scope), error)
                return answered
        raise error


class _Replay:
    """The body once more, for those who come after."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _find(scope: Scope) -> tuple[_LeanRoute | None, str]:
    if scope["type"] == "http":
        for route in ROUTES:
            if route.method == scope["method"]:
                found = route.pattern.fullmatch(scope["path"])
                if found is not None:
                    return route, found.group(1)
    return None, ""


async def _read(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body
