"""A supplier of a stranger's make: forms, words of its own, MD5 over sorted fields."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

WIRE: dict[str, Any] = {
    "kind": "template",
    "encoding": "form",
    "place": {
        "path": "/order/submit",
        "fields": {
            "userid": "{merchant_id}",
            "orderid": "{out_order_no}",
            "goods": "{supplier_sku}",
            "num": "{quantity}",
            "target": "{account}",
            "safe_cost": "{cost_major_max}",
            "channel": "api",
        },
    },
    "query": {"path": "/order/query", "fields": {"userid": "{merchant_id}", "orderid": "{out_order_no}"}},
    "signature": {"recipe": "sorted_md5", "field": "sign", "upper": True},
    "answer": {
        "code": "code",
        "ok": ["1"],
        "refused": ["301"],
        "not_found": ["404"],
        "duplicate": ["305"],
        "status": "data.state",
        "processing": ["100", "101"],
        "succeeded": ["200"],
        "failed": ["500"],
        "order_no": "data.trade_no",
        "cost": "data.money",
        "cost_unit": "major",
    },
}


@dataclass
class Stranger:
    """Delivers when it is asked about an order; `garbles` answers by something else for so many times."""

    secret: str
    garbles: list[Response] = field(default_factory=list)
    orders: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/order/submit", self.submit, methods=["POST"]),
                Route("/order/query", self.query, methods=["POST"]),
            ]
        )

    async def submit(self, request: Request) -> Response:
        asked = await self._signed(request)
        if asked is None:
            return JSONResponse({"code": 999, "msg": "sign error"})
        if asked["orderid"] in self.orders:
            return JSONResponse({"code": 305})
        self.orders[asked["orderid"]] = asked
        return self.garbles.pop() if self.garbles else _state(asked, 101)

    async def query(self, request: Request) -> Response:
        asked = await self._signed(request)
        if asked is None or asked["orderid"] not in self.orders:
            return JSONResponse({"code": 404 if asked else 999})
        return _state(self.orders[asked["orderid"]], 200)

    async def _signed(self, request: Request) -> dict[str, str] | None:
        async with request.form() as form:
            asked = {name: str(value) for name, value in form.items()}
        given = asked.pop("sign", "")
        told = "&".join(f"{name}={value}" for name, value in sorted(asked.items()) if value)
        expected = hashlib.md5(f"{told}&key={self.secret}".encode(), usedforsecurity=False).hexdigest().upper()
        return asked if given == expected else None


def _state(order: dict[str, str], state: int) -> Response:
    data = {"state": state, "trade_no": f"T-{order['orderid'][-6:]}", "money": "9.50"}
    return JSONResponse({"code": 1, "data": data})


GARBLED = {
    "no_json": PlainTextResponse("系统繁忙"),
    "unknown_code": JSONResponse({"code": 77}),
    "unknown_state": JSONResponse({"code": 1, "data": {"state": 7, "money": "9.50"}}),
    "no_amount": JSONResponse({"code": 1, "data": {"state": 200, "money": "lots"}}),
    "server_error": JSONResponse({"code": 301}, status_code=503),
    "a_list": JSONResponse([1, 2]),
}
