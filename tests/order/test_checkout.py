"""Checkout: what is refused changes nothing, what is repeated is answered again, what fails gives back what it held."""

import asyncio
from typing import Any

import pytest

from shared.clock import new_id
from shared.contracts import OrderCreatedV1
from shared.database import DatabaseContentionError
from tests.order.shop import Shop, offer

Json = dict[str, Any]


async def rows(shop: Shop) -> int:
    async with shop.database.read() as uow:
        return int(await uow.raw.fetchval("SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM outbox)"))


async def test_a_quote_says_what_and_why_and_holds_nothing(shop: Shop) -> None:
    sold = offer(price_minor=1999)
    await shop.sells(sold)
    body = {"lines": [{"sku_id": str(sold.sku_id), "quantity": 3}]}
    quoted = await shop.http.post("/v1/quotes", json=body, headers=shop.headers(None))
    assert quoted.status_code == 200
    assert quoted.json()["total_minor"] == 5997
    assert quoted.json()["lines"][0]["unit_minor"] == 1999
    assert not shop.inventory.calls


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"lines": [{"sku_id": "SKU", "quantity": 0}]}, 400, "quantity.out_of_range"),
        ({"lines": [{"sku_id": "SKU", "quantity": -1}]}, 400, "quantity.out_of_range"),
        ({"lines": [{"sku_id": "SKU", "quantity": 101}]}, 400, "quantity.out_of_range"),
        ({"lines": [{"sku_id": "SKU", "quantity": 10**18}]}, 400, "quantity.out_of_range"),
        ({"lines": [{"sku_id": "SKU", "quantity": 10**30}]}, 400, "quantity.out_of_range"),
        ({"lines": [{"sku_id": "SKU", "quantity": "1"}]}, 422, "body.invalid"),
        ({"lines": [{"sku_id": "SKU", "quantity": 1.5}]}, 422, "body.invalid"),
        ({"lines": [{"sku_id": "SKU"}]}, 422, "body.invalid"),
        ({"lines": []}, 422, "body.invalid"),
        ({"lines": [{"sku_id": "SKU", "quantity": 1}] * 21}, 422, "body.invalid"),
        ({"lines": [{"sku_id": "OFF", "quantity": 1}]}, 409, "sku.off_shelf"),
        ({"lines": [{"sku_id": str(new_id()), "quantity": 1}]}, 404, "sku.unknown"),
        ({"lines": [{"sku_id": "not-an-id", "quantity": 1}]}, 422, "body.invalid"),
        ({"expected_total_minor": 1}, 409, "price.changed"),
        ({"coupon_id": str(new_id())}, 400, "coupon.unknown"),
        ({"points": 5}, 400, "points.not_accepted"),
        ({"contact": None}, 400, "contact.invalid"),
        ({"contact": {"email": "nobody"}}, 400, "contact.invalid"),
        ({"channel": "Sp ace"}, 422, "body.invalid"),
        ({"price_minor": 1}, 422, "body.invalid"),
    ],
)
async def test_bad_input_is_a_clear_problem_and_changes_nothing(
    shop: Shop, change: Json, status: int, code: str
) -> None:
    sold, gone = offer(), offer(on_sale=False)
    await shop.sells(sold, gone)
    body: Json = {"lines": [{"sku_id": "SKU", "quantity": 1}], "contact": {"phone": "13800138000"}, **change}
    for line in body["lines"]:
        line["sku_id"] = {"SKU": str(sold.sku_id), "OFF": str(gone.sku_id)}.get(line["sku_id"], line["sku_id"])
    answer = await shop.http.post("/v1/orders", json=body, headers=shop.headers(None))
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await rows(shop) == 0
    assert not shop.inventory.holds
    again = {"lines": [{"sku_id": str(sold.sku_id), "quantity": 1}], "contact": {"phone": "13800138000"}}
    mended = await shop.http.post("/v1/orders", json=again, headers=shop.headers(None))
    assert mended.status_code == 201


