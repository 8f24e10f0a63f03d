"""Channels are told what happened: signed, once or again until taken, never into private networks, never a code."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.order.domain.webhooks import ATTEMPTS_MAX, WebhookAddressError, check_address
from shared.clock import new_id, utc_now
from shared.contracts import StockChangedV1
from tests.order import facts
from tests.order.conftest import Street
from tests.order.listener import Listener, deliver, listening
from tests.order.reseller import Reseller, open_reseller
from tests.order.shop import Shop, bundle, offer, product


@pytest.fixture
async def reseller(street: Street) -> Reseller:
    """At a shop on a development machine."""
    shop = await street.open_shop()
    shop.app.state.desk = replace(shop.desk, webhooks_anywhere=True)
    return await open_reseller(shop)


@pytest.fixture
async def listener(reseller: Reseller) -> AsyncIterator[Listener]:
    async with listening(reseller) as listener:
        yield listener


async def test_an_order_is_told_of_from_rejection_to_fulfilment_and_refund(
    reseller: Reseller, listener: Listener
) -> None:
    shop, sold = reseller.shop, bundle(1, 1)
    await shop.sells(sold)
    order = (await reseller.orders("X-1", (sold, 1))).json()
    first, second = facts.components(order)
    for _ in range(2):  # heard again, nothing is told again
        await shop.hear(facts.rejected(order, second))
        await shop.hear(facts.issued(order, first))
    refund_id = (await reseller.order("X-1"))["refunds"][0]["refund_id"]
    await shop.hear(facts.revoked(order, second, refund_id), facts.reversed_(order, second, refund_id))
    await reseller.jobs().send_refunds()
    await deliver(reseller)
    told = {kind: data for kind, data in listener.told if not kind.startswith("product")}
    assert told.keys() == {"component.rejected", "order.fulfilled", "order.refunded"}
    assert {data["external_id"] for data in told.values()} == {"X-1"}
    assert told["component.rejected"]["reason"] == "out_of_stock"
    assert (told["order.refunded"]["amount_minor"], told["order.refunded"]["whole"]) == (second["amount_minor"], False)
    assert not any(b"CODE" in body or b"1234" in body for body in listener.raw)
    before = len(listener.heard)
    await deliver(reseller)
    assert len(listener.heard) == before


async def test_buyers_orders_and_orders_that_asked_for_silence_are_not_told(
    reseller: Reseller, listener: Listener
) -> None:
    shop, sold = reseller.shop, offer()
    await shop.sells(sold)
    member = new_id()
    buyers = await shop.paid_order((sold, 1), member=member)
    silent = (await reseller.orders("X-1", (sold, 1), notify=False)).json()
    for order in (buyers, silent):
        await shop.hear(facts.issued(order, facts.components(order)[0]))
    await deliver(reseller)
    assert [kind for kind, _ in listener.told if kind.startswith("order")] == []


async def test_goods_and_stock_are_told_once_with_the_newest(reseller: Reseller, listener: Listener) -> None:
    shop, sold = reseller.shop, offer()
    await shop.sells(sold)
    for version, available in ((1, 9), (2, 7), (3, 5)):
        await shop.hear(StockChangedV1(sku_id=sold.sku_id, available=available, version=version))
    await deliver(reseller, after=timedelta())
    assert listener.told == []  # not before the window is over
    await deliver(reseller)
    told = dict(listener.told)
    assert len(listener.told) == 2
    assert told["stock.changed"] == {"sku_id": str(sold.sku_id), "stock": 5}
    assert told["product.changed"]["sku_ids"] == [str(sold.sku_id)]


async def test_what_changes_while_it_is_told_is_told_too(reseller: Reseller, listener: Listener) -> None:
    shop, sku_id = reseller.shop, new_id()
    await shop.hear(StockChangedV1(sku_id=sku_id, available=9, version=1))

    async def sell_one() -> None:
        listener.meanwhile = None
        await shop.hear(StockChangedV1(sku_id=sku_id, available=8, version=2))

    listener.meanwhile = sell_one
    await deliver(reseller)
    assert [data["stock"] for _, data in listener.told] == [9, 8]
    assert await reseller.messages("due") == []


async def test_only_what_a_channel_may_buy_is_told_it(reseller: Reseller, listener: Listener) -> None:
    shop, ours, others = reseller.shop, offer(), offer()
    await reseller.agrees(sku_ids=[str(ours.sku_id)])
    await shop.hear(product(ours), product(others))
    for sold in (ours, others):
        await shop.hear(StockChangedV1(sku_id=sold.sku_id, available=1, version=1))
    await deliver(reseller)
    assert len(listener.told) == 2
    await reseller.agrees(categories=["video"])
    await shop.hear(StockChangedV1(sku_id=ours.sku_id, available=2, version=2))
    await shop.hear(StockChangedV1(sku_id=new_id(), available=2, version=1))
    await deliver(reseller)
    assert len(listener.told) == 3


async def test_what_is_not_taken_is_sent_again_ever_more_rarely_under_the_same_id(
    reseller: Reseller, listener: Listener
) -> None:
    await reseller.shop.hear(StockChangedV1(sku_id=new_id(), available=9, version=1))
    listener.status = 500
    begun = utc_now()
    for after_s in (20, 21, 27, 40, 52, 110, 150):  # the pauses are 5 s, 20 s and 80 s, give or take a fifth
        await deliver(reseller, at=begun + timedelta(seconds=after_s))
    assert len(listener.heard) == 4
    listener.status = 200
    await deliver(reseller, after=timedelta(days=1))
    await deliver(reseller, after=timedelta(days=2))
    assert len(listener.heard) == 5
    assert len({message_id for message_id, _ in listener.heard}) == 1


async def test_an_address_that_takes_nothing_for_days_is_given_up_and_set_anew_by_an_operator(
    reseller: Reseller, listener: Listener
) -> None:
    shop = reseller.shop
    listener.status = 503
    await shop.hear(StockChangedV1(sku_id=new_id(), available=9, version=1))
    await deliver(reseller)
    assert (await _webhook(reseller))["disabled_at"] is None
    await deliver(reseller, after=timedelta(days=4))
    assert (await _webhook(reseller))["disabled_at"] is not None
    heard = len(listener.heard)
    await deliver(reseller, after=timedelta(days=5))
    assert len(listener.heard) == heard
    answer = await reseller.hears_at(listener.url, secret=listener.secret.reveal())
    assert (answer.json()["secret"], answer.json()["disabled_at"]) == (None, None)
    listener.status = 204
    await deliver(reseller, after=timedelta(days=5))
    assert len(listener.heard) == heard + 1
    assert (await _webhook(reseller))["failing_since"] is None


async def test_gone_is_gone_and_a_redirect_is_not_followed(reseller: Reseller, listener: Listener) -> None:
    shop = reseller.shop
    await shop.hear(StockChangedV1(sku_id=new_id(), available=9, version=1))
    listener.status = 302
    await deliver(reseller)
    (due,) = await reseller.messages("due")
    assert (due["last_error"], due["attempts"]) == ("http_302", 1)
    listener.status = 410
    await deliver(reseller, after=timedelta(hours=1))
    assert (await _webhook(reseller))["disabled_at"] is not None


async def test_dead_messages_are_seen_and_sent_anew(reseller: Reseller, listener: Listener) -> None:
    shop = reseller.shop
    await shop.hear(StockChangedV1(sku_id=new_id(), available=9, version=1))
    async with shop.database.begin() as uow:
        await uow.raw.execute("UPDATE webhook_messages SET attempts = $1", ATTEMPTS_MAX - 1)
    listener.status = 500
    await deliver(reseller)
    (dead,) = await reseller.messages("dead")
    assert (dead["attempts"], dead["last_error"]) == (ATTEMPTS_MAX, "http_500")
    figures = await shop.http.get("/internal/figures", headers=shop.operator_headers(scope="support"))
    assert figures.json()["webhooks"] == {"dead": 1, "given_up": 0}
    listener.status = 204
    headers = shop.operator_headers(scope="finance")
    path = f"/v1/ops/channels/{reseller.channel_id}/webhook/messages"
    assert (await shop.http.post(f"{path}/{dead['message_id']}/redeliver", headers=headers)).status_code == 202
    await deliver(reseller)
    assert [message["message_id"] for message in await reseller.messages("delivered")] == [dead["message_id"]]
    unknown = await shop.http.post(f"{path}/{new_id()}/redeliver", headers=shop.operator_headers(scope="finance"))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "webhook.not_found")


@pytest.mark.parametrize("addresses", [["10.0.0.7"], ["93.184.215.14", "127.0.0.1"], ["::ffff:192.168.1.1"]])
async def test_a_name_that_leads_into_a_private_network_by_now_is_not_called(
    reseller: Reseller, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    assert (await reseller.hears_at("https://shop.example.com/hooks")).status_code == 200
    await reseller.shop.hear(StockChangedV1(sku_id=new_id(), available=9, version=1))
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    plain = socket.getaddrinfo

    def resolve(host: object, *more: Any, **options: Any) -> Any:
        return found if host == "shop.example.com" else plain(host, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    await deliver(reseller, anywhere=False)
    (due,) = await reseller.messages("due")
    assert due["last_error"] == "address_refused"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/",
        "https://127.0.0.1/",
        "https://10.1.2.3/hooks",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:0a00:0001::]/",
        "https://localhost/",
        "https://inventory:8102/",
        "https://shop.example.com:22/",
        "https://user:secret@shop.example.com/",
        "https://shop.example.com/#x",
        "https://shop.example.com/a b",
        "ftp://shop.example.com/",
        "https://[broken/",
        "https:///nowhere",
    ],
)
async def test_addresses_that_may_not_be_called_are_refused(shop: Shop, url: str) -> None:
    reseller = await open_reseller(shop)
    refused = await reseller.hears_at(url)
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook.address_refused")
    with pytest.raises(WebhookAddressError):
        check_address(url, anywhere=False)


async def test_a_secret_is_shown_once_and_stored_sealed(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    path = f"/v1/ops/channels/{reseller.channel_id}/webhook"
    headers = shop.operator_headers(scope="finance")
    body = {"url": "https://shop.example.com/hooks"}
    first = (await shop.http.put(path, json=body, headers=headers)).json()
    again = (await shop.http.put(path, json=body, headers=headers)).json()
    assert first["secret"].startswith("whsec_")
    assert again == {**first, "secret": None}
    async with shop.database.read() as uow:
        stored = await uow.raw.fetchval("SELECT secret_sealed FROM channel_webhooks")
        kept = b"".join(row["body"] for row in await uow.raw.fetch("SELECT body FROM idempotency_keys"))
    assert first["secret"].encode() not in stored + kept
    wrong = await reseller.hears_at("https://shop.example.com/", secret="whsec_" + "!" * 40)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "webhook.secret_invalid")
    assert "!" not in wrong.text


async def _webhook(reseller: Reseller) -> dict[str, Any]:
    path = f"/v1/ops/channels/{reseller.channel_id}/webhook"
    answer = await reseller.shop.http.get(path, headers=reseller.shop.operator_headers(scope="finance"))
    shown: dict[str, Any] = answer.json()
    return shown
