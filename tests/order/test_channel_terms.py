"""What a channel may buy and at which price."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order.domain.channels import Terms, channel_price, unit_price
from services.order.domain.offers import LadderStep, Offer, OfferComponent
from services.order.domain.pricing import WantedLine
from shared.clock import new_id
from shared.contracts import StockChangedV1
from shared.contracts.inventory import LadderStep as SoldLadderStep
from tests.order.reseller import Reseller, open_reseller
from tests.order.shop import Shop, bundle, offer

FAR = datetime(2099, 1, 1, tzinfo=UTC)


async def test_agreed_prices_count_before_the_discount_and_the_floor_before_both(shop: Shop) -> None:
    agreed, floored = offer(price_minor=1_000), offer(price_minor=1_000, floor_minor=970)
    laddered = offer(price_minor=1_000, ladder=(SoldLadderStep(quantity_from=10, unit_minor=700),))
    reseller = await open_reseller(shop, price_bp=9_500, prices={str(agreed.sku_id): 880})
    await shop.sells(agreed, floored, laddered)
    order = (await reseller.orders("X-1", (agreed, 1), (floored, 1), (laddered, 10))).json()
    assert [line["total_minor"] for line in order["lines"]] == [880, 970, 7_000]


async def test_a_limit_on_the_price_is_kept(shop: Shop) -> None:
    reseller = await open_reseller(shop)
    sold = offer(price_minor=1_000)
    await shop.sells(sold)
    dear = await reseller.orders("X-1", (sold, 2), max_total_minor=1_999)
    assert (dear.status_code, dear.json()["code"], dear.json()["total_minor"]) == (409, "price.above_max", 2_000)
    assert (await reseller.orders("X-1", (sold, 2), max_total_minor=2_000)).status_code == 201


@pytest.mark.parametrize(("named", "sells"), [("sku_ids", True), ("product_ids", False), ("categories", True)])
async def test_only_what_is_named_is_sold(shop: Shop, named: str, sells: bool) -> None:  # noqa: FBT001
    sold, other = offer(), offer()
    values = {"sku_ids": [str(sold.sku_id)], "product_ids": [str(new_id())], "categories": ["video"]}
    reseller = await open_reseller(shop, **{named: values[named]})
    await shop.sells(sold)
    await shop.sells(other)
    answer = await reseller.orders("X-1", (sold, 1))
    assert (answer.status_code == 201) is sells
    listed = {goods["sku_id"] for goods in (await reseller.get("products")).json()["items"]}
    assert (str(sold.sku_id) in listed) is sells
    if not sells:
        assert (answer.status_code, answer.json()["code"]) == (403, "sku.not_for_channel")


async def test_without_terms_or_paused_nothing_is_sold(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    stranger = Reseller(shop)
    for act in (stranger.orders("X-1", (sold, 1)), stranger.get("products")):
        answer = await act
        assert (answer.status_code, answer.json()["code"]) == (403, "channel.not_active")
    reseller = await open_reseller(shop, active=False)
    assert (await reseller.orders("X-1", (sold, 1))).json()["code"] == "channel.not_active"
    await reseller.agrees(active=True)
    assert (await reseller.orders("X-1", (sold, 1))).status_code == 201
    await reseller.agrees(active=False)
    assert (await reseller.order("X-1"))["status"] == "paid"  # what was bought is still to be had


async def test_terms_are_for_channels_that_settlement_knows(shop: Shop) -> None:
    reseller = Reseller(shop)
    shop.settlement.channel_id = str(uuid4())
    refused = await reseller.agrees(price_bp=9_000)
    assert (refused.status_code, refused.json()["code"]) == (404, "channel.not_found")
    assert (await reseller.agrees(price_bp=10_001)).status_code == 422


async def test_gates_and_limits_hold_by_the_terms(shop: Shop) -> None:
    gold, limited = offer(tiers=("gold",)), offer(max_per_member=1)
    await shop.sells(gold, limited)
    plain = await open_reseller(shop)
    assert (await plain.orders("X-1", (gold, 1))).json()["code"] == "tier.required"
    assert (await plain.orders("X-2", (limited, 1))).status_code == 201
    assert (await plain.orders("X-3", (limited, 1))).json()["code"] == "purchase.limit"
    trusted = await open_reseller(shop, tier="gold", buyer_limits=False)
    for number in ("X-1", "X-2"):
        assert (await trusted.orders(number, (gold, 1), (limited, 1))).status_code == 201


async def test_goods_are_listed_by_pages_with_price_stock_and_what_they_ask_for(shop: Shop) -> None:
    reseller = await open_reseller(shop, price_bp=9_000)
    sold = [offer(price_minor=1_000), bundle(1, 2), offer(on_sale=False)]
    await shop.sells(*sold)
    told = StockChangedV1(sku_id=sold[0].sku_id, available=7, version=2)
    await shop.hear(told, told.model_copy(update={"available": 9, "version": 1}))
    await shop.hear(told.model_copy(update={"available": 8, "version": 1}))
    first = (await reseller.get("products?limit=1")).json()
    rest = (await reseller.get(f"products?limit=1&cursor={first['next_cursor']}")).json()
    assert rest["next_cursor"] is None
    goods = {each["sku_id"]: each for each in (*first["items"], *rest["items"])}
    assert goods.keys() == {str(each.sku_id) for each in sold[:2]}
    plain, joined = goods[str(sold[0].sku_id)], goods[str(sold[1].sku_id)]
    assert (plain["price_minor"], plain["stock"], plain["kind"]) == (900, 7, "card_key")
    assert (joined["stock"], joined["kind"]) == (None, "bundle")


@given(
    price_minor=st.integers(0, 10**6),
    price_bp=st.integers(1, 10_000),
    own=st.none() | st.integers(0, 2 * 10**6),
    floor_minor=st.integers(0, 10**6),
    quantity=st.integers(1, 50),
    weights=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    step=st.none() | st.integers(0, 10**6),
)
def test_a_channels_price_is_within_floor_and_list_and_its_parts_add_up(
    price_minor: int,
    price_bp: int,
    own: int | None,
    floor_minor: int,
    quantity: int,
    weights: list[int],
    step: int | None,
) -> None:
    sold = Offer(
        product_id=new_id(),
        sku_id=new_id(),
        name="月卡",
        price_minor=price_minor,
        currency="CNY",
        max_per_order=100,
        on_sale=True,
        components=tuple(OfferComponent(new_id(), "月卡", "card_key", 1, weight) for weight in weights),
        ladder=() if step is None else (LadderStep(2, step),),
        floor_minor=floor_minor,
    )
    terms = Terms(
        channel_id=new_id(),
        name="渠道",
        active=True,
        price_bp=price_bp,
        prices={} if own is None else {sold.sku_id: own},
        sku_ids=frozenset(),
        product_ids=frozenset(),
        categories=frozenset(),
        tier=None,
        buyer_limits=True,
    )
    quote = channel_price(terms, {sold.sku_id: sold}, [WantedLine(sold.sku_id, quantity)])
    assert min(floor_minor, price_minor) * quantity <= quote.total_minor <= price_minor * quantity
    assert sum(quote.lines[0].parts_minor) == quote.total_minor
    assert quote.list_minor - sum(step.amount_minor for step in quote.adjustments) == quote.total_minor
    assert min(floor_minor, price_minor) <= unit_price(terms, sold) <= price_minor
