"""The same supplier as another Kaquan: its channel API, to a reseller who signs by RFC 9421."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.supplier.cards import is_card
from sandbox.supplier.faults import Fault, FaultKind, Faults, FaultStep
from sandbox.supplier.misbehaving import AFTER, BEFORE, misbehave
from sandbox.supplier.store import SoldOrder
from sandbox.supplier.supplier import (
    BALANCE_LOW,
    DUPLICATE,
    ORDER_UNKNOWN,
    PRICE_TOO_HIGH,
    PRODUCT_UNKNOWN,
    SOLD_OUT,
    RefusedError,
    Supplier,
    WantedOrder,
)

_PROBLEMS = {
    BALANCE_LOW: (402, "account.insufficient"),
    PRICE_TOO_HIGH: (409, "price.above_max"),
    SOLD_OUT: (409, "stock.insufficient"),
    PRODUCT_UNKNOWN: (404, "sku.unknown"),
    ORDER_UNKNOWN: (404, "order.not_found"),
}
_STATUS = {"processing": "fulfilling", "succeeded": "completed", "failed": "refunded"}
_COVERED = ("@method", "@path", "@query")

Act = Callable[[Request, bytes, Fault | None], Mapping[str, object]]


class KaquanDesk:
    """Answers `/v1/channel/*`. Of an order said twice it tells how it stands, as the real one does."""

    def __init__(self, supplier: Supplier, faults: Faults, secret: str) -> None:
        self._supplier = supplier
        self._faults = faults
        self._verifier = HTTPMessageVerifier(
            signature_algorithm=algorithms.HMAC_SHA256, key_resolver=_OneKey(base64.b64decode(secret))
        )

    def routes(self) -> list[Route]:
        """Where it listens."""
        return [
            Route("/v1/channel/orders", self._at(self._place, FaultStep.PLACE, 201), methods=["POST"]),
            Route("/v1/channel/orders/{external_id}", self._at(self._query, FaultStep.QUERY), methods=["GET"]),
            Route("/v1/channel/products", self._at(self._list), methods=["GET"]),
            Route("/v1/channel/account", self._at(self._account), methods=["GET"]),
        ]

    def _at(
        self, act: Act, step: FaultStep | None = None, status: int = 200
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            body = await request.body()
            if not self._signed(request, body):
                return _problem(401, "auth.invalid")
            fault = self._faults.strike(step) if step is not None else None
            if fault is not None and fault.kind in BEFORE:
                return await misbehave(fault)
            if fault is not None and fault.kind is FaultKind.SLOW:
                await asyncio.sleep(fault.delay_s)
            return await _garbled(_done(act, request, body, fault, status), fault)

        return answer

    def _signed(self, request: Request, body: bytes) -> bool:
        message = _Message(request.method, str(request.url), dict(request.headers))
        required = (*_COVERED, "content-digest") if body else _COVERED
        try:
            self._verifier.verify(message, max_age=timedelta(minutes=5), require_components=required, body=body)
        except (HTTPMessageSignaturesException, ValueError, KeyError):
            return False
        return True

    def _place(self, _: Request, body: bytes, fault: Fault | None) -> Mapping[str, object]:
        asked = json.loads(body)
        (line,) = asked["lines"]
        wanted = WantedOrder(
            out_order_no=str(asked["external_id"]),
            product_code=str(line["sku_id"]),
            quantity=int(line["quantity"]),
            account=str((line.get("buyer_fields") or {}).get("account", "")),
            max_cost_minor=asked.get("max_total_minor"),
        )
        try:
            order = self._supplier.place(wanted, fault.kind if fault else None)
        except RefusedError as error:
            if error.code != DUPLICATE:
                raise
            order = self._supplier.find(wanted.out_order_no)
        says_failed = fault is not None and fault.kind is FaultKind.SAYS_FAILED
        return self._shown(order, "failed" if says_failed else self._supplier.status(order), reveal=False)

    def _query(self, request: Request, _: bytes, __: Fault | None) -> Mapping[str, object]:
        order = self._supplier.find(request.path_params["external_id"])
        reveal = request.query_params.get("reveal") == "true"
        return self._shown(order, self._supplier.status(order), reveal=reveal)

    def _list(self, request: Request, _: bytes, __: Fault | None) -> Mapping[str, object]:
        after, limit = request.query_params.get("cursor", ""), int(request.query_params.get("limit", "200"))
        left = sorted(goods for goods in self._supplier.products() if goods[0] > after)
        items = [
            {"sku_id": code, "price_minor": cost_minor, "stock": self._supplier.stock(code)}
            for code, cost_minor in left[:limit]
        ]
        return {"items": items, "next_cursor": left[limit - 1][0] if len(left) > limit else None}

    def _account(self, _: Request, __: bytes, ___: Fault | None) -> Mapping[str, object]:
        return {"currency": "CNY", "available_minor": self._supplier.balance_minor()}

    def _shown(self, order: SoldOrder, status: str, *, reveal: bool) -> Mapping[str, object]:
        delivered = status == "succeeded"
        component: dict[str, Any] = {"status": "settled" if delivered else "reserving", "quantity": order.quantity}
        if reveal:
            cards = self._supplier.cards(order) if delivered and is_card(order.product_code) else []
            component["codes"] = [{"code": card.code, "password": card.password} for card in cards]
        return {
            "external_id": order.out_order_no,
            "order_id": order.order_no,
            "status": _STATUS[status],
            "currency": "CNY",
            "total_minor": order.cost_minor,
            "lines": [{"sku_id": order.product_code, "quantity": order.quantity, "components": [component]}],
            "refunds": [],
        }


@dataclass(frozen=True)
class _Message:
    method: str
    url: str
    headers: dict[str, str]


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: bytes) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> bytes:
        del key_id  # there is one reseller
        return self._key


def _done(act: Act, request: Request, body: bytes, fault: Fault | None, status: int) -> Response:
    try:
        return JSONResponse(act(request, body, fault), status_code=status)
    except RefusedError as error:
        return _problem(*_PROBLEMS[error.code])
    except (ValueError, KeyError, TypeError):
        return _problem(422, "body.invalid")


async def _garbled(answer: Response, fault: Fault | None) -> Response:
    if fault is not None and fault.kind in AFTER:
        return await misbehave(fault)
    if fault is not None and fault.kind is FaultKind.SAYS_TWICE:
        return Response(bytes(answer.body) * 2, answer.status_code, media_type="application/json")
    return answer


def _problem(status: int, code: str) -> Response:
    return JSONResponse({"code": code, "status": status}, status_code=status, media_type="application/problem+json")
