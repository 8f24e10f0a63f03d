"""What follows a sale: a brand honours a code, the buyer takes one component back, both brands read their money."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dev.client import Access, Api, PartnerApi
from dev.demo.purchase import Bought
from dev.demo.shelf import GOODS, Goods, Shelf
from dev.demo.story import Story, insist, yuan

REFUND_WITHIN_S = 30
STATEMENT_WITHIN_S = 20
LOOK_EVERY_S = 0.3
SHANGHAI = ZoneInfo("Asia/Shanghai")


async def redeem(api: Api, access: Access, shelf: Shelf, bought: Bought, story: Story, *, key: str) -> None:
    """The brand's till takes the code, undoes that as a mistake, and takes it again; a further time it is refused."""
    goods = _goods(key)
    brand = PartnerApi.of(api, access.partners[goods.brand])
    presented = {"code": bought.codes[shelf.sku_ids[key]], "store": "上海南京西路店"}
    mistake = await brand.post("/v1/partner/redemptions", presented)
    await brand.post(f"/v1/partner/redemptions/{mistake['redemption_id']}/undo", {"reason": "点错单"}, expect=200)
    await brand.post("/v1/partner/redemptions", presented)
    await brand.post("/v1/partner/redemptions", presented, expect=409)
    name = access.partners[goods.brand]["name"]
    story.tell(f"{name} redeems the {goods.sku}, undoes it, redeems it again; a further try is refused")


async def refund(buyer: Api, shelf: Shelf, bought: Bought, story: Story, *, key: str) -> int:
    """The buyer gives one unredeemed component back; answers the money in minor units."""
    component = bought.components[shelf.sku_ids[key]]
    order = await buyer.get(f"/v1/orders/{bought.order_id}")
    line_id = order["lines"][0]["line_id"]
    asked = {"lines": [{"line_id": line_id, "components": [component["component_id"]]}], "reason": "不想要了"}
    accepted = await buyer.post(f"/v1/orders/{bought.order_id}/refunds", asked, expect=202)
    done = await _refund_done(buyer, bought.order_id, accepted["refund_id"])
    insist(done["amount_minor"] == component["amount_minor"], f"{done['amount_minor']} came back")
    story.tell(f"the buyer returns the {_goods(key).sku}: {yuan(done['amount_minor'])} go back, the rest stays")
    await buyer.post(f"/v1/wallet/entitlements/{component['entitlement_ids'][0]}/reveal", {}, expect=409)
    return int(done["amount_minor"])


async def read_statements(
    api: Api, access: Access, shelf: Shelf, bought: Bought, story: Story, *, redeemed: str, refunded: str
) -> dict[str, int]:
    """Both brands pull today's statement; what it says of this order is what their contracts say."""
    today = datetime.now(UTC).astimezone(SHANGHAI).date().isoformat()
    owed: dict[str, int] = {}
    for number, partner in enumerate(access.partners[:2]):
        expected = sum(
            _share(bought.components[shelf.sku_ids[goods.key]]["amount_minor"], goods.share_bp)
            for goods in GOODS
            if goods.brand == number and goods.key != refunded and (goods.earned_on == "sale" or goods.key == redeemed)
        )
        owed[partner["name"]] = await _check_statement(
            PartnerApi.of(api, partner), bought, period=today, expected_minor=expected
        )
        story.tell(f"{partner['name']} pulls its statement of {today}: {yuan(expected)} of this order, and it adds up")
    return owed


async def _check_statement(brand: PartnerApi, bought: Bought, *, period: str, expected_minor: int) -> int:
    deadline = time.perf_counter() + STATEMENT_WITHIN_S
    while True:
        listed = await brand.get("/v1/partner/statements", period=period)
        statement = await brand.get(f"/v1/partner/statements/{listed['items'][0]['statement_id']}/file", format="json")
        mine = sum(line["amount_minor"] for line in statement["lines"] if line["order_id"] == bought.order_id)
        if mine == expected_minor or time.perf_counter() > deadline:
            break
        await asyncio.sleep(LOOK_EVERY_S)
    insist(mine == expected_minor, f"the statement says {mine} of this order, the contract {expected_minor}")
    summary = statement["summary"]
    insist(
        summary["opening_minor"] + summary["movement_minor"] == summary["closing_minor"],
        "opening and movements are not the closing balance",
    )
    return int(mine)


async def _refund_done(buyer: Api, order_id: str, refund_id: str) -> Any:
    deadline = time.perf_counter() + REFUND_WITHIN_S
    while time.perf_counter() < deadline:
        order = await buyer.get(f"/v1/orders/{order_id}")
        mine = next(one for one in order["refunds"] if one["refund_id"] == refund_id)
        if mine["status"] == "refunded":
            return mine
        await asyncio.sleep(LOOK_EVERY_S)
    insist(False, f"the refund is still {mine['status']} after {REFUND_WITHIN_S} s")
    return None


def _share(amount_minor: int, share_bp: int) -> int:
    """A brand's part when the platform takes the rest: the odd fen goes to whom it is nearer to."""
    return (amount_minor * share_bp + 5_000) // 10_000


def _goods(key: str) -> Goods:
    return next(one for one in GOODS if one.key == key)
