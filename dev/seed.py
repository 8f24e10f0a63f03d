"""The demo catalogue of a new stack, made through the gateway as an operator would: `python -m dev.seed`.

Idempotent: partners are found again by access.json, goods by their names. Prints one JSON object on its last line:
`{"operators": [...], "partners": [...]}`.
"""

import asyncio
import json

from dev.client import Access, Api, operator
from dev.merchant import Share, add_product, add_sku, import_cards, make_codes, publish_contract, register_partner
from dev.stack.layout import Layout

BRANDS = ("星海文娱", "青鸟音乐")
CARDS_EACH = 200

SHELF = (
    ("星海视频会员", "视频会员", "星海视频 VIP 月卡", 2_500, 0),
    ("青鸟音乐会员", "音乐会员", "青鸟音乐 VIP 月卡", 1_500, 1),
    ("星海咖啡券", "餐饮卡券", "星海咖啡 中杯兑换券", 2_900, 0),
)


async def seed(access: Access) -> dict[str, object]:
    """Make what is missing; answers operators and partners for access.json."""
    async with Api.to(access.gateway) as api:
        desk = await operator(api, access)
        partners = [dict(one) for one in access.partners]
        missing = [await register_partner(desk, name) for name in BRANDS[len(partners) :]]
        partners += [partner.as_access() for partner in missing]
        listed = await api.get("/v1/products")
        names = {one["name"] for one in listed["items"]}
        for product, category, sku, price_minor, brand in SHELF:
            if product not in names:
                await _put_on_shelf(desk, product, category, sku, price_minor, partners[brand]["partner_id"])
    return {"operators": [dict(one) for one in access.operators], "partners": partners}


async def _put_on_shelf(desk: Api, product: str, category: str, sku: str, price_minor: int, partner_id: str) -> None:
    description = f"{sku},付款后即时到账,权益中心一键使用。"
    product_id = await add_product(desk, name=product, category=category, description=description)
    sku_id = await add_sku(
        desk, product_id, name=sku, price_minor=price_minor, partner_id=partner_id, redeemable_here=True
    )
    await publish_contract(desk, sku_id, [Share(partner_id, 7_000)])
    await import_cards(desk, sku_id, make_codes(CARDS_EACH), cost_minor=price_minor // 3)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(seed(Access.read(Layout.from_environment().access_file))), ensure_ascii=False))
