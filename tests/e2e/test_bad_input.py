"""Bad input gets a clear problem and changes nothing: the rows are counted before and after."""

import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from dev.client import Access, Api, PartnerApi
from tests.e2e import shop
from tests.e2e.shop import Goods
from tests.e2e.stillness import nothing_changes

pytestmark = pytest.mark.e2e


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
    async with nothing_changes(access):
        await refused(buyer, "POST", "/v1/orders", {"lines": basket}, status, code)


async def test_what_belongs_to_somebody_else(buyer: Api, stranger: Api, goods: Goods, access: Access) -> None:
    order = await shop.buy(buyer, goods.sku_id)
    component = order["lines"][0]["components"][0]
    entitlement, path = component["entitlement_ids"][0], f"/v1/orders/{order['order_id']}"
    reveal = f"/v1/wallet/entitlements/{entitlement}/reveal"
    async with nothing_changes(access):
        await refused(stranger, "GET", path, None, 404, "order.not_found")
        await refused(stranger, "POST", f"{path}/payments", {"provider": "sandbox"}, 404, "order.not_found")
        await refused(stranger, "POST", f"{path}/refunds", {"reason": ""}, 404, "order.not_found")
        await refused(stranger, "POST", reveal, {}, 404, "entitlement.not_found")
        await refused(Api(buyer.http), "GET", path, None, 401, "auth.missing")


async def test_tokens(buyer: Api, api: Api, access: Access) -> None:
    token = buyer.headers["authorization"].removeprefix("Bearer ")
    head, payload, signature = token.split(".")
    async with nothing_changes(access):
        for forged in (f"{head}.{payload}.{signature[:-4]}AAAA", "nonsense", f"{token}x"):
            await refused(api.signed_in(forged), "GET", "/v1/orders", None, 401, "auth.invalid")
        await refused(buyer, "GET", "/v1/ops/dashboard", None, 403, "auth.forbidden")
        await refused(buyer, "POST", "/v1/ops/products", {"name": "x"}, 403, "auth.forbidden")
        await refused(buyer, "GET", "/v1/partner/statements", None, 401, "auth.missing")


async def test_a_guests_token_opens_one_order(api: Api, goods: Goods, access: Access) -> None:
    placing = {"order.orders", "order.order_lines", "order.order_components", "inventory.holds"}
    async with nothing_changes(access, but=placing):
        guest = await shop.place(api, goods.sku_id, contact={"email": "a@example.com"})
        other = await shop.place(api, goods.sku_id, contact={"email": "b@example.com"})
    in_the_wrong_hands = api.signed_in(guest["access_token"])
    async with nothing_changes(access):
        await refused(in_the_wrong_hands, "GET", f"/v1/orders/{other['order_id']}", None, 404, "order.not_found")


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


@pytest.mark.parametrize("lie", ["bad_signature", "wrong_amount"])
async def test_a_notify_that_lies(lie: str, buyer: Api, desk: Api, goods: Goods, access: Access) -> None:
    """The provider's own faults make it sign wrong, or tell another amount; once it tells the truth, it is believed."""
    order = await shop.place(buyer, goods.sku_id)
    path = f"/v1/orders/{order['order_id']}"
    payment = await buyer.post(f"{path}/payments", {"provider": "sandbox"})
    number = uuid.UUID(payment["payment_id"]).hex
    await _provider_errs(buyer, access, {"out_trade_no": number, lie: True})
    refused_before = await _refused_notifies(desk)
    (await buyer.http.post(payment["pay_url"])).raise_for_status()
    await shop.eventually(lambda: _refused_notifies(desk), lambda count: count > refused_before)
    assert (await buyer.get(path))["status"] == "pending_payment"
    await _provider_errs(buyer, access, {"out_trade_no": number})
    await shop.order_in(buyer, order["order_id"], "completed")


async def _refused_notifies(desk: Api) -> int:
    return sum(anomaly["seen"] for anomaly in (await desk.get("/v1/ops/orders/anomalies"))["items"])


async def _provider_errs(api: Api, access: Access, faults: Mapping[str, object]) -> None:
    answer = await api.http.post(f"{access.sandbox['payment']}/admin/faults", json=faults)
    assert answer.is_success, answer.text


async def test_a_notify_from_nobody(api: Api, access: Access) -> None:
    lie = {"out_trade_no": str(uuid.uuid4()), "amount_minor": "1", "currency": "CNY", "sign": "00"}
    async with nothing_changes(access):
        answer = await api.http.post("/v1/payments/sandbox/notify", json=lie)
        assert answer.is_client_error


async def test_imports(desk: Api, goods: Goods, access: Access) -> None:
    path = f"/v1/ops/skus/{goods.sku_id}/batches"
    mark = secrets.token_hex(4).upper()
    lines = [{"code": f"{mark}A"}, {"code": ""}, {"code": f"{mark}A"}, {"code": goods.codes[0]}]
    unknown = f"/v1/ops/skus/{uuid.uuid4()}/batches"
    async with nothing_changes(access):
        problem = await refused(desk, "POST", path, {"codes": lines}, 422, "import.invalid")
        await refused(desk, "POST", unknown, {"codes": [{"code": f"{mark}B"}]}, 404, "sku.unknown")
    assert [line["line"] for line in problem["lines"]] == [2, 3, 4]
    assert goods.codes[0] not in json.dumps(problem)


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
