"""What stands in front of a service: identity, roles, health, metrics, lines, and what runs beside."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from shared.http import Identity, IdentitySigner, Role, create_app, encode_cursor
from shared.http.identity import IDENTITY_HEADER
from shared.observability import SINK
from tests.shared.http_shop import BUYER, CANARY, KEY, READY, as_caller, make_app, problem, ready, talking_to


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with talking_to(make_app()) as client:
        yield client


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


async def test_what_runs_beside_is_started_watched_and_stopped() -> None:
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
