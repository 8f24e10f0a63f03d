"""A service's answers from outside: problems, validation, limits."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from shared.observability import SINK
from tests.shared.http_shop import BUYER, CANARY, make_app, problem, talking_to


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with talking_to(make_app()) as client:
        yield client


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
