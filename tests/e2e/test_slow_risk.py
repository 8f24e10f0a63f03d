"""Risk stops answering and comes back: what it missed, no person has to look at."""

import pytest

from dev.client import Access, Api, UnexpectedAnswerError
from tests.e2e import shop
from tests.e2e.shop import Goods, eventually, order_in, pay, place, put_on_sale
from tests.support.world import World

pytestmark = pytest.mark.e2e


async def deny(desk: Api, thief: Api, goods: Goods) -> None:
    """List the member, and wait until it is known at the till."""
    listing = {
        "kind": "member",
        "value": (await thief.get("/v1/me"))["member_id"],
        "action": "deny",
        "reason": "stolen",
    }
    await desk.post("/v1/ops/risk/lists", listing)

    async def refused() -> bool:
        try:
            await place(thief, goods.sku_id)
        except UnexpectedAnswerError as error:
            return "risk.denied" in str(error)
        return False

    await eventually(refused, bool)


async def test_a_frozen_risk_strands_nobody(world: World, api: Api, desk: Api, access: Access) -> None:
    goods = await put_on_sale(desk, access)
    buyer, thief = await shop.register(api), await shop.register(api)
    await deny(desk, thief, goods)
    with world.frozen("risk"):
        paid_meanwhile = await place(buyer, goods.sku_id)
        await pay(buyer, paid_meanwhile["order_id"])
        await order_in(buyer, paid_meanwhile["order_id"], "held")
        paid_later = await place(buyer, goods.sku_id)
        stolen = await place(thief, goods.sku_id)
        await pay(thief, stolen["order_id"])
    await order_in(buyer, paid_meanwhile["order_id"], "completed")
    await pay(buyer, paid_later["order_id"])
    await order_in(buyer, paid_later["order_id"], "completed")
    refunded = await order_in(thief, stolen["order_id"], "refunded")
    assert [refund["reason"] for refund in refunded["refunds"]] == ["risk_denied"]
    by_system = {
        case["order_id"]: case["state"]
        for state in ("released", "denied")
        for case in (await desk.get("/v1/ops/risk/cases", state=state))["items"]
        if case["decided_by"] == "system"
    }
    assert by_system[paid_meanwhile["order_id"]] == "released"
    assert by_system[stolen["order_id"]] == "denied"
