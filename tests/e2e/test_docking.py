"""The shop is its own reseller: what it sells is bought from its own channel API, paid from an account, and delivered."""

import contextlib
import secrets
from dataclasses import replace
from typing import Any

import pytest

from dev.client import Access, Api, PartnerApi, UnexpectedAnswerError, operator
from dev.merchant import add_product, add_sku, wait_until_on_sale
from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder
from shared.clock import utc_now
from shared.crypto import Secret
from shared.crypto.webhooks import new_webhook_secret
from tests.e2e import shop
from tests.e2e.shop import eventually, order_in, pay, put_on_sale

pytestmark = pytest.mark.e2e

DEPOSIT_MINOR = 100_000
CHANNEL_PRICE_BP = 8_000
CARD_PRICE_MINOR = 800
TOP_UP_PRICE_MINOR = 1_200
"""What costs buyers 1,000 and 1,500."""

SANDBOX_COST_MINOR = 950
WEBHOOK_SECRET = new_webhook_secret().reveal()


async def open_channel(api: Api, access: Access, desk: Api) -> tuple[str, dict[str, str]]:
    """A reseller with money, booked by two operators, and a key."""
    name = f"回环 {secrets.token_hex(3)}"
    channel_id = (await desk.post("/v1/ops/channels", {"name": name}))["channel_id"]
    transfer = {"reference": secrets.token_hex(4), "amount_minor": DEPOSIT_MINOR, "note": "预存"}
    path = f"/v1/ops/channels/{channel_id}/transfers"
    transfer_id = (await desk.post(path, transfer))["transfer_id"]
    await confirm(api, access, f"{path}/{transfer_id}/confirm")
    terms = {"price_bp": CHANNEL_PRICE_BP}
    await desk.call("PUT", f"/v1/ops/channels/{channel_id}/terms", body=terms, expect=200)
    key = await desk.post(f"/v1/ops/partners/{channel_id}/keys", {"algorithm": "hmac-sha256"})
    return channel_id, key


async def confirm(api: Api, access: Access, path: str) -> None:
    """By whichever operator did not propose it."""
    for who in access.operators:
        other = await operator(api, replace(access, operators=(who,)))
        with contextlib.suppress(UnexpectedAnswerError):
            await other.post(path, expect=200)
            return
    raise AssertionError("nobody could confirm the transfer")


async def sell_top_up(
    desk: Api, access: Access, *, price_minor: int, offer: dict[str, object] | None = None, **supplier: object
) -> tuple[str, str]:
    """A top-up on the shelf that this supplier delivers: the SKU and the supplier."""
    product_id = await add_product(desk, name=f"充值 {secrets.token_hex(3)}", category="测试", description="直充")
    sku_id = await add_sku(desk, product_id, name="话费", price_minor=price_minor, kind="direct_top_up")
    body = {
        "name": f"供应商 {secrets.token_hex(3)}",
        "base_url": access.sandbox["supplier_inside"],
        "secret": access.sandbox["supplier_secret"],
        "skus": [{"sku_id": sku_id, **(offer or {"supplier_sku": "TOPUP-10", "cost_minor": SANDBOX_COST_MINOR})}],
        **supplier,
    }
    supplier_id = (await desk.post("/v1/ops/suppliers", body))["supplier_id"]
    await wait_until_on_sale(desk, sku_id)
    return sku_id, supplier_id


async def balance(channel: PartnerApi) -> int:
    return int((await channel.get("/v1/channel/account"))["balance_minor"])


