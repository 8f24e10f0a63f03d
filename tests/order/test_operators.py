"""What operators see and do, and what the clock does without them."""

from datetime import timedelta
from uuid import UUID

import httpx

from services.order.queries.figures import FRESH_FOR
from shared.clock import new_id, utc_now
from shared.contracts import InventoryReserveV1, OrderPaidV1, OrderRefundRequestedV1
from shared.http import Identity, Role
from tests.order.facts import components, issued, refused
from tests.order.shop import Shop, bundle, offer
from tests.order.test_payments import jobs


async def test_orders_are_found_by_number_state_and_time(shop: Shop) -> None:
    sold, member = offer(), new_id()
    await shop.sells(sold)
    paid = await shop.paid_order((sold, 1), member=member)
    for _ in range(3):
        await shop.orders((sold, 1))
    headers = shop.operator_headers()

    async def find(**parameters: str) -> list[str]:
        answer = await shop.http.get("/v1/ops/orders", params=parameters, headers=headers)
        assert answer.status_code == 200, answer.text
        return [item["order_id"] for item in answer.json()["items"]]

    assert await find(order_no=paid["order_no"]) == [paid["order_id"]]
    assert await find(status="paid") == [paid["order_id"]]
    assert await find(member_id=str(member)) == [paid["order_id"]]
    assert len(await find(status="pending_payment")) == 3
    assert len(await find(since=(utc_now() - timedelta(hours=1)).isoformat())) == 4
    assert await find(until=(utc_now() - timedelta(hours=1)).isoformat()) == []
    assert await find(stuck="true") == []
    first = await shop.http.get("/v1/ops/orders", params={"limit": 3}, headers=headers)
    second = await find(limit="3", cursor=first.json()["next_cursor"])
    assert second == [paid["order_id"]]


