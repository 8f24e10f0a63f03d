"""People of the journeys: an operator at the desk, buyers, a partner, and goods to trade."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dev.client import Access, Api
from dev.merchant import Share, add_product, add_sku, import_cards, make_codes, publish_contract, wait_until_on_sale

ENDS_WITHIN_S = 60
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Goods:
    product_id: str
    sku_id: str
    codes: Sequence[str]


async def put_on_sale(desk: Api, access: Access, *, codes: Sequence[str] | None = None, **more: object) -> Goods:
    """A card key SKU of the first partner with some cards, ready to be ordered."""
    partner_id = access.partners[0]["partner_id"]
    product_id = await add_product(desk, name=f"测试 {secrets.token_hex(4)}", category="测试", description="测试商品")
    facts = {"price_minor": 1_000, "partner_id": partner_id, "redeemable_here": True, **more}
    sku_id = await add_sku(desk, product_id, name="月卡", **facts)  # type: ignore[arg-type]  # a test's own facts
    await publish_contract(desk, sku_id, [Share(partner_id, 7_000)])
    stock = codes if codes is not None else make_codes(50)
    if stock:
        await import_cards(desk, sku_id, stock, cost_minor=300)
    await wait_until_on_sale(desk, sku_id)
    return Goods(product_id, sku_id, stock)


async def register(api: Api, *, phone: str | None = None, password: str | None = None) -> Api:
    body = {
        "phone": phone or "139" + "".join(secrets.choice("0123456789") for _ in range(8)),
        "password": password or secrets.token_urlsafe(12),
    }
    return api.signed_in((await api.post("/v1/auth/register", body))["access_token"])


async def place(buyer: Api, sku_id: str, *, quantity: int = 1, **more: object) -> Any:
    return await buyer.post("/v1/orders", {"lines": [{"sku_id": sku_id, "quantity": quantity}], **more})


async def pay(buyer: Api, order_id: str) -> None:
    payment = await buyer.post(f"/v1/orders/{order_id}/payments", {"provider": "sandbox"})
    answer = await buyer.http.post(payment["pay_url"])
    answer.raise_for_status()


async def buy(buyer: Api, sku_id: str, *, until: str = "completed") -> Any:
    """Order, pay, wait; answers the order as it stands then."""
    order = await place(buyer, sku_id)
    await pay(buyer, order["order_id"])
    return await order_in(buyer, order["order_id"], until)


async def order_in(buyer: Api, order_id: str, *statuses: str) -> Any:
    """The order, as soon as it is in one of these states."""
    return await eventually(lambda: buyer.get(f"/v1/orders/{order_id}"), lambda order: order["status"] in statuses)


async def eventually(read: Callable[[], Any], enough: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + ENDS_WITHIN_S
    while True:
        answer = await read()
        if enough(answer):
            return answer
        assert time.monotonic() < deadline, f"still {str(answer)[:600]}"
        await asyncio.sleep(LOOK_EVERY_S)