async def test_our_wire_buys_cards_from_a_whole_kaquan(api: Api, desk: Api, access: Access) -> None:
    """The client that inventory calls suppliers with, against gateway, order, settlement and inventory as they are."""
    goods = await put_on_sale(desk, access)
    channel_id, key = await open_channel(api, access, desk)
    channel = PartnerApi.of(api, key)

    async def listed() -> Any:
        found = (await channel.get("/v1/channel/products", limit="1000"))["items"]
        return next((each for each in found if each["sku_id"] == goods.sku_id), None)

    found = await eventually(listed, lambda each: each is not None and each["stock"] is not None)
    assert (found["price_minor"], found["stock"]) == (CARD_PRICE_MINOR, len(goods.codes))

    wanted = SupplierOrder(
        base_url=access.gateway,
        merchant_id=key["key_id"],
        secret=Secret(key["secret"]),
        out_order_no=f"KQ{secrets.token_hex(16)}",
        supplier_sku=goods.sku_id,
        quantity=2,
        account=Secret(""),
        cost_minor_max=2 * CARD_PRICE_MINOR,
        wire={"kind": "kaquan"},
        for_cards=True,
    )
    client = SupplierClient()

    async def ask(step: Step) -> SupplierAnswer:
        return await client.ask(wanted, step=step, now=utc_now())

    assert (await ask(Step.QUERY)).kind is AnswerKind.NOT_FOUND
    assert {(await ask(Step.PLACE)).kind for _ in range(3)} == {AnswerKind.PROCESSING}
    answer = await eventually(lambda: ask(Step.QUERY), lambda told: told.kind is not AnswerKind.PROCESSING)
    assert (answer.kind, answer.cost_minor) == (AnswerKind.SUCCEEDED, 2 * CARD_PRICE_MINOR)
    codes = {card.code for card in answer.cards}
    assert len(codes) == 2
    assert codes <= set(goods.codes)
    await client.close()

    orders = (await desk.get("/v1/ops/orders", channel_id=channel_id))["items"]
    assert [(each["channel"], each["total_minor"]) for each in orders] == [("reseller", 2 * CARD_PRICE_MINOR)]
    entries = (await channel.get("/v1/channel/account/entries"))["items"]
    assert [entry["amount_minor"] for entry in entries] == [-2 * CARD_PRICE_MINOR, DEPOSIT_MINOR]

    async def owed() -> Any:
        return (await desk.get("/v1/ops/ledger/accounts", kind="provider_receivable", owner="account"))["items"]

    await eventually(owed, lambda accounts: [each["balance_minor"] for each in accounts] == [0])


async def test_the_shop_as_its_own_reseller_delivers_a_top_up(api: Api, desk: Api, access: Access) -> None:
    """Two hops: our SKU is bought from our own channel API, whose SKU the sandbox supplier delivers."""
    upstream_id, _ = await sell_top_up(desk, access, price_minor=1_500)
    channel_id, key = await open_channel(api, access, desk)
    channel = PartnerApi.of(api, key)
    sku_id, supplier_id = await sell_top_up(
        desk,
        access,
        price_minor=1_600,
        base_url=access.gateway,
        merchant_id=key["key_id"],
        secret=f"{key['secret']} {WEBHOOK_SECRET}",
        wire={"kind": "kaquan"},
        offer={"supplier_sku": upstream_id, "cost_minor": TOP_UP_PRICE_MINOR},
    )
    hears = {"url": f"{access.gateway}/v1/suppliers/{supplier_id}/changes", "secret": WEBHOOK_SECRET}
    webhook = f"/v1/ops/channels/{channel_id}/webhook"
    await desk.call("PUT", webhook, body=hears, expect=200)
    buyer = await shop.register(api)
    line = {"sku_id": sku_id, "quantity": 1, "buyer_fields": {"account": "13800138000"}}
    order = await buyer.post("/v1/orders", {"lines": [line]})
    await pay(buyer, order["order_id"])
    await order_in(buyer, order["order_id"], "completed")

    async def told() -> Any:
        return (await desk.get(f"{webhook}/messages", state="delivered"))["items"]

    await eventually(told, lambda messages: "order.fulfilled" in {each["kind"] for each in messages})
    assert await balance(channel) == DEPOSIT_MINOR - TOP_UP_PRICE_MINOR
    journals = (await desk.get("/v1/ops/ledger/journals", order_id=order["order_id"]))["items"]
    (cost,) = [journal for journal in journals if journal["kind"] == "card.cost"]
    assert cost["postings"][0]["amount_minor"] == TOP_UP_PRICE_MINOR
