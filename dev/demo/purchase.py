"""The buyer's part: register, look, pay, watch, read the codes."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from dev.client import Api, checked
from dev.demo.shelf import BUNDLE_PRICE_MINOR, Shelf
from dev.demo.story import Story, insist, yuan

STATUS_WITHIN_S = 30
PASSWORD_BYTES = 12
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Bought:
    """A paid order whose codes the buyer has read."""

    order_id: str
    order_no: str
    components: dict[str, dict[str, Any]]
    """By SKU id: the component as the order shows it."""
    codes: dict[str, str]
    paid_to_readable_ms: float


async def register(api: Api, story: Story) -> Api:
    """A new buyer."""
    phone = "139" + "".join(secrets.choice("0123456789") for _ in range(8))
    account = await api.post(
        "/v1/auth/register", {"phone": phone, "password": secrets.token_urlsafe(PASSWORD_BYTES)}, expect=201
    )
    story.tell(f"a buyer registers: member {account['member_id']}")
    return api.signed_in(account["access_token"])


async def buy_bundle(buyer: Api, shelf: Shelf, story: Story) -> Bought:
    """See the bundle, order, pay on the provider's page, watch the status, read every code."""
    await _look(buyer, shelf, story)
    order = await buyer.post("/v1/orders", {"lines": [{"sku_id": shelf.bundle_id, "quantity": 1}]})
    insist(order["status"] == "pending_payment", f"a new order is {order['status']}")
    insist(order["total_minor"] == BUNDLE_PRICE_MINOR, f"the order costs {order['total_minor']}")
    story.tell(f"order {order['order_no']} for {yuan(order['total_minor'])}, to be paid before {order['pay_before']}")

    payment = await buyer.post(f"/v1/orders/{order['order_id']}/payments", {"provider": "sandbox"})
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch(buyer, order["order_id"], until="completed"))
        group.create_task(pay(buyer, payment["pay_url"]))
    paid_at, seen = time.perf_counter(), watching.result()
    story.tell(f"the buyer pays on the provider's page and watches: {' → '.join(seen)}")

    stand = await buyer.get(f"/v1/orders/{order['order_id']}")
    components = {one["sku_id"]: one for line in stand["lines"] for one in line["components"]}
    insist(sum(one["amount_minor"] for one in components.values()) == BUNDLE_PRICE_MINOR, "components do not add up")
    codes = {sku_id: await _reveal(buyer, one) for sku_id, one in components.items()}
    for key, sku_id in shelf.sku_ids.items():
        insist(codes[sku_id] in shelf.codes[key], f"the code of {key} is not one that was imported")
    story.tell(f"the buyer reads {len(codes)} codes, each one of those the operator imported")
    return Bought(order["order_id"], order["order_no"], components, codes, (time.perf_counter() - paid_at) * 1000)


async def see_reward(buyer: Api, story: Story, *, spent_minor: int) -> int:
    """Points and tier have moved; answers the points."""
    expected = spent_minor // 100
    account = await _eventually(buyer, "/v1/points/account", lambda it: it["pending"] + it["available"] > 0)
    points = int(account["pending"] + account["available"])
    insist(0 < points <= expected, f"{points} points for {yuan(spent_minor)}")
    tier = await _eventually(buyer, "/v1/me/tier", lambda it: it["spend_minor"] >= spent_minor)
    story.tell(
        f"{points} points (pending until safe from refund); tier {tier['tier']['name']} with {yuan(tier['spend_minor'])} spent"
    )
    return points


async def _look(buyer: Api, shelf: Shelf, story: Story) -> None:
    product = await buyer.get(f"/v1/products/{shelf.product_id}")
    sku = next(one for one in product["skus"] if one["sku_id"] == shelf.bundle_id)
    insist(len(sku["components"]) == len(shelf.sku_ids), "the page does not show every component")
    insist(sku["stock"] > 0, "the page says it is sold out")
    story.tell(f"the buyer sees 「{product['name']}」: {len(sku['components'])} components, {sku['stock']} in stock")


async def pay(buyer: Api, pay_url: str) -> None:
    """On the provider's page."""
    checked(await buyer.http.post(pay_url), 200)


async def watch(buyer: Api, order_id: str, *, until: str) -> list[str]:
    """The states the order goes through, as the stream tells them."""
    seen: list[str] = []
    async with asyncio.timeout(STATUS_WITHIN_S):
        async for status in _statuses(buyer, order_id):
            if not seen or seen[-1] != status:
                seen.append(status)
            if status == until:
                break
    insist(seen[-1:] == [until], f"the stream ended at {seen}")
    return seen


async def _statuses(buyer: Api, order_id: str) -> AsyncIterator[str]:
    async with buyer.http.stream("GET", f"/v1/orders/{order_id}/stream", headers=dict(buyer.headers)) as stream:
        insist(stream.is_success, f"the stream answers {stream.status_code}")
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                yield str(json.loads(line.removeprefix("data:"))["status"])


async def _reveal(buyer: Api, component: dict[str, Any]) -> str:
    entitlement_id = component["entitlement_ids"][0]
    return str((await buyer.post(f"/v1/wallet/entitlements/{entitlement_id}/reveal", {}, expect=200))["code"])


async def _eventually(buyer: Api, path: str, enough: Any) -> Any:
    """Read until it is so: what follows from events follows soon, not at once."""
    deadline = time.perf_counter() + STATUS_WITHIN_S
    answer = await buyer.get(path)
    while not enough(answer) and time.perf_counter() < deadline:
        await asyncio.sleep(LOOK_EVERY_S)
        answer = await buyer.get(path)
    return answer
