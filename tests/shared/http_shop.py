"""A little service made by the application factory, for tests of everything around its endpoints."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
from fastapi import APIRouter, Depends, FastAPI
from pydantic import BaseModel, Field

from shared.http import (
    BuyerCaller,
    Caller,
    Identity,
    IdentitySigner,
    Page,
    PageSize,
    Problem,
    ProblemSpec,
    Role,
    create_app,
    decode_cursor,
    encode_cursor,
    require,
)
from shared.http.identity import IDENTITY_HEADER

KEY = b"k" * 32
CANARY = "CANARY-7F3K-91XZ"


class StockInsufficientError(Exception):
    def __init__(self, sku_id: UUID) -> None:
        super().__init__("only 2 are left")
        self.extra = {"sku_id": sku_id, "available": 2}


class Line(BaseModel):
    sku_id: UUID
    quantity: Annotated[int, Field(ge=1, le=100)]


class Order(BaseModel):
    lines: Annotated[list[Line], Field(min_length=1, max_length=3)]
    note: str = ""


routes = APIRouter()


@routes.post("/v1/orders", status_code=201)
async def make_order(order: Order, caller: BuyerCaller) -> Order:
    assert caller.member_id
    return order


@routes.get("/v1/orders/{order_id}")
async def read_order(order_id: UUID, caller: Caller, limit: PageSize = 50) -> dict[str, object]:
    return {"order_id": order_id, "role": caller.role, "limit": limit}


@routes.get("/v1/refusals/{kind}")
async def refuse(kind: str) -> None:
    if kind == "stock":
        raise StockInsufficientError(UUID(int=7))
    if kind == "problem":
        raise Problem(409, "order.paid", "Already paid", "it was paid before", order_id=UUID(int=7))
    raise RuntimeError(CANARY)


@routes.get("/v1/ops/ledger")
async def ledger(caller: Annotated[Identity, Depends(require(Role.OPERATOR, scope="finance"))]) -> str:
    return caller.subject


@routes.get("/v1/list")
async def listing(cursor: str) -> Page[str]:
    name, number = decode_cursor(cursor, parts=2)
    return Page(items=[str(name), str(number)], next_cursor=encode_cursor("b", 2))


@routes.post("/internal/holds")
async def hold(caller: Caller) -> str:
    return caller.subject


@routes.post("/v1/batches/{sku_id}/lines")
async def upload(sku_id: str, body: dict[str, str]) -> int:
    return len(body) + len(sku_id)


async def ready() -> None:
    if not READY["yes"]:
        raise ConnectionError("the database is down")


READY = {"yes": True}
BUYER: dict[str, str] = {}


def make_app() -> FastAPI:
    """The service, ready for work."""
    READY["yes"] = True
    return create_app(
        service="order",
        title="Orders",
        identity_key=KEY,
        problems={StockInsufficientError: ProblemSpec(409, "stock.insufficient", "Not enough in stock")},
        ready=ready,
        routers=[routes],
        body_limits={"/v1/batches/{sku_id}/lines": 200_000},
    )


@asynccontextmanager
async def talking_to(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client, and a fresh identity in `BUYER`: an identity lives a minute, a test run longer."""
    BUYER.update(as_caller(Role.BUYER))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://order") as client:
        yield client


def as_caller(role: Role, subject: str | None = None, scopes: tuple[str, ...] = ()) -> dict[str, str]:
    identity = Identity(role, subject or str(uuid4()), ip="203.0.113.7", scopes=frozenset(scopes))
    return {IDENTITY_HEADER: IdentitySigner(KEY, "gateway").sign(identity)}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:kaquan:problem:{code}"
    assert body["request_id"] == answer.headers["x-request-id"]
    return body
