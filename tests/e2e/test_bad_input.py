"""Bad input gets a clear problem and changes nothing: every refusal is followed by a look at the rows."""

import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

import asyncpg
import httpx
import pytest

from dev.client import Access, Api, PartnerApi
from dev.stack.topology import SERVICES
from tests.e2e import shop
from tests.e2e.shop import Goods

pytestmark = pytest.mark.e2e

BUSY = frozenset(
    {"outbox", "outbox_positions", "inbox", "checkouts", "idempotency_keys", "failed_attempts", "payment_anomalies"}
)
"""Tables that note what was asked, not what came of it; risk's service notes every question."""


@pytest.fixture(scope="module")
async def goods(desk: Api, access: Access) -> Goods:
    return await shop.put_on_sale(desk, access)


@pytest.fixture(scope="module")
async def buyer(api: Api) -> Api:
    return await shop.register(api)


@pytest.fixture(scope="module")
async def stranger(api: Api) -> Api:
    return await shop.register(api)


async def refused(
    api: Api, method: str, path: str, body: object, status: int, code: str, **headers: str
) -> dict[str, Any]:
    """Ask, and insist on this problem."""
    asked = {"idempotency-key": str(uuid.uuid4()), **api.headers, **headers}
    answer = await api.http.request(method, path, json=body, headers=asked)
    problem = answer.json()
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert problem["title"]
    assert problem["status"] == status
    return dict(problem)


async def rows(access: Access) -> Mapping[str, int]:
    """How many rows each table of the product has."""
    counts = {}
    for service in SERVICES:
        if service == "risk":
            continue
        connection = await asyncpg.connect(access.stack["postgres"].rpartition("/")[0] + f"/{service}")
        try:
            for record in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
                table = record["tablename"]
                if table not in BUSY:
                    counts[f"{service}.{table}"] = await connection.fetchval(f'SELECT count(*) FROM "{table}"')
        finally:
            await connection.close()
    return counts


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        ([{"sku_id": str(uuid.uuid4()), "quantity": 1}], 404, "sku.unknown"),
        ([{"sku_id": "SKU", "quantity": 0}], 400, "quantity.out_of_range"),
        ([{"sku_id": "SKU", "quantity": 10**9}], 400, "quantity.out_of_range"),
        ([{"sku_id": "SKU", "quantity": -1}], 400, "quantity.out_of_range"),
        ([{"sku_id": "SKU", "quantity": "two"}], 422, "body.invalid"),
        ([], 422, "body.invalid"),
    ],
)
async def test_orders(
    lines: list[dict[str, Any]], status: int, code: str, buyer: Api, goods: Goods, access: Access
) -> None:
    basket = [{**line, "sku_id": goods.sku_id if line["sku_id"] == "SKU" else line["sku_id"]} for line in lines]
    before = await rows(access)
    await refused(buyer, "POST", "/v1/orders", {"lines": basket}, status, code)
    assert await rows(access) == before


async def test_what_belongs_to_somebody_else(buyer: Api, stranger: Api, goods: Goods, access: Access) -> None:
    order = await shop.buy(buyer, goods.sku_id)
    component = order["lines"][0]["components"][0]
    entitlement, path = component["entitlement_ids"][0], f"/v1/orders/{order['order_id']}"
    before = await rows(access)
    await refused(stranger, "GET", path, None, 404, "order.not_found")
    await refused(stranger, "POST", f"{path}/payments", {"provider": "sandbox"}, 404, "order.not_found")
    await refused(stranger, "POST", f"{path}/refunds", {"reason": ""}, 404, "order.not_found")
    reveal = f"/v1/wallet/entitlements/{entitlement}/reveal"
    await refused(stranger, "POST", reveal, {}, 404, "entitlement.not_found")
    await refused(Api(buyer.http), "GET", path, None, 401, "auth.missing")
    assert await rows(access) == before


async def test_tokens(buyer: Api, api: Api, goods: Goods, access: Access) -> None:
    before = await rows(access)
    token = buyer.headers["authorization"].removeprefix("Bearer ")
    head, payload, signature = token.split(".")
    for forged in (f"{head}.{payload}.{signature[:-4]}AAAA", "nonsense", f"{token}x"):
        await refused(api.signed_in(forged), "GET", "/v1/orders", None, 401, "auth.invalid")
    await refused(buyer, "GET", "/v1/ops/dashboard", None, 403, "auth.forbidden")
    await refused(buyer, "POST", "/v1/ops/products", {"name": "x"}, 403, "auth.forbidden")
    await refused(buyer, "GET", "/v1/partner/statements", None, 401, "auth.missing")
    guest = await shop.place(api, goods.sku_id, contact={"email": "a@example.com"})
    other = await shop.place(api, goods.sku_id, contact={"email": "b@example.com"})
    in_the_wrong_hands = api.signed_in(guest["access_token"])
    await refused(in_the_wrong_hands, "GET", f"/v1/orders/{other['order_id']}", None, 404, "order.not_found")
    assert {table for table, count in (await rows(access)).items() if count != before[table]} == {
        "order.orders", "order.order_lines", "order.order_components", "inventory.holds",
    }  # fmt: skip


