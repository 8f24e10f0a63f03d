"""A supplier that is down, and one that delivers in its place while the buyer waits."""

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import Any

from dev.client import Access, Api
from dev.demo.purchase import pay, watch
from dev.demo.story import Story, insist, yuan
from dev.merchant import Share, add_product, add_sku, publish_contract, wait_until_on_sale

PRICE_MINOR = 1_000
COST_MINOR = 950
WAITS_AT_MOST_S = 10
NOBODY = "http://127.0.0.1:9"
"""Nothing listens there."""


@dataclass(frozen=True)
class TwoSuppliers:
    """A top-up, and who sells it to us: the first is asked first, and is down."""

    sku_id: str
    first_id: str
    second_id: str


async def buy_from_the_next(desk: Api, buyer: Api, access: Access, story: Story) -> int:
    """Answers how many milliseconds the buyer waited from payment to delivery."""
    goods = await _list_goods(desk, access)
    story.tell("operator lists a top-up with two suppliers; the first one cannot be reached")
    account = "138" + "".join(secrets.choice("0123456789") for _ in range(8))
    line = {"sku_id": goods.sku_id, "quantity": 1, "buyer_fields": {"account": account}}
    order = await buyer.post("/v1/orders", {"lines": [line]})
    payment = await buyer.post(f"/v1/orders/{order['order_id']}/payments", {"provider": "sandbox"})
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        group.create_task(watch(buyer, order["order_id"], until="completed"))
        group.create_task(pay(buyer, payment["pay_url"]))
    waited_s = time.perf_counter() - began
    insist(waited_s < WAITS_AT_MOST_S, f"the buyer waited {waited_s:.1f} s")
    task = await _task_of(desk, order["order_id"])
    insist(task["supplier_id"] == goods.second_id, "somebody else than the second supplier delivered")
    insist([one["supplier_id"] for one in task["earlier"]] == [goods.first_id], "the first supplier was not asked")
    story.tell(f"the second delivers {yuan(PRICE_MINOR)} of it; {waited_s:.1f} s after paying the order is complete")
    return round(waited_s * 1_000)


async def _list_goods(desk: Api, access: Access) -> TwoSuppliers:
    run = secrets.token_hex(3).upper()
    product_id = await add_product(desk, name=f"话费充值 {run}", category="话费", description="直充,付款后到账。")
    sku_id = await add_sku(desk, product_id, name="话费 10 元", price_minor=PRICE_MINOR, kind="direct_top_up")
    await publish_contract(desk, sku_id, [Share(access.partners[0]["partner_id"], 200)])
    first_id = await _add_supplier(desk, f"甲 {run}", NOBODY, access, sku_id, priority=1)
    inside = access.sandbox["supplier_inside"]
    second_id = await _add_supplier(desk, f"乙 {run}", inside, access, sku_id, priority=2)
    await wait_until_on_sale(desk, sku_id)
    return TwoSuppliers(sku_id, first_id, second_id)


async def _add_supplier(desk: Api, name: str, url: str, access: Access, sku_id: str, *, priority: int) -> str:
    offer = {"sku_id": sku_id, "supplier_sku": "TOPUP-10", "cost_minor": COST_MINOR, "priority": priority}
    body = {"name": name, "base_url": url, "secret": access.sandbox["supplier_secret"], "skus": [offer]}
    return str((await desk.post("/v1/ops/suppliers", body))["supplier_id"])


async def _task_of(desk: Api, order_id: str) -> Any:
    listed = await desk.get("/v1/ops/suppliers/tasks", state="succeeded")
    return next(task for task in listed["items"] if task["order_id"] == order_id)
