"""The operator's part: two brands, three components, 1,000 cards, one bundle."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from dev.client import Access, Api
from dev.demo.story import Story, insist, yuan
from dev.merchant import Share, add_product, add_sku, import_cards, make_codes, publish_contract, wait_until_on_sale

BUNDLE_PRICE_MINOR = 9_900


@dataclass(frozen=True)
class Goods:
    """One component of the bundle as the operator sets it up."""

    key: str
    product: str
    sku: str
    category: str
    price_minor: int
    cost_minor: int
    cards: int
    brand: int
    """Which of the partners in access.json."""
    share_bp: int
    earned_on: str


GOODS = (
    Goods("video", "星海视频会员", "星海视频 VIP 月卡", "视频会员", 3_000, 900, 1_000, 0, 7_000, "sale"),
    Goods("music", "青鸟音乐会员", "青鸟音乐 VIP 季卡", "音乐会员", 4_500, 1_500, 200, 1, 6_500, "redemption"),
    Goods("coffee", "星海咖啡券", "星海咖啡 中杯兑换券", "餐饮卡券", 3_200, 1_000, 200, 0, 8_000, "redemption"),
)


@dataclass(frozen=True)
class Shelf:
    """What stands on the shelf: the bundle, and what it consists of by name."""

    product_id: str
    bundle_id: str
    sku_ids: dict[str, str]
    codes: dict[str, frozenset[str]]


async def fill_shelf(desk: Api, access: Access, story: Story, goods: Sequence[Goods] = GOODS) -> Shelf:
    """List products, import cards, publish contracts, tie the bundle. Every run makes its own, under a run number."""
    run = uuid.uuid4().hex[:6].upper()
    sku_ids, codes = {}, {}
    for one in goods:
        sku_ids[one.key], codes[one.key] = await _list_goods(desk, access, one, run, story)
    product_id = await add_product(
        desk,
        name=f"联合会员大礼包 {run}",
        category="联合会员",
        description="视频 + 音乐 + 咖啡,一次开通,单买合计 107 元。",
    )
    bundle_id = await add_sku(
        desk,
        product_id,
        name=f"联合会员 三合一 {run}",
        price_minor=BUNDLE_PRICE_MINOR,
        kind="bundle",
        components=[{"sku_id": sku_ids[one.key], "quantity": 1, "weight": one.price_minor} for one in goods],
    )
    quote = await wait_until_on_sale(desk, bundle_id)
    insist(quote["total_minor"] == BUNDLE_PRICE_MINOR, f"the bundle is quoted at {quote['total_minor']}")
    story.tell(f"bundle of {len(goods)} components from two brands is on sale for {yuan(BUNDLE_PRICE_MINOR)}")
    return Shelf(product_id, bundle_id, sku_ids, codes)


async def _list_goods(desk: Api, access: Access, goods: Goods, run: str, story: Story) -> tuple[str, frozenset[str]]:
    partner = access.partners[goods.brand]
    product_id = await add_product(
        desk, name=f"{goods.product} {run}", category=goods.category, description=f"{goods.sku},付款后即时到账。"
    )
    sku_id = await add_sku(
        desk,
        product_id,
        name=goods.sku,
        price_minor=goods.price_minor,
        partner_id=partner["partner_id"],
        redeemable_here=True,
    )
    await publish_contract(desk, sku_id, [Share(partner["partner_id"], goods.share_bp, goods.earned_on)])
    codes = make_codes(goods.cards)
    taken = await import_cards(desk, sku_id, codes, cost_minor=goods.cost_minor)
    insist(taken == goods.cards, f"{taken} of {goods.cards} cards were taken")
    story.tell(
        f"operator lists {goods.sku} of {partner['name']} ({yuan(goods.price_minor)}), imports {taken} cards, "
        f"shares {goods.share_bp / 100:.0f} % on {goods.earned_on}"
    )
    return sku_id, frozenset(codes)