async def test_the_same_key_with_another_body(buyer: Api, goods: Goods) -> None:
    key = str(uuid.uuid4())
    basket = {"lines": [{"sku_id": goods.sku_id, "quantity": 1}]}
    first = await buyer.post("/v1/orders", basket, key=key)
    again = await buyer.post("/v1/orders", basket, key=key)
    assert again["order_id"] == first["order_id"]
    other = {"lines": [{"sku_id": goods.sku_id, "quantity": 2}]}
    await refused(buyer, "POST", "/v1/orders", other, 422, "idempotency.reused", **{"idempotency-key": key})
    answer = await buyer.http.post("/v1/orders", json=basket, headers=dict(buyer.headers))
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.missing")


async def test_a_notify_that_lies(buyer: Api, goods: Goods, access: Access, api: Api) -> None:
    """The provider's own faults make it sign wrong, or tell another amount."""
    admin = access.sandbox["payment"]
    for fault in ({"bad_signature": True}, {"wrong_amount": True}):
        order = await shop.place(buyer, goods.sku_id)
        payment = await buyer.post(f"/v1/orders/{order['order_id']}/payments", {"provider": "sandbox"})
        answer = await api.http.post(
            f"{admin}/admin/faults", json={"out_trade_no": uuid.UUID(payment["payment_id"]).hex, **fault}
        )
        assert answer.is_success, answer.text
        (await buyer.http.post(payment["pay_url"])).raise_for_status()
        stand = await buyer.get(f"/v1/orders/{order['order_id']}")
        assert stand["status"] == "pending_payment"


async def test_a_notify_from_nobody(api: Api, access: Access) -> None:
    before = await rows(access)
    lie = {"out_trade_no": str(uuid.uuid4()), "amount_minor": "1", "currency": "CNY", "sign": "00"}
    answer = await api.http.post("/v1/payments/sandbox/notify", json=lie)
    assert answer.is_client_error
    assert await rows(access) == before


async def test_imports(desk: Api, goods: Goods, access: Access) -> None:
    path = f"/v1/ops/skus/{goods.sku_id}/batches"
    mark = secrets.token_hex(4).upper()
    before = await rows(access)
    lines = [{"code": f"{mark}A"}, {"code": ""}, {"code": f"{mark}A"}, {"code": goods.codes[0]}]
    problem = await refused(desk, "POST", path, {"codes": lines}, 422, "import.invalid")
    assert [line["line"] for line in problem["lines"]] == [2, 3, 4]
    assert goods.codes[0] not in json.dumps(problem)
    unknown = f"/v1/ops/skus/{uuid.uuid4()}/batches"
    await refused(desk, "POST", unknown, {"codes": [{"code": f"{mark}B"}]}, 404, "sku.unknown")
    assert await rows(access) == before


async def test_a_body_too_large(buyer: Api, goods: Goods) -> None:
    basket = {"lines": [{"sku_id": goods.sku_id, "quantity": 1}], "channel": "x" * 100_000}
    await refused(buyer, "POST", "/v1/orders", basket, 413, "body.too_large")


async def test_redemptions(api: Api, access: Access, buyer: Api, goods: Goods) -> None:
    order = await shop.buy(buyer, goods.sku_id)
    entitlement = order["lines"][0]["components"][0]["entitlement_ids"][0]
    code = (await buyer.post(f"/v1/wallet/entitlements/{entitlement}/reveal", {}, expect=200))["code"]
    brand, rival = (PartnerApi.of(api, credentials) for credentials in access.partners[:2])
    await rival.post("/v1/partner/redemptions", {"code": code}, expect=404)
    await brand.post("/v1/partner/redemptions", {"code": "NOSUCHCODE"}, expect=404)
    await buyer.post(f"/v1/orders/{order['order_id']}/refunds", {"reason": "反悔"}, expect=202)
    await shop.order_in(buyer, order["order_id"], "refunded")
    await brand.post("/v1/partner/redemptions", {"code": code}, expect=409)


async def test_a_signature_that_does_not_fit(api: Api, access: Access) -> None:
    credentials = {**access.partners[0], "secret": access.partners[1]["secret"]}
    answer = await PartnerApi.of(api, credentials).get_raw("/v1/partner/statements")
    assert (answer.status_code, answer.json()["code"]) == (httpx.codes.UNAUTHORIZED, "auth.invalid")
