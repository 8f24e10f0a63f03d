"""The demo catalogue of a new stack, made through the gateway as an operator would: `python -m dev.seed`.

Idempotent: partners are found again by access.json, goods by their names. Prints one JSON object on its last line:
`{"operators": [...], "partners": [...]}`.
"""

import asyncio
import json
from collections.abc import Mapping

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

OTHER_KINDS: tuple[tuple[str, str, str, int, int, Mapping[str, object]], ...] = (
    (
        "星海体验卡",
        "视频会员",
        "星海视频 7 天激活码",
        900,
        0,
        {"kind": "generated_key", "goods": {"code": {"prefix": "XH7"}, "validity": {"days": 365}}},
    ),
    (
        "青鸟兑换链接",
        "音乐会员",
        "青鸟音乐 月卡领取链接",
        1_200,
        1,
        {
            "kind": "redeem_link",
            "redeemable_here": False,
            "goods": {
                "code": {},
                "link": {"hosts": ["music.example.com"], "template": "https://music.example.com/r?c={code}"},
            },
        },
    ),
    (
        "星海代金券",
        "餐饮卡券",
        "星海咖啡 满 100 减 20 代金券",
        1_500,
        0,
        {
            "kind": "cash_voucher",
            "stock_cap": 500,
            "goods": {
                "code": {"prefix": "XHDJ"},
                "value": {"face_minor": 2_000, "threshold_minor": 10_000},
                "validity": {"days": 90},
            },
        },
    ),
    ("星海到店体验", "餐饮卡券", "星海咖啡 到店品鉴(二维码)", 3_900, 0, {"kind": "offline_qr", "stock_cap": 200}),
    (
        "星海周边",
        "联合会员",
        "星海随行杯",
        6_900,
        0,
        {"kind": "physical", "redeemable_here": False, "stock_cap": 50, "goods": {"cost_minor": 2_500}},
    ),
    (
        "青鸟现场",
        "音乐会员",
        "青鸟音乐节 座位",
        19_900,
        1,
        {
            "kind": "event_seat",
            "stock_cap": 100,
            "goods": {
                "event": {
                    "starts_at": "2030-10-01T19:30:00+08:00",
                    "ends_at": "2030-10-01T22:00:00+08:00",
                    "place": "上海·青鸟大剧院",
                    "numbered": True,
                    "seat_prefix": "A-",
                }
            },
        },
    ),
)
"""One of each kind that needs no cards to be imported."""


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
                sku_id = await _put_on_shelf(desk, product, category, sku, price_minor, partners[brand]["partner_id"])
                await import_cards(desk, sku_id, make_codes(CARDS_EACH), cost_minor=price_minor // 3)
        for product, category, sku, price_minor, brand, more in OTHER_KINDS:
            if product not in names:
                await _put_on_shelf(desk, product, category, sku, price_minor, partners[brand]["partner_id"], **more)
    return {"operators": [dict(one) for one in access.operators], "partners": partners}


async def _put_on_shelf(
    desk: Api, product: str, category: str, sku: str, price_minor: int, partner_id: str, **more: object
) -> str:
    description = f"{sku},付款后即时到账,权益中心一键使用。"
    product_id = await add_product(desk, name=product, category=category, description=description)
    terms = {"redeemable_here": True, **more}
    sku_id = await add_sku(desk, product_id, name=sku, price_minor=price_minor, partner_id=partner_id, **terms)
    await publish_contract(desk, sku_id, [Share(partner_id, 7_000)])
    return sku_id


if __name__ == "__main__":
    print(json.dumps(asyncio.run(seed(Access.read(Layout.from_environment().access_file))), ensure_ascii=False))
