"""The supplier over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.supplier.cards import is_card
from sandbox.supplier.faults import Fault, FaultKind, Faults, FaultStep
from sandbox.supplier.fulu import FuluDesk
from sandbox.supplier.kaquan import KaquanDesk
from sandbox.supplier.misbehaving import AFTER, BEFORE, misbehave
from sandbox.supplier.signing import SIGNATURE_HEADER, SignatureError, Verifier
from sandbox.supplier.store import SoldOrder
from sandbox.supplier.supplier import RefusedError, Supplier, WantedOrder

_STATUS = {2001: 409, 2002: 402, 2003: 409, 2004: 409, 2005: 404, 2404: 404}

Body = TypeVar("Body", bound=BaseModel)


class _PlaceIn(BaseModel):
    model_config = ConfigDict(strict=True)

    out_order_no: str = Field(min_length=1, max_length=64)
    product_code: str = Field(min_length=1, max_length=64)
    quantity: int = Field(ge=1, le=10_000)
    account: str = Field(default="", max_length=200)
    max_cost_minor: int | None = Field(default=None, ge=0)


class _QueryIn(BaseModel):
    model_config = ConfigDict(strict=True)

    out_order_no: str = Field(min_length=1, max_length=64)


class _NothingIn(BaseModel):
    """Nothing is asked but the balance, or the list."""


class _FaultsIn(BaseModel):
    faults: list[Fault]


class _ProductIn(BaseModel):
    product_code: str = Field(min_length=1, max_length=64)
    cost_minor: int = Field(ge=0)
    stock: int | None = Field(default=None, ge=0)


def build_app(supplier: Supplier, *, secret: str) -> Starlette:
    """`/api/v1/*` and `/api/getway` for merchants, signed both ways, `/v1/channel/*` for resellers; `/admin/*` for testers."""
    faults = Faults()
    desk = _Desk(supplier, Verifier(secret), faults)
    fulu = FuluDesk(supplier, faults, secret)
    kaquan = KaquanDesk(supplier, faults, secret)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        supplier.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/api/v1/orders", desk.place, methods=["POST"]),
            Route("/api/v1/orders/query", desk.query, methods=["POST"]),
            Route("/api/v1/balance", desk.balance, methods=["POST"]),
            Route("/api/v1/goods", desk.goods, methods=["POST"]),
            Route("/api/getway", fulu.answer, methods=["POST"]),
            *kaquan.routes(),
            Route("/admin/faults", desk.set_faults, methods=["POST", "DELETE"]),
            Route("/admin/products", desk.set_product, methods=["POST"]),
            Route("/admin/charges", desk.charges, methods=["GET"]),
            Route("/readyz", _ready, methods=["GET"]),
            Route("/healthz", _ready, methods=["GET"]),
        ],
    )


class _Desk:
    def __init__(self, supplier: Supplier, verifier: Verifier, faults: Faults) -> None:
        self._supplier = supplier
        self._verifier = verifier
        self._faults = faults

    async def place(self, request: Request) -> Response:
        """Order something. The same number twice is refused."""

        async def act(body: _PlaceIn, fault: Fault | None) -> Mapping[str, object]:
            order = self._supplier.place(WantedOrder(**body.model_dump()), fault.kind if fault else None)
            status = self._supplier.status(order)
            return self._shown(order, "failed" if fault and fault.kind is FaultKind.SAYS_FAILED else status)

        return await self._answer(request, FaultStep.PLACE, _PlaceIn, act)

    async def query(self, request: Request) -> Response:
        """Ask what became of an order."""

        async def act(body: _QueryIn, _: Fault | None) -> Mapping[str, object]:
            order = self._supplier.find(body.out_order_no)
            return self._shown(order, self._supplier.status(order))

        return await self._answer(request, FaultStep.QUERY, _QueryIn, act)

    async def balance(self, request: Request) -> Response:
        async def act(_: _NothingIn, __: Fault | None) -> Mapping[str, object]:
            return {"balance_minor": self._supplier.balance_minor()}

        return await self._answer(request, None, _NothingIn, act)

    async def goods(self, request: Request) -> Response:
        """What is listed, with cost and stock."""

        async def act(_: _NothingIn, __: Fault | None) -> Mapping[str, object]:
            return {
                "goods": [
                    {"product_code": code, "cost_minor": cost_minor, "stock": self._supplier.stock(code)}
                    for code, cost_minor in self._supplier.products()
                ]
            }

        return await self._answer(request, None, _NothingIn, act)

    async def set_faults(self, request: Request) -> Response:
        """Replace the faults, or end them."""
        asked = _FaultsIn(faults=[])
        if request.method == "POST":
            try:
                asked = _FaultsIn.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse(error.errors(include_input=False, include_context=False), status_code=422)
        self._faults.set(asked.faults)
        return Response(status_code=204)

    async def set_product(self, request: Request) -> Response:
        """List a product, or change its price and stock."""
        try:
            product = _ProductIn.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse(error.errors(include_input=False, include_context=False), status_code=422)
        self._supplier.set_cost(product.product_code, product.cost_minor)
        self._supplier.set_stock(product.product_code, product.stock)
        return Response(status_code=204)

    async def charges(self, _: Request) -> Response:
        """What was delivered and charged so far."""
        return JSONResponse(asdict(self._supplier.charges()))

    def _shown(self, order: SoldOrder, status: str) -> Mapping[str, object]:
        shown = {
            "order_no": order.order_no,
            "out_order_no": order.out_order_no,
            "product_code": order.product_code,
            "quantity": order.quantity,
            "status": status,
            "cost_minor": order.cost_minor,
        }
        if status == "succeeded" and is_card(order.product_code):
            return {**shown, "cards": [asdict(card) for card in self._supplier.cards(order)]}
        return shown

    async def _answer(
        self,
        request: Request,
        step: FaultStep | None,
        kind: type[Body],
        act: Callable[[Body, Fault | None], Awaitable[Mapping[str, object]]],
    ) -> Response:
        raw = await request.body()
        try:
            nonce = self._verifier.verify(request.method, request.url.path, request.headers, raw)
        except SignatureError as error:
            return JSONResponse({"code": 1001, "message": str(error)}, status_code=401)
        fault = self._faults.strike(step) if step is not None else None
        if fault is not None and fault.kind in BEFORE:
            return await misbehave(fault)
        if fault is not None and fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_s)
        try:
            content = {"code": 0, "message": "ok", "data": await act(kind.model_validate_json(raw), fault)}
            status = 200
        except ValidationError:
            content, status = {"code": 1002, "message": "the body is not valid"}, 400
        except RefusedError as error:
            content, status = {"code": error.code, "message": error.message}, _STATUS[error.code]
        return await self._signed(status, content, nonce, fault)

    async def _signed(self, status: int, content: Mapping[str, object], nonce: str, fault: Fault | None) -> Response:
        if fault is not None and fault.kind in AFTER:
            return await misbehave(fault)
        body = orjson.dumps(content)
        if fault is not None and fault.kind is FaultKind.SAYS_TWICE:
            body += body
        signature = self._verifier.sign_answer(status, nonce, body)
        if fault is not None and fault.kind is FaultKind.BAD_SIGNATURE:
            signature = signature[::-1]
        return Response(body, status_code=status, media_type="application/json", headers={SIGNATURE_HEADER: signature})


async def _ready(_: Request) -> Response:
    return JSONResponse({"status": "ready"})
