"""A service's application from outside: problems, identity, limits, health, metrics, lines."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import pytest
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
from shared.observability import SINK

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


@pytest.fixture
def app() -> FastAPI:
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


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://order") as client:
        yield client


def as_caller(role: Role, subject: str | None = None, scopes: tuple[str, ...] = ()) -> dict[str, str]:
    identity = Identity(role, subject or str(uuid4()), ip="203.0.113.7", scopes=frozenset(scopes))
    return {IDENTITY_HEADER: IdentitySigner(KEY, "gateway").sign(identity)}


BUYER: dict[str, str] = {}


@pytest.fixture(autouse=True)
def fresh_identity() -> None:
    """An identity lives a minute, a test run longer."""
    BUYER.update(as_caller(Role.BUYER))


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:kaquan:problem:{code}"
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


async def test_a_request_is_answered_with_its_own_id(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/orders/{UUID(int=1)}", headers=BUYER | {"x-request-id": "req-12345678"})
    assert answer.json() == {"order_id": str(UUID(int=1)), "role": "buyer", "limit": 50}
    assert answer.headers["x-request-id"] == "req-12345678"


@pytest.mark.parametrize("request_id", ["short", "with spaces in it", "x" * 65, 'quote"quote"'])
async def test_an_id_that_is_none_is_replaced(client: httpx.AsyncClient, request_id: str) -> None:
    answer = await client.get("/healthz", headers={"x-request-id": request_id})
    assert answer.headers["x-request-id"] != request_id
    assert len(answer.headers["x-request-id"]) == 32


async def test_anticipated_errors_answer_by_the_table(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/v1/refusals/stock", headers=BUYER), 409, "stock.insufficient")
    assert body["detail"] == "only 2 are left"
    assert body["sku_id"] == str(UUID(int=7))
    assert body["available"] == 2


async def test_problems_raised_at_the_edge_answer_as_they_are(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/v1/refusals/problem", headers=BUYER), 409, "order.paid")
    assert body["title"] == "Already paid"
    assert body["order_id"] == str(UUID(int=7))


async def test_what_nobody_anticipated_is_a_500_without_details(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    body = problem(await client.get("/v1/refusals/other", headers=BUYER), 500, "internal")
    assert set(body) == {"type", "title", "status", "code", "request_id"}
    SINK.flush()
    assert "http.failed" in capsys.readouterr().out


async def test_unknown_paths_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    problem(await client.get("/v1/nothing", headers=BUYER), 404, "path.unknown")
    answer = await client.delete("/v1/orders", headers=BUYER)
    problem(answer, 405, "method.not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"lines": []}, "/lines", "too_short"),
        ({"lines": [{"sku_id": str(UUID(int=1)), "quantity": 0}]}, "/lines/0/quantity", "greater_than_equal"),
        ({"lines": [{"sku_id": CANARY, "quantity": 1}]}, "/lines/0/sku_id", "uuid_parsing"),
        ({"lines": [{"sku_id": str(UUID(int=1)), "quantity": CANARY}]}, "/lines/0/quantity", "int_parsing"),
        ({"lines": CANARY}, "/lines", "list_type"),
        ({}, "/lines", "missing"),
        ([CANARY], "", "model_attributes_type"),
    ],
)
async def test_a_body_that_is_not_valid_is_told_by_pointer_without_its_values(
    client: httpx.AsyncClient, body: object, pointer: str, code: str
) -> None:
    told = problem(await client.post("/v1/orders", json=body, headers=BUYER), 422, "body.invalid")
    (error,) = told["errors"]
    assert (error["in"], error["pointer"], error["code"]) == ("body", pointer, code)
    assert CANARY not in json.dumps(told)


async def test_a_body_that_is_no_json_is_told_so_without_it(client: httpx.AsyncClient) -> None:
    headers = BUYER | {"content-type": "application/json"}
    told = problem(await client.post("/v1/orders", content=f'{{"a": {CANARY}', headers=headers), 422, "body.invalid")
    assert told["errors"][0]["pointer"] == ""
    assert CANARY not in json.dumps(told)


async def test_wrong_parameters_are_told_apart_from_wrong_bodies(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/orders/{CANARY}?limit=9999", headers=BUYER)
    told = problem(answer, 422, "parameter.invalid")
    assert {(each["in"], each["pointer"]) for each in told["errors"]} == {("path", "/order_id"), ("query", "/limit")}
    assert CANARY not in answer.text
    assert "9999" not in answer.text


async def test_only_so_many_wrong_fields_are_told(client: httpx.AsyncClient) -> None:
    body = {"lines": [{"sku_id": "x", "quantity": 0}] * 50}
    told = problem(await client.post("/v1/orders", json=body, headers=BUYER), 422, "body.invalid")
    assert len(told["errors"]) <= 20


async def test_a_body_too_large_is_refused_by_its_declared_length(client: httpx.AsyncClient) -> None:
    problem(await client.post("/v1/orders", json={"note": "x" * 70_000}, headers=BUYER), 413, "body.too_large")


async def test_a_body_too_large_is_refused_in_chunks_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b'"' + b"x" * 10_000

    headers = BUYER | {"content-type": "application/json"}
    problem(await client.post("/v1/orders", content=chunks(), headers=headers), 413, "body.too_large")


async def test_a_path_may_take_more(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/batches/sku/lines", json={"a": "x" * 150_000}, headers=BUYER)).json() == 4
    problem(await client.post("/v1/batches/sku/lines", json={"a": "x" * 250_000}, headers=BUYER), 413, "body.too_large")


@pytest.mark.parametrize("path", ["/v1/orders/1", "/internal/holds", "/v1/nothing", "/docs/x"])
async def test_nothing_is_answered_to_strangers(client: httpx.AsyncClient, path: str) -> None:
    problem(await client.get(path), 401, "auth.missing")


async def test_a_forged_or_expired_identity_is_refused(client: httpx.AsyncClient) -> None:
    forged = IdentitySigner(b"l" * 32, "gateway").sign(Identity(Role.BUYER, str(uuid4())))
    problem(await client.get("/v1/orders/1", headers={IDENTITY_HEADER: forged}), 401, "auth.invalid")
    expired = IdentitySigner(KEY, "gateway", now=lambda: 0.0).sign(Identity(Role.BUYER, str(uuid4())))
    problem(await client.get("/v1/orders/1", headers={IDENTITY_HEADER: expired}), 401, "auth.expired")


@pytest.mark.parametrize("role", [Role.BUYER, Role.GUEST, Role.PARTNER, Role.ANONYMOUS])
async def test_internal_paths_are_for_services_and_operators(client: httpx.AsyncClient, role: Role) -> None:
    problem(await client.post("/internal/holds", headers=as_caller(role)), 403, "auth.forbidden")


async def test_services_and_operators_reach_internal_paths(client: httpx.AsyncClient) -> None:
    assert (await client.post("/internal/holds", headers=as_caller(Role.SERVICE, "order"))).json() == "order"
    assert (await client.post("/internal/holds", headers=as_caller(Role.OPERATOR))).status_code == 200


async def test_the_wrong_role_is_forbidden_and_nobody_is_asked_to_sign_in(client: httpx.AsyncClient) -> None:
    problem(await client.post("/v1/orders", json={}, headers=as_caller(Role.PARTNER)), 403, "auth.forbidden")
    answer = await client.post("/v1/orders", json={}, headers=as_caller(Role.ANONYMOUS))
    problem(answer, 401, "auth.invalid")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_operators_need_the_scope(client: httpx.AsyncClient) -> None:
    problem(
        await client.get("/v1/ops/ledger", headers=as_caller(Role.OPERATOR, scopes=("risk",))), 403, "auth.forbidden"
    )
    for scope in ("finance", "admin"):
        answer = await client.get("/v1/ops/ledger", headers=as_caller(Role.OPERATOR, scopes=(scope,)))
        assert answer.status_code == 200


async def test_cursors_go_there_and_back_and_strange_ones_are_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/list", params={"cursor": encode_cursor("ä/?", 12)}, headers=BUYER)
    assert answer.json() == {"items": ["ä/?", "12"], "next_cursor": encode_cursor("b", 2)}
    for cursor in ("", "!!!", "bm9uZQ", encode_cursor("one"), encode_cursor(1, 2, 3)):
        problem(await client.get("/v1/list", params={"cursor": cursor}, headers=BUYER), 422, "cursor.invalid")


async def test_health_is_told_without_an_identity(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    assert (await client.get("/readyz")).json() == {"status": "ready"}
    READY["yes"] = False
    problem(await client.get("/readyz"), 503, "service.not_ready")
    assert (await client.get("/healthz")).status_code == 200


async def test_metrics_are_labelled_by_route_never_by_path(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/v1/orders/{UUID(int=number)}", headers=BUYER)
        await client.get(f"/v1/unheard-of-{number}", headers=BUYER)
        await client.request(f"BREW{number}", "/v1/orders", headers=BUYER)
    text = (await client.get("/metrics")).text
    assert 'kaquan_http_requests_total{method="GET",route="/v1/orders/{order_id}",status="200"}' in text
    assert "unheard-of" not in text
    assert 'route="unmatched"' in text
    assert "BREW" not in text
    assert str(UUID(int=1)) not in text


async def test_every_answer_leaves_one_line(client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]) -> None:
    SINK.flush()
    capsys.readouterr()
    await client.get(f"/v1/orders/{UUID(int=5)}?code={CANARY}", headers=BUYER | {"x-request-id": "req-12345678"})
    await client.get("/healthz")
    SINK.flush()
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert line["event"] == "http.served"
    assert line["route"] == "/v1/orders/{order_id}"
    assert line["status"] == 200
    assert line["request_id"] == "req-12345678"
    assert line["role"] == "buyer"
    assert CANARY not in json.dumps(line)


async def test_the_document_names_problems_and_has_no_duplicate_operations(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all("application/problem+json" in operation["responses"]["default"]["content"] for operation in operations)
    assert "/healthz" not in document["paths"]


async def test_what_runs_beside_is_started_watched_and_stopped(app: FastAPI) -> None:
    events: list[str] = []

    async def steady(stop: asyncio.Event) -> None:
        events.append("started")
        await stop.wait()
        events.append("stopped")

    async def close() -> None:
        events.append("closed")

    app = create_app(
        service="order",
        title="Orders",
        identity_key=KEY,
        problems={},
        ready=ready,
        background=[steady],
        on_stop=[close],
    )
    async with app.router.lifespan_context(app):
        await asyncio.sleep(0.01)
        assert events == ["started"]
    assert events == ["started", "stopped", "closed"]
