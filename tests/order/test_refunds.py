"""Money goes back: only after goods, points and shares, never more than came in, never twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from sandbox.payment.provider import Provider
from services.order.domain.payments import Payment, PaymentStatus
from services.order.domain.refunds import RefundReason, RefundStatus
from services.order.repository.refunds import add_refunds
from services.order.usecases.refunds import refund_of_payment
from shared.clock import new_id, utc_now
from shared.contracts import OrderCompletedV1, OrderFulfilledV1, OrderRefundedV1, OrderRefundRequestedV1
from tests.order.facts import components, issued, refused, rejected, reversed_, revoked, split, statuses
from tests.order.shop import Shop, bundle, offer
from tests.order.test_payments import jobs

Json = dict[str, Any]


class Buyer:
    """A member with a paid order of which the provider knows."""

    def __init__(self, shop: Shop, provider: Provider) -> None:
        self.shop = shop
        self.provider = provider
        self.member = new_id()
        self.order_id = ""

    async def buys(self, *lines: tuple[Any, int], deliver: bool = True) -> Json:
        await self.shop.sells(*(sold for sold, _ in lines))
        placed = await self.shop.orders(*lines, member=self.member)
        self.order_id = placed.json()["order_id"]
        if placed.json()["status"] == "pending_payment":
            begun = await self.shop.begins_payment(self.order_id, member=self.member)
            link = begun.json()["pay_url"]
            self.provider.pay(self.provider.read_link(dict(httpx.URL(link).params)))
            await self.shop.notify(self.shop.receipt(link))
        order = await self.sees()
        if deliver:
            await self.shop.hear(*[issued(order, part) for part in components(order)])
            await self.shop.hear(*[split(order, part) for part in components(order)])
        return await self.sees()

    async def sees(self) -> Json:
        return await self.shop.order(self.order_id, member=self.member)

    async def asks(self, lines: "list[Json] | None" = None, *, key: str | None = None, **more: Any) -> httpx.Response:
        body = {"reason": "changed my mind", **({} if lines is None else {"lines": lines}), **more}
        headers = self.shop.headers(self.member, key=key)
        return await self.shop.http.post(f"/v1/orders/{self.order_id}/refunds", json=body, headers=headers)


@pytest.fixture
def buyer(shop: Shop, provider: Provider) -> Buyer:
    return Buyer(shop, provider)


async def test_a_whole_order_goes_back_after_goods_points_and_shares(
    shop: Shop, buyer: Buyer, provider_http: httpx.AsyncClient
) -> None:
    order = await buyer.buys((bundle(1, 1), 1))
    asked = await buyer.asks()
    assert (asked.status_code, asked.json()["amount_minor"]) == (202, 1000)
    refund_id = asked.json()["refund_id"]
    assert ((await buyer.sees())["status"], statuses(await buyer.sees())) == ("refunding", ["revoking"] * 2)
    send = jobs(shop, provider_http).send_refunds
    await send()
    for part in components(order):
        await shop.hear(revoked(order, part, refund_id))
    await send()
    assert await shop.announced(OrderRefundedV1) == [], "the shares are not back yet"
    await shop.hear(*[reversed_(order, part, refund_id) for part in components(order)])
    await send()
    seen = await buyer.sees()
    assert (seen["status"], statuses(seen)) == ("refunded", ["refunded"] * 2)
    assert [(each["status"], each["amount_minor"]) for each in seen["refunds"]] == [("refunded", 1000)]
    (event,) = await shop.announced(OrderRefundedV1)
    assert (event.amount_minor, event.whole, event.provider, len(event.components)) == (1000, True, "sandbox", 2)
    await send()
    assert len(await shop.announced(OrderRefundedV1)) == 1


async def test_one_component_goes_back_and_the_rest_stays(
    shop: Shop, buyer: Buyer, provider_http: httpx.AsyncClient
) -> None:
    order = await buyer.buys((bundle(1, 1), 1), (offer(), 2))
    line = order["lines"][0]
    part = line["components"][1]
    asked = await buyer.asks([{"line_id": line["line_id"], "components": [part["component_id"]]}])
    refund_id = asked.json()["refund_id"]
    await shop.hear(reversed_(order, part, refund_id))
    await shop.hear(revoked(order, part, refund_id))
    await jobs(shop, provider_http).send_refunds()
    seen = await buyer.sees()
    assert (seen["status"], statuses(seen)) == ("completed", ["settled", "refunded", "settled"])
    (event,) = await shop.announced(OrderRefundedV1)
    assert (event.amount_minor, event.whole) == (500, False)
    assert len(await shop.announced(OrderFulfilledV1)) == len(await shop.announced(OrderCompletedV1)) == 1
    rest = await buyer.asks([{"line_id": line["line_id"]}])
    assert (rest.status_code, rest.json()["amount_minor"]) == (202, 500)
    last = await buyer.asks()
    assert last.json()["amount_minor"] == 2000


async def test_what_is_on_its_way_back_is_refused_and_repeats_are_answered_again(shop: Shop, buyer: Buyer) -> None:
    order = await buyer.buys((bundle(1, 1), 1))
    line = order["lines"][0]
    one = [{"line_id": line["line_id"], "components": [line["components"][0]["component_id"]]}]
    first = await buyer.asks(one, key="refund")
    again = await buyer.asks(one, key="refund")
    assert (again.status_code, again.content) == (202, first.content)
    other = await buyer.asks(key="refund")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    refused_again = await buyer.asks(one)
    assert (refused_again.status_code, refused_again.json()["code"]) == (409, "refund.not_refundable")
    await buyer.asks()
    nothing = await buyer.asks()
    assert (nothing.status_code, nothing.json()["code"]) == (409, "refund.nothing_left")
    assert len(await shop.announced(OrderRefundRequestedV1)) == 2


async def test_bad_wishes_are_clear_problems(shop: Shop, buyer: Buyer) -> None:
    order = await buyer.buys((offer(), 1))
    line_id = order["lines"][0]["line_id"]
    for lines, status, code in (
        ([{"line_id": str(new_id())}], 404, "component.unknown"),
        ([{"line_id": line_id, "components": [str(new_id())]}], 404, "component.unknown"),
        ([{"line_id": line_id}, {"line_id": line_id}], 422, "body.invalid"),
        ([], 422, "body.invalid"),
    ):
        answer = await buyer.asks(lines)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    sold = offer()
    await shop.sells(sold)
    buyer.order_id = (await shop.orders((sold, 1), member=buyer.member)).json()["order_id"]
    unpaid = await buyer.asks()
    assert (unpaid.status_code, unpaid.json()["code"]) == (409, "order.not_paid")
    assert await shop.announced(OrderRefundRequestedV1) == []


async def test_used_goods_wait_for_a_person_and_the_rest_goes_back(
    shop: Shop, buyer: Buyer, provider_http: httpx.AsyncClient
) -> None:
    order = await buyer.buys((bundle(3, 1), 1))
    refund_id = (await buyer.asks()).json()["refund_id"]
    used, unused = components(order)
    await shop.hear(refused(order, used, refund_id))
    await shop.hear(revoked(order, unused, refund_id))
    await shop.hear(reversed_(order, unused, refund_id))
    await jobs(shop, provider_http).send_refunds()
    seen = await buyer.sees()
    assert (seen["status"], statuses(seen)) == ("completed", ["review", "refunded"])
    assert [(each["status"], each["amount_minor"]) for each in seen["refunds"]] == [("refunded", 250)]
    assert (await buyer.asks()).json()["code"] == "refund.nothing_left"


async def test_what_never_was_issued_goes_back_the_same_way(
    shop: Shop, buyer: Buyer, provider_http: httpx.AsyncClient
) -> None:
    order = await buyer.buys((offer(), 1), deliver=False)
    (part,) = components(order)
    await shop.hear(rejected(order, part))
    (asked,) = await shop.announced(OrderRefundRequestedV1)
    await shop.hear(reversed_(order, part, str(asked.refund_id)))
    await jobs(shop, provider_http).send_refunds()
    seen = await buyer.sees()
    assert (seen["status"], seen["refunds"][0]["reason"]) == ("refunded", "not_fulfilled")
    assert await shop.announced(OrderFulfilledV1) == await shop.announced(OrderCompletedV1) == []


async def test_an_issue_that_crosses_the_refund_is_noted_and_still_goes_back(
    shop: Shop, buyer: Buyer, provider_http: httpx.AsyncClient
) -> None:
    order = await buyer.buys((offer(), 1), deliver=False)
    (part,) = components(order)
    refund_id = (await buyer.asks()).json()["refund_id"]
    await shop.hear(issued(order, part))
    await shop.hear(split(order, part))
    assert (await buyer.sees())["status"] == "refunding"
    await shop.hear(revoked(order, part, refund_id))
    await shop.hear(reversed_(order, part, refund_id))
    await jobs(shop, provider_http).send_refunds()
    assert (await buyer.sees())["status"] == "refunded"


async def test_a_free_order_goes_back_without_a_provider(shop: Shop, buyer: Buyer) -> None:
    order = await buyer.buys((offer(price_minor=0), 1))
    refund_id = (await buyer.asks()).json()["refund_id"]
    await shop.hear(reversed_(order, components(order)[0], refund_id))
    assert (await buyer.sees())["status"] == "refunded"
    (event,) = await shop.announced(OrderRefundedV1)
    assert (event.amount_minor, event.provider) == (0, None)


async def test_a_provider_that_refuses_makes_a_person_look_and_is_asked_again(
    shop: Shop, buyer: Buyer, provider: Provider, provider_http: httpx.AsyncClient
) -> None:
    order = await buyer.buys((offer(), 1))
    refund_id = (await buyer.asks()).json()["refund_id"]
    await shop.hear(reversed_(order, components(order)[0], refund_id))
    provider.set_faults({"refund_fails": True})
    await jobs(shop, provider_http).send_refunds()
    seen = await buyer.sees()
    assert (seen["status"], seen["refunds"][0]["status"]) == ("refunding", "review")
    provider.clear_faults()
    headers = shop.operator_headers()
    path = f"/v1/ops/orders/{buyer.order_id}/refunds/{refund_id}/attempts"
    assert (await shop.http.post(path, json={}, headers=headers)).status_code == 202
    await jobs(shop, provider_http).send_refunds()
    assert (await buyer.sees())["status"] == "refunded"
    late = await shop.http.post(path, json={}, headers=shop.operator_headers())
    assert (late.status_code, late.json()["code"]) == (409, "refund.not_in_review")


async def test_an_unknown_outcome_is_asked_about_before_it_is_tried_again(
    shop: Shop, buyer: Buyer, provider_http: httpx.AsyncClient
) -> None:
    """The provider sent the money and the answer was lost: the second look finds it, and nothing is sent twice."""
    order = await buyer.buys((offer(), 1))
    refund_id = (await buyer.asks()).json()["refund_id"]
    await shop.hear(reversed_(order, components(order)[0], refund_id))
    calls: list[str] = []

    async def loses_answers(request: httpx.Request) -> httpx.Response:
        calls.append(request.url.path)
        answer = await provider_http.send(
            provider_http.build_request(request.method, request.url, content=request.content)
        )
        if request.url.path == "/refund":
            raise httpx.ReadTimeout("the answer was lost")
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(loses_answers)) as http:
        await jobs(shop, http).send_refunds()
        assert (await buyer.sees())["status"] == "refunding"
        await jobs(shop, http, later=timedelta(minutes=5)).send_refunds()
    assert calls == ["/refund", "/refund-query"]
    assert (await buyer.sees())["status"] == "refunded"


async def test_the_database_itself_keeps_refunds_within_the_payment(shop: Shop, buyer: Buyer) -> None:
    await buyer.buys((offer(), 1))
    async with shop.database.read() as uow:
        row = await uow.raw.fetchrow("SELECT * FROM payments")
    assert row is not None
    payment = Payment(row["payment_id"], UUID(buyer.order_id), "sandbox", 1000, "CNY", PaymentStatus.PAID)
    twice = [refund_of_payment(payment, reason=RefundReason.PAID_TWICE, now=utc_now()) for _ in range(2)]
    assert {(each.reason, each.status) for each in twice} == {(RefundReason.PAID_TWICE, RefundStatus.SENDING)}
    with pytest.raises(asyncpg.CheckViolationError, match="refunds_within_payment"):
        async with shop.database.begin() as uow:
            await add_refunds(uow, twice)