async def test_a_mistyped_order_number_is_told(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    number = (await shop.orders((sold, 1))).json()["order_no"]
    for mistyped in (number[:-1] + ("0" if number[-1] != "0" else "1"), number[:-1], "no number at all"):
        answer = await shop.http.get("/v1/ops/orders", params={"order_no": mistyped}, headers=shop.operator_headers())
        assert (answer.status_code, answer.json()["code"]) == (400, "order_no.mistyped")


async def test_an_order_is_shown_with_all_that_happened(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    await shop.hear(issued(order, components(order)[0]))
    answer = await shop.http.get(f"/v1/ops/orders/{order['order_id']}", headers=shop.operator_headers())
    detail = answer.json()
    assert detail["contact"] == "g***@example.org"
    assert [payment["outcome"] for payment in detail["payments"]] == ["paid"]
    what = [step["what"] for step in detail["timeline"]]
    assert what[:2] == ["order.created", "payment.begun"]
    assert {"order.paid", "payment.received", "card.issued", "order.fulfilled"} == set(what[2:])
    missing = await shop.http.get(f"/v1/ops/orders/{new_id()}", headers=shop.operator_headers())
    assert missing.status_code == 404


async def test_an_operator_refunds_and_it_is_written_down(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    path = f"/v1/ops/orders/{order['order_id']}"
    silent = await shop.http.post(f"{path}/refunds", json={}, headers=shop.operator_headers())
    assert silent.status_code == 422
    body = {"reason": "the buyer called"}
    assert (await shop.http.post(f"{path}/refunds", json=body, headers=shop.operator_headers())).status_code == 202
    (asked,) = await shop.announced(OrderRefundRequestedV1)
    assert asked.reason == "operator"
    detail = (await shop.http.get(path, headers=shop.operator_headers())).json()
    assert "operator.refund" in {step["what"] for step in detail["timeline"]}


async def test_a_refund_in_review_is_listed_and_dismissed(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    (part,) = components(order)
    await shop.hear(issued(order, part))
    headers = shop.headers(None, order_id=UUID(order["order_id"]))
    asked = await shop.http.post(f"/v1/orders/{order['order_id']}/refunds", json={}, headers=headers)
    refund_id = asked.json()["refund_id"]
    await shop.hear(refused(order, part, refund_id))
    listed = (await shop.http.get("/v1/ops/orders/reviews", headers=shop.operator_headers())).json()
    assert [item["refund_id"] for item in listed["items"]] == [refund_id]
    path = f"/v1/ops/orders/{order['order_id']}/refunds/{refund_id}/dismissals"
    body = {"component_id": part["component_id"], "reason": "redeemed in a shop"}
    answer = await shop.http.post(path, json=body, headers=shop.operator_headers())
    assert (answer.status_code, answer.json()["status"]) == (202, "dismissed")
    seen = await shop.order(order["order_id"], member=None)
    assert (seen["status"], components(seen)[0]["status"]) == ("fulfilled", "issued")
    again = await shop.http.post(
        f"/v1/orders/{order['order_id']}/refunds", json={}, headers={**headers, "Idempotency-Key": "b"}
    )
    assert again.status_code == 202, "a dismissed refund does not bar another one"


async def test_late_orders_are_nudged_listed_and_counted(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    sold = bundle(1, 1)
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    await shop.hear(issued(order, components(order)[0]))
    await jobs(shop, provider_http).nudge_overdue()
    assert len(await shop.announced(InventoryReserveV1)) == 1, "it is not late yet"
    late = jobs(shop, provider_http, later=timedelta(minutes=2))
    await late.nudge_overdue()
    await late.nudge_overdue()
    first, second = await shop.announced(InventoryReserveV1)
    assert [len(each.components) for each in (first, second)] == [2, 1], "only what is still waited for"
    assert len(await shop.announced(OrderPaidV1)) == 2
    found = await shop.http.get("/v1/ops/orders", params={"stuck": "true"}, headers=shop.operator_headers())
    assert [item["order_id"] for item in found.json()["items"]] == [order["order_id"]]
    figures = (await shop.http.get("/internal/figures", headers=shop.operator_headers())).json()
    assert (figures["stuck"], figures["orders_by_state"]) == (1, {"fulfilling": 1})
    answer = await shop.http.post(
        f"/v1/ops/orders/{order['order_id']}/announcements", json={}, headers=shop.operator_headers()
    )
    assert (answer.status_code, answer.json()["events"]) == (202, 2)


async def test_a_late_refund_is_announced_again(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    headers = shop.headers(None, order_id=UUID(order["order_id"]))
    await shop.http.post(f"/v1/orders/{order['order_id']}/refunds", json={}, headers=headers)
    await jobs(shop, provider_http, later=timedelta(minutes=2)).nudge_overdue()
    first, second = await shop.announced(OrderRefundRequestedV1)
    assert first == second


async def test_figures_tell_how_orders_stand(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    await shop.hear(issued(order, components(order)[0]))
    await shop.orders((sold, 1))
    headers = shop.signed(Identity(Role.SERVICE, "gateway"))
    figures = (await shop.http.get("/internal/figures", headers=headers)).json()
    assert figures["orders_by_state"] == {"fulfilled": 1, "pending_payment": 1}
    assert (figures["orders_last_minute"], figures["paid_last_minute"], figures["stuck"]) == (2, 1, 0)
    assert figures["paid_to_issued"]["orders"] == 1
    assert figures["paid_to_issued"]["p99_ms"] >= 0
    assert timedelta(0) < FRESH_FOR


async def test_anomalies_are_listed(shop: Shop) -> None:
    await shop.http.post("/v1/payments/sandbox/notify", content=b"{}", headers=shop.headers(None))
    listed = (await shop.http.get("/v1/ops/orders/anomalies", headers=shop.operator_headers())).json()
    assert [item["code"] for item in listed["items"]] == ["payment.signature_invalid"]


async def test_only_operators_of_orders_may(shop: Shop) -> None:
    for headers, status in (
        (shop.headers(None), 401),
        (shop.headers(new_id()), 403),
        (shop.operator_headers(scope="inventory"), 403),
    ):
        for path in ("", "/reviews", "/anomalies", f"/{new_id()}"):
            assert (await shop.http.get(f"/v1/ops/orders{path}", headers=headers)).status_code == status


async def test_what_is_old_is_forgotten(shop: Shop, provider_http: httpx.AsyncClient) -> None:
    sold = offer()
    await shop.sells(sold)
    await shop.orders((sold, 1), key="old")
    await shop.http.post("/v1/payments/sandbox/notify", content=b"{}", headers=shop.headers(None))
    await jobs(shop, provider_http).prune()
    async with shop.database.read() as uow:
        assert await uow.raw.fetchval("SELECT count(*) FROM checkouts") == 1
    await jobs(shop, provider_http, later=timedelta(days=100)).prune()
    async with shop.database.read() as uow:
        for table in ("checkouts", "payment_anomalies"):
            assert await uow.raw.fetchval(f"SELECT count(*) FROM {table}") == 0
        assert await uow.raw.fetchval("SELECT count(*) FROM outbox") == 1, "what is not published is kept"
