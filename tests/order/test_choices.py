"""Bundles of which the buyer chooses: what is chosen is priced, held, shared and refunded, to the fen."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order.domain.checkouts import build_lines
from services.order.domain.offers import ChoiceError, ChoiceGroup, ChoiceOption, LadderStep, Offer, OfferComponent
from services.order.domain.pricing import Tier, WantedLine, check_lines, price
from shared.clock import new_id, utc_now
from shared.contracts.inventory import ChoiceGroup as ChoiceGroupOffer
from shared.contracts.inventory import ChoiceOption as ChoiceOptionOffer
from shared.contracts.inventory import SkuOffer
from tests.order.facts import components
from tests.order.shop import Shop, offer

options = st.lists(st.tuples(st.integers(1, 1_000), st.integers(0, 5_000)), min_size=1, max_size=6)


@given(
    fixed=st.lists(st.integers(1, 1_000), max_size=4),
    groups=st.lists(options, min_size=1, max_size=3),
    price_minor=st.integers(0, 1_000_000),
    quantity=st.integers(1, 50),
    price_bp=st.integers(0, 10_000),
    draw=st.data(),
)
def test_the_parts_of_what_is_chosen_add_up_to_the_line(
    fixed: list[int], groups: list[list[tuple[int, int]]], price_minor: int, quantity: int, price_bp: int, draw: Any
) -> None:
    sold = Offer(
        product_id=new_id(),
        sku_id=new_id(),
        name="任选礼包",
        price_minor=price_minor,
        currency="CNY",
        max_per_order=50,
        on_sale=True,
        components=tuple(_part(weight) for weight in fixed),
        choices=tuple(
            ChoiceGroup(str(place), draw.draw(st.integers(1, len(group))), tuple(_option(*each) for each in group))
            for place, group in enumerate(groups)
        ),
        ladder=(LadderStep(2, price_minor // 2),),
    )
    picked = [option for group in sold.choices for option in group.options[: group.pick]]
    chosen = tuple(option.component.sku_id for option in reversed(picked))
    offers, wanted = {sold.sku_id: sold}, [WantedLine(sold.sku_id, quantity, chosen)]
    check_lines(offers, wanted, now=utc_now())
    quote = price(offers, wanted, tier=Tier("gold", price_bp))
    (line,) = quote.lines
    assert line.list_minor == (price_minor + sum(option.extra_minor for option in picked)) * quantity
    assert sum(line.parts_minor) == line.total_minor
    assert len(line.parts_minor) == len(fixed) + len(picked)
    whole = sum(part.weight for part in line.offer.components)
    for part, amount_minor in zip(line.offer.components, line.parts_minor, strict=True):
        assert abs(amount_minor * whole - line.total_minor * part.weight) < whole
    _, parts = build_lines(quote, order_id=new_id(), contracts={}, now=utc_now())
    assert sum(part.amount_minor for part in parts) == quote.total_minor


def test_only_what_there_is_to_choose_can_be_chosen() -> None:
    first, second, third = (_option(1, 0) for _ in range(3))
    plain = Offer(new_id(), new_id(), "x", 1, "CNY", 9, on_sale=True, components=(_part(1),))
    sold = replace(plain, choices=(ChoiceGroup("a", 2, (first, second, third)),))
    one, two, three = (option.component.sku_id for option in (first, second, third))
    assert len(sold.chosen([three, one]).components) == 3
    for wrong in ([], [one], [one, one], [one, two, three], [one, new_id()], [one, two, new_id()]):
        with pytest.raises(ChoiceError):
            sold.chosen(wrong)
    with pytest.raises(ChoiceError):
        plain.chosen([one])


async def test_what_is_chosen_is_ordered_held_and_charged(shop: Shop) -> None:
    sold = _two_of_three()
    await shop.sells(sold)
    _, middle, dear = (option.sku_id for option in sold.choices[0].options)
    placed = await _order(shop, sold, middle, dear)
    assert (placed.status_code, placed.json()["total_minor"]) == (201, 2_600)
    order = await shop.order(placed.json()["order_id"], member=_MEMBER)
    assert [UUID(part["sku_id"]) for part in components(order)] == [sold.components[0].sku_id, middle, dear]
    assert [part["amount_minor"] for part in components(order)] == [867, 867, 866]
    (hold,) = shop.inventory.holds.values()
    assert [part["quantity"] for part in hold["components"]] == [2, 2, 2]
    assert [(bundle["sku_id"], bundle["quantity"]) for bundle in hold["bundles"]] == [(str(sold.sku_id), 2)]


async def test_a_wrong_choice_is_refused_with_what_there_is(shop: Shop) -> None:
    sold = _two_of_three()
    await shop.sells(sold)
    cheap, middle, _ = (option.sku_id for option in sold.choices[0].options)
    for chosen in ((), (cheap,), (cheap, middle, new_id())):
        refused = await _order(shop, sold, *chosen)
        assert (refused.status_code, refused.json()["code"]) == (422, "choice.invalid")
        assert refused.json()["groups"][0]["pick"] == 2
    assert shop.inventory.holds == {}


_MEMBER = new_id()


def _part(weight: int) -> OfferComponent:
    return OfferComponent(new_id(), "c", "card_key", 1, weight)


def _option(weight: int, extra_minor: int) -> ChoiceOption:
    return ChoiceOption(_part(weight), extra_minor)


def _two_of_three() -> SkuOffer:
    options = tuple(
        ChoiceOptionOffer(**dict(offer().components[0]), extra_minor=extra_minor) for extra_minor in (0, 0, 300)
    )
    group = ChoiceGroupOffer(name="任选两项", pick=2, options=options)
    return offer(price_minor=1_000, choices=(group,), stock_capped=True)


async def _order(shop: Shop, sold: SkuOffer, *chosen: UUID) -> httpx.Response:
    line = {"sku_id": str(sold.sku_id), "quantity": 2, "choices": [str(sku_id) for sku_id in chosen]}
    return await shop.http.post("/v1/orders", json={"lines": [line]}, headers=shop.headers(_MEMBER))
