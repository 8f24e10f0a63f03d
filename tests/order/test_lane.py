"""The lean lane answers as the ordinary way does, byte for byte where nothing is random."""

from typing import Any

import httpx
import pytest

from services.order.api import lane
from shared.clock import new_id
from tests.order.shop import Shop, offer

Json = dict[str, Any]


def cases(shop: Shop, sku_id: str, order_id: str) -> list[tuple[str, str, dict[str, str], bytes | None]]:
    """Requests that are unusual in some way, and some that are not but are refused."""
    member, nobody = shop.headers(new_id()), shop.headers(None)
    keyless = {name: value for name, value in member.items() if name != "Idempotency-Key"}
    long_key = {**member, "Idempotency-Key": "k" * 256}
    json = {"content-type": "application/json"}
    order = b'{"lines": [{"sku_id": "%s", "quantity": 0}]}' % sku_id.encode()
    good = order.replace(b": 0", b": 1")
    pay = b'{"provider": "sandbox"}'
    return [
        ("POST", "/v1/orders", member | json, order),
        ("POST", "/v1/orders", member | json, b"{"),
        ("POST", "/v1/orders", member | json, b'{"lines": 5}'),
        ("POST", "/v1/orders", keyless | json, good),
        ("POST", "/v1/orders", long_key | json, good),
        ("POST", "/v1/orders", nobody | json, good),
        ("POST", "/v1/orders", member | json, b"x" * 70_000),
        ("POST", "/v1/orders", shop.operator_headers() | json, good),
        ("PUT", "/v1/orders", member | json, good),
        ("POST", f"/v1/orders/{order_id}/payments", member | json, pay),
        ("POST", f"/v1/orders/{order_id}/payments", nobody | json, pay),
        ("POST", f"/v1/orders/{order_id}/payments", keyless | json, pay),
        ("POST", f"/v1/orders/{order_id}/payments", member | json, b'{"provider": 1}'),
        ("POST", "/v1/orders/nonsense/payments", member | json, pay),
        ("GET", f"/v1/orders/{order_id}", member, None),
        ("GET", f"/v1/orders/{order_id}", nobody, None),
        ("GET", "/v1/orders/nonsense", member, None),
        ("POST", "/v1/payments/sandbox/notify", nobody, b"{}"),
        ("POST", "/v1/payments/nobody/notify", nobody, b"{}"),
    ]


def seen(answer: httpx.Response) -> tuple[int, Json, str]:
    body: Json = answer.json()
    body.pop("request_id", None)
    return answer.status_code, body, answer.headers["content-type"]


async def test_what_is_refused_is_refused_alike(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sold = offer()
    await shop.sells(sold)
    order_id = (await shop.orders((sold, 1), member=new_id())).json()["order_id"]
    requests = cases(shop, str(sold.sku_id), order_id)
    lean = [
        await shop.http.request(method, path, headers=headers, content=body) for method, path, headers, body in requests
    ]
    monkeypatch.setattr(lane, "ROUTES", ())
    ordinary = [
        await shop.http.request(method, path, headers=headers, content=body) for method, path, headers, body in requests
    ]
    assert [seen(answer) for answer in lean] == [seen(answer) for answer in ordinary]
    assert all(answer.status_code >= 400 for answer in lean)


async def test_what_is_taken_is_answered_alike(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sold, member = offer(), new_id()
    await shop.sells(sold)
    placed = await shop.orders((sold, 1), member=member, key="same")
    order_id = placed.json()["order_id"]
    path, headers = f"/v1/orders/{order_id}", shop.headers(member)
    looked = await shop.http.get(path, headers=headers)
    begun = await shop.begins_payment(order_id, member=member, key="same")
    monkeypatch.setattr(lane, "ROUTES", ())
    assert (await shop.orders((sold, 1), member=member, key="same")).content == placed.content
    assert (await shop.http.get(path, headers=headers)).content == looked.content
    again = await shop.begins_payment(order_id, member=member, key="same")
    assert again.json()["payment_id"] == begun.json()["payment_id"]
    told = await shop.notify(shop.receipt(begun.json()["pay_url"]))
    assert (told.status_code, told.content, told.headers["content-type"]) == (
        200,
        b"success",
        "text/plain; charset=utf-8",
    )


async def test_the_lane_is_taken(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the lane never taken, the tests above would compare the ordinary way with itself."""
    taken: list[str] = []

    async def take(call: lane.LeanCall) -> Any:
        taken.append(call.parameter)
        raise lane.NotLeanError

    routes = [lane._LeanRoute(each.method, each.path, each.pattern, take) for each in lane.ROUTES]
    monkeypatch.setattr(lane, "ROUTES", routes)
    sold, member = offer(), new_id()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    assert order["status"] == "paid"
    assert taken == ["", order["order_id"], "sandbox", order["order_id"]]