async def test_a_refused_key_may_be_tried_again(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    shop.inventory.stock = 0
    refused = await shop.orders((sold, 1), key="again")
    assert (refused.status_code, refused.json()["code"]) == (409, "stock.insufficient")
    assert (refused.json()["sku_id"], refused.json()["available"]) == (str(sold.sku_id), 0)
    shop.inventory.stock = 1
    assert (await shop.orders((sold, 1), key="again")).status_code == 201


async def test_no_key_no_write(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    headers = shop.headers(None)
    del headers["Idempotency-Key"]
    body = {"lines": [{"sku_id": str(sold.sku_id), "quantity": 1}], "contact": {"email": "a@b.cd"}}
    answer = await shop.http.post("/v1/orders", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency.missing")


async def test_the_same_request_is_answered_again_even_when_it_could_not_be_made_now(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    first = await shop.orders((sold, 1), key="same")
    again = await shop.orders((sold, 1), key="same")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["access_token"]
    shop.desk.catalogue._offers.clear()
    gone = await shop.orders((sold, 1), key="same")
    assert gone.content == first.content
    other = await shop.orders((sold, 2), key="same")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    assert (len(shop.inventory.holds), len(await shop.announced(OrderCreatedV1))) == (1, 1)


async def test_keys_of_different_callers_do_not_meet(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    answers = [await shop.orders((sold, 1), member=new_id(), key="shared") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["order_id"] for answer in answers}) == 2


async def test_risk_says_no(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    shop.risk.decision = "deny"
    answer = await shop.orders((sold, 1))
    assert (answer.status_code, answer.json()["code"]) == (403, "risk.denied")
    assert not shop.inventory.holds
    assert await rows(shop) == 0


@pytest.mark.parametrize("fault", ["slow", "broken"])
async def test_silent_risk_means_review(shop: Shop, fault: str) -> None:
    sold = offer()
    await shop.sells(sold)
    shop.risk.delay_s, shop.risk.broken = (3.0, False) if fault == "slow" else (0.0, True)
    assert (await shop.paid_order((sold, 1)))["status"] == "held"


async def test_silent_inventory_means_no_order_and_no_hold(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    shop.inventory.broken = True
    answer = await shop.orders((sold, 1))
    assert (answer.status_code, answer.json()["code"]) == (503, "service.unavailable")
    assert shop.inventory.calls["release"] == 1
    assert await rows(shop) == 0


async def test_a_failed_write_gives_the_hold_back(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    async with shop.database.read() as uow:
        await uow.raw.execute("ALTER TABLE order_lines ADD CONSTRAINT none CHECK (quantity < 3)")
    answer = await shop.orders((sold, 5))
    assert answer.status_code == 500
    assert (shop.inventory.calls["hold"], len(shop.inventory.holds)) == (1, 0)
    assert (await shop.orders((sold, 2))).status_code == 201


async def test_a_write_of_unknown_outcome_keeps_the_hold_of_an_order_that_was_made(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the commit: the order is there, so its hold must stay, and the retry finds both."""
    sold = offer()
    await shop.sells(sold)
    placements = shop.desk.hot.placements
    run = placements._run

    async def breaks_after(items: Any) -> Any:
        await run(items)
        raise DatabaseContentionError("the connection broke")

    monkeypatch.setattr(placements, "_run", breaks_after)
    answer = await shop.orders((sold, 1), key="unknown")
    assert answer.status_code == 503
    monkeypatch.setattr(placements, "_run", run)
    assert len(shop.inventory.holds) == 1
    again = await shop.orders((sold, 1), key="unknown")
    assert again.status_code == 201
    assert set(shop.inventory.holds) == {again.json()["order_id"]}


async def test_a_dead_checkout_is_taken_over_with_its_order_id(shop: Shop) -> None:
    """A process died after it held: whoever tries again holds for the same order, so there is no second hold."""
    sold = offer()
    await shop.sells(sold)
    shop.inventory.delay_s = 5
    dying = asyncio.create_task(shop.orders((sold, 1), key="dead"))
    await shop.inventory.asked.wait()
    shop.inventory.delay_s = 0
    busy = await shop.orders((sold, 1), key="dead")
    assert (busy.status_code, busy.json()["code"]) == (409, "idempotency.in_progress")
    async with shop.database.read() as uow:
        claimed = await uow.raw.fetchval("SELECT order_id FROM checkouts")
        await uow.raw.execute("UPDATE checkouts SET claimed_until = now() - interval '1 second'")
    taken_over = await shop.orders((sold, 1), key="dead")
    assert (taken_over.status_code, taken_over.json()["order_id"]) == (201, str(claimed))
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)


async def test_what_the_goods_need_to_know_goes_to_inventory_alone(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    body = {
        "lines": [{"sku_id": str(sold.sku_id), "quantity": 1, "buyer_fields": {"account": "13912345678"}}],
        "contact": {"email": "a@b.cd"},
    }
    answer = await shop.http.post("/v1/orders", json=body, headers=shop.headers(None))
    assert answer.status_code == 201
    (hold,) = shop.inventory.holds.values()
    assert hold["components"][0]["buyer_fields"] == {"account": "13912345678"}
    async with shop.database.read() as uow:
        for table in ("orders", "order_lines", "order_components", "checkouts", "outbox"):
            found = await uow.raw.fetch(f"SELECT t::text AS row FROM {table} t")
            assert "13912345678" not in str(found)
            assert "a@b.cd" not in str(found)
