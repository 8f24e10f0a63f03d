"""What the gateway answers itself: health, documents, dashboard, dead letters."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, Field

from shared.http import BuyerCaller, ChannelCaller, OperatorCaller, Problem, Role, ServiceCaller, create_app
from shared.settings import read_key
from tests.gateway.house import EchoService, House, open_house
from tests.shared.http_servers import serving

MESSAGING = {"outbox_pending": 2, "outbox_oldest_s": 1.5, "lag": {"order": 3, "card": 4}, "parked": 1, "waiting": 5}


OTHERS = {
    "/internal/messaging": MESSAGING,
    "/internal/figures": {"cards": {"free": 7}, "low_stock": [], "expiring_cards": 2},
    "/internal/dead-letters": {"items": [], "next_cursor": None},
    "/readyz": {"status": "ready"},
}


class Line(BaseModel):
    sku_id: UUID
    quantity: Annotated[int, Field(ge=1)]


class Order(BaseModel):
    lines: list[Line]


class Operators(BaseModel):
    who: str


routes = APIRouter()


@routes.post("/v1/orders", status_code=201)
async def make_order(order: Order, caller: BuyerCaller) -> Order:
    assert caller.member_id
    return order


@routes.post("/v1/channel/orders")
async def make_channel_order(order: Order, caller: ChannelCaller) -> Order:
    assert caller.channel_id
    return order


@routes.get("/v1/ops/orders")
async def all_orders(caller: OperatorCaller) -> Operators:
    return Operators(who=caller.subject)


@routes.get("/internal/figures")
async def figures(_: ServiceCaller) -> dict[str, Any]:
    return {"orders_by_state": {"paid": 3}, "paid_to_issued": {"p99_s": 0.4}}


@routes.get("/internal/messaging")
async def messaging(_: ServiceCaller) -> dict[str, Any]:
    return MESSAGING


@routes.get("/internal/dead-letters")
async def dead_letters(_: ServiceCaller, state: str, limit: int, cursor: int = 99) -> dict[str, Any]:
    return {"items": [{"id": cursor - 1, "state": state, "limit": limit}], "next_cursor": cursor - 1}


@routes.post("/internal/dead-letters/{record_id}/replay")
async def replay(record_id: int, caller: ServiceCaller) -> dict[str, Any]:
    if record_id == 404:
        raise Problem(404, "dead_letter.not_found", "There is no such parked record", "none has this id")
    return {"id": record_id, "by": caller.role}


async def ready() -> None:
    """Always."""


def order_service(keys: Path) -> FastAPI:
    """A service made by the same factory as the real ones."""
    key = read_key(keys, "internal.key")
    return create_app(service="order", title="Orders", identity_key=key, problems={}, ready=ready, routers=[routes])


@asynccontextmanager
async def house_with_order(keys: Path, **settings: Any) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(order_service(keys)))
        echo = await stack.enter_async_context(serving(EchoService(answers=dict(OTHERS))))
        others = {f"{name}_url": echo for name in ("inventory", "membership", "points", "settlement", "risk")}
        yield await stack.enter_async_context(open_house(keys, order_url=url, **(others | settings)))


async def test_health_is_the_gateways_own_and_readiness_everybodys(keys_directory: Path) -> None:
    async with house_with_order(keys_directory) as house:
        assert (await house.client.get("/healthz")).json() == {"status": "ok"}
        assert (await house.client.get("/readyz")).json()["services"]["order"] == "ready"
    async with house_with_order(keys_directory, risk_url="http://127.0.0.1:9") as house:
        answer = await house.client.get("/readyz")
        assert (answer.status_code, answer.json()["code"]) == (503, "service.not_ready")
        assert answer.json()["services"] == dict.fromkeys(answer.json()["services"], "ready") | {"risk": "not ready"}
        assert (await house.client.get("/healthz")).status_code == 200


async def test_metrics_are_for_scrapers_inside(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        text = (await house.client.get("/metrics")).text
        assert "kaquan_http_requests_total" in text
        assert (await house.client.get("/metrics", headers={"x-forwarded-for": "203.0.113.7"})).status_code == 404
        assert (await house.client.get("/metrics", headers={"x-forwarded-for": "10.0.0.7"})).status_code == 404


async def test_metrics_are_labelled_by_pattern(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        for path in ("/v1/products/p-unheard-of", "/v1/unheard-of"):
            await house.client.get(path)
        text = (await house.client.get("/metrics")).text
        assert 'route="/v1/products/**"' in text
        assert 'route="unmatched"' in text
        assert "unheard-of" not in text


async def test_the_dashboard_gathers_what_every_service_says(keys_directory: Path) -> None:
    async with house_with_order(keys_directory) as house:
        shown = (await house.client.get("/v1/ops/dashboard", headers=house.operator("support"))).json()
        assert shown["orders_by_state"] == {"paid": 3}
        assert shown["paid_to_issued"] == {"p99_s": 0.4}
        assert shown["stock"] == {"cards": {"free": 7}, "low_stock": [], "expiring_cards": 2}
        assert shown["unavailable"] == []
        assert shown["messaging"] == {
            "outbox_pending": 12, "outbox_oldest_s": 1.5, "consumer_lag": 42, "dead_letters": 6, "waiting_behind": 30
        }  # fmt: skip
        assert set(shown["services"]) == {"order", "inventory", "membership", "points", "settlement", "risk"}


async def test_a_service_that_does_not_answer_is_shown_as_such(keys_directory: Path) -> None:
    async with house_with_order(keys_directory, risk_url="http://127.0.0.1:9") as house:
        shown = (await house.client.get("/v1/ops/dashboard", headers=house.operator("admin"))).json()
        assert shown["unavailable"] == ["risk"]
        assert shown["services"]["risk"]["status"] == "unavailable"
        assert shown["services"]["risk"]["figures"] is None
        assert shown["messaging"]["dead_letters"] == 5
        assert shown["orders_by_state"] == {"paid": 3}


async def test_the_dashboard_is_for_operators(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        assert (await house.client.get("/v1/ops/dashboard")).status_code == 401
        assert (await house.client.get("/v1/ops/dashboard", headers=house.buyer())).status_code == 403
        assert (await house.client.get("/v1/ops/dead-letters", headers=house.operator("risk"))).status_code == 403


async def test_dead_letters_of_all_services_are_one_list(keys_directory: Path) -> None:
    async with house_with_order(keys_directory, risk_url="http://127.0.0.1:9") as house:
        headers = house.operator("support")
        shown = (await house.client.get("/v1/ops/dead-letters?limit=7", headers=headers)).json()
        assert shown["items"] == [{"service": "order", "id": 98, "state": "parked", "limit": 7}]
        assert shown["next_cursor"] is None
        assert shown["unavailable"] == ["risk"]


async def test_dead_letters_of_one_service_are_paged(keys_directory: Path) -> None:
    async with house_with_order(keys_directory) as house:
        headers = house.operator("support")
        query = "service=order&state=waiting&cursor=50"
        one = (await house.client.get(f"/v1/ops/dead-letters?{query}", headers=headers)).json()
        assert one["items"] == [{"service": "order", "id": 49, "state": "waiting", "limit": 50}]
        assert one["next_cursor"] == "49"
        assert (await house.client.get("/v1/ops/dead-letters?cursor=50", headers=headers)).status_code == 422
        assert (await house.client.get("/v1/ops/dead-letters?service=kitchen", headers=headers)).status_code == 404


async def test_an_operator_decides_about_a_record_in_the_own_name(keys_directory: Path) -> None:
    async with house_with_order(keys_directory) as house:
        headers = house.operator("support")
        answer = await house.client.post("/v1/ops/dead-letters/order/5/replay", headers=headers)
        assert answer.json() == {"id": 5, "by": Role.OPERATOR}
        answer = await house.client.post("/v1/ops/dead-letters/order/404/replay", headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
            404,
            "dead_letter.not_found",
            "none has this id",
        )
        assert (await house.client.post("/v1/ops/dead-letters/kitchen/5/skip", headers=headers)).status_code == 404
        assert (await house.client.post("/v1/ops/dead-letters/order/abc/skip", headers=headers)).status_code == 422


async def test_each_audience_has_its_document(keys_directory: Path) -> None:
    async with house_with_order(keys_directory) as house:
        buyer = (await house.client.get("/openapi.json")).json()
        operator = (await house.client.get("/openapi.json?audience=operator")).json()
        assert "/v1/orders" in buyer["paths"]
        assert "/v1/orders" not in operator["paths"]
        assert "/v1/ops/orders" in operator["paths"]
        assert "/v1/ops/dashboard" in operator["paths"]
        channel = (await house.client.get("/openapi.json?audience=channel")).json()
        assert channel["paths"].keys() == {"/v1/channel/orders"}
        assert channel["paths"]["/v1/channel/orders"]["post"]["security"] == [{"signature": []}]
        for document in (buyer, operator, channel):
            assert not any(path.startswith("/internal") for path in document["paths"])
            assert "/healthz" not in document["paths"]
        foreign = {name for name in buyer["components"]["schemas"] if not name.startswith("gateway.")}
        assert foreign == {"order.Order", "order.Line"}
        assert "order.Operators" in operator["components"]["schemas"]
        assert buyer["paths"]["/v1/orders"]["post"]["security"] == [{}, {"bearer": []}]
        body = buyer["paths"]["/v1/orders"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert body == {"$ref": "#/components/schemas/order.Order"}
        assert (await house.client.get("/openapi.json?audience=cook")).status_code == 422


async def test_every_reference_of_a_document_leads_somewhere(keys_directory: Path) -> None:
    """Discriminators and schemas written where they are used included: tools read these documents."""
    inline = {
        "$defs": {"Line": {"type": "object"}},
        "items": {"$ref": "#/$defs/Line"},
        "discriminator": {"propertyName": "kind", "mapping": {"order": "#/components/schemas/Order"}},
        "oneOf": [{"$ref": "#/components/schemas/Order"}],
    }
    source = {
        "paths": {"/v1/orders": {"post": {"requestBody": {"content": {"application/json": {"schema": inline}}}}}},
        "components": {"schemas": {"Order": {"type": "object"}}},
    }
    async with (
        serving(EchoService(answers={"/openapi.json": source})) as url,
        open_house(keys_directory, order_url=url) as house,
    ):
        document = (await house.client.get("/openapi.json")).text
        named = set(re.findall(r'"#/([^"]+)"', document))
        assert named >= {"components/schemas/order.Line", "components/schemas/order.Order"}
        schemas = (await house.client.get("/openapi.json")).json()["components"]["schemas"]
        assert {name.removeprefix("components/schemas/") for name in named} <= schemas.keys()


async def test_a_service_that_is_down_is_missing_from_the_document_and_named(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        document = (await house.client.get("/openapi.json?audience=operator")).json()
        assert document["x-unavailable"] == ["order", "inventory", "membership", "points", "settlement", "risk"]
        assert "/v1/ops/dashboard" in document["paths"]


async def test_the_page_loads_nothing_from_elsewhere(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        answer = await house.client.get("/docs")
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "http://" not in answer.text
        assert "https://" not in answer.text


@pytest.mark.parametrize("source", [{}, {"paths": {"/v1/orders": {"summary": "no operation"}}}])
async def test_a_strange_description_does_no_harm(keys_directory: Path, source: dict[str, Any]) -> None:
    async with (
        serving(EchoService(answers={"/openapi.json": source})) as url,
        open_house(keys_directory, order_url=url) as house,
    ):
        document = (await house.client.get("/openapi.json")).json()
        assert all(path.startswith("/v1/session") for path in document["paths"])
