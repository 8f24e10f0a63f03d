"""Prices add up, to the last fen, whatever is bought."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.order.domain.checkouts import Contract, build_lines, contract_in_force
from services.order.domain.contacts import Contact, ContactError, contact_of, masked
from services.order.domain.numbers import (
    ALPHABET,
    RANDOM_BITS,
    OrderNumberError,
    check_order_number,
    order_number,
    part_id,
)
from services.order.domain.offers import LadderStep, Limits, Offer, OfferComponent
from services.order.domain.pricing import (
    MixedCurrencyError,
    PriceChangedError,
    QuantityError,
    SkuOffShelfError,
    SkuUnknownError,
    Tier,
    WantedLine,
    check_expected,
    check_lines,
    discounted,
    price,
)
from shared.clock import new_id

NOW = datetime(2026, 11, 21, tzinfo=UTC)

weights = st.lists(st.integers(1, 10_000), min_size=1, max_size=6)
baskets = st.lists(st.tuples(st.integers(0, 10_000_000), weights, st.integers(1, 50)), min_size=1, max_size=6)


def offer(
    price_minor: int = 1000, parts: list[int] | None = None, *, on_sale: bool = True, currency: str = "CNY"
) -> Offer:
    return Offer(
        product_id=new_id(),
        sku_id=new_id(),
        name="sku",
        price_minor=price_minor,
        currency=currency,
        max_per_order=50,
        on_sale=on_sale,
        components=tuple(OfferComponent(new_id(), "c", "card_key", 1, weight) for weight in parts or [1]),
    )


@given(basket=baskets, price_bp=st.integers(0, 10_000))
def test_lines_parts_and_adjustments_add_up(basket: list[tuple[int, list[int], int]], price_bp: int) -> None:
    offers = {each.sku_id: each for each in (offer(price_minor, parts) for price_minor, parts, _ in basket)}
    wanted = [WantedLine(sku_id, line[2]) for sku_id, line in zip(offers, basket, strict=True)]
    check_lines(offers, wanted, now=NOW)
    quote = price(offers, wanted, tier=Tier("gold", price_bp))
    assert quote.total_minor == sum(line.total_minor for line in quote.lines)
    assert quote.list_minor - sum(step.amount_minor for step in quote.adjustments) == quote.total_minor
    assert all(sum(line.parts_minor) == line.total_minor for line in quote.lines)
    assert all(part >= 0 for line in quote.lines for part in line.parts_minor)
    order_id = new_id()
    lines, components = build_lines(quote, order_id=order_id, contracts={}, now=NOW)
    assert sum(part.amount_minor for part in components) == quote.total_minor
    ids = [line.line_id for line in lines] + [part.component_id for part in components] + [order_id]
    assert len(set(ids)) == len(ids)
    assert {part.quantity for part in components} == {line.quantity for line in quote.lines}


ladders = st.lists(
    st.tuples(st.integers(2, 60), st.integers(0, 10_000_000)), max_size=4, unique_by=lambda step: step[0]
)


@given(
    basket=baskets,
    ladder=ladders,
    floor_minor=st.integers(0, 10_000_000),
    price_bp=st.integers(0, 10_000),
)
def test_ladder_and_tier_add_up_to_the_fen_and_never_go_below_the_floor(
    basket: list[tuple[int, list[int], int]], ladder: list[tuple[int, int]], floor_minor: int, price_bp: int
) -> None:
    """Any ladder at all, also one that inventory would refuse: it never raises a price."""
    steps = tuple(LadderStep(*step) for step in ladder)
    offers = {
        each.sku_id: replace(each, ladder=steps, floor_minor=floor_minor)
        for each in (offer(price_minor, parts) for price_minor, parts, _ in basket)
    }
    # The same goods on two lines: the ladder counts both.
    wanted = [WantedLine(sku_id, line[2]) for sku_id, line in zip(offers, basket, strict=True)] * 2
    quote = price(offers, wanted, tier=Tier("gold", price_bp))
    for line in quote.lines:
        assert line.list_minor - sum(step.amount_minor for step in line.adjustments) == line.total_minor
        assert sum(line.parts_minor) == line.total_minor <= line.list_minor
        assert line.total_minor >= min(floor_minor * line.quantity, line.list_minor)
        assert [step.kind for step in line.adjustments] in ([], ["ladder"], ["tier"], ["ladder", "tier"])
    assert quote.list_minor - sum(step.amount_minor for step in quote.adjustments) == quote.total_minor
    assert len({step.rule for step in quote.adjustments}) == len(quote.adjustments)


def test_the_ladder_comes_before_the_tier_and_both_say_why() -> None:
    sold = replace(offer(1_900), ladder=(LadderStep(10, 1_800), LadderStep(50, 1_000)), floor_minor=1_700)
    quote = price({sold.sku_id: sold}, [WantedLine(sold.sku_id, 10)], tier=Tier("gold", 9_000))
    assert (quote.list_minor, quote.total_minor) == (19_000, 17_000)
    assert [(step.kind, step.amount_minor, step.rule, step.label) for step in quote.adjustments] == [
        ("ladder", 1_000, f"ladder:{sold.sku_id}:10:1800", "sku 满 10 件批发价"),
        ("tier", 1_000, "tier:gold:9000:floor", "gold 会员价 9 折,已到底价"),
    ]
    nine = price({sold.sku_id: sold}, [WantedLine(sold.sku_id, 9)], tier=None)
    assert (nine.total_minor, nine.adjustments) == (17_100, ())


def test_an_order_takes_whole_steps_from_the_least_on() -> None:
    sold = replace(offer(), limits=Limits(min_per_order=4, order_step=2))
    offers = {sold.sku_id: sold}
    for good in ([4], [50], [1, 5]):
        check_lines(offers, [WantedLine(sold.sku_id, quantity) for quantity in good], now=NOW)
    for bad in ([2], [5], [52], [4, 1], [6, -2]):
        with pytest.raises(QuantityError):
            check_lines(offers, [WantedLine(sold.sku_id, quantity) for quantity in bad], now=NOW)


@given(list_minor=st.integers(0, 10**12), price_bp=st.integers(0, 10_000))
def test_a_discount_is_rounded_half_up_and_never_raises_a_price(list_minor: int, price_bp: int) -> None:
    total = discounted(list_minor, price_bp=price_bp)
    assert 0 <= total <= list_minor
    assert abs(total * 10_000 - list_minor * price_bp) <= 5_000


def test_no_tier_no_adjustment() -> None:
    sold = offer()
    quote = price({sold.sku_id: sold}, [WantedLine(sold.sku_id, 1)], tier=Tier("plain", 10_000))
    assert quote.adjustments == ()


def test_what_cannot_be_bought_is_refused() -> None:
    sold, gone, foreign = offer(), offer(on_sale=False), offer(currency="USD")
    offers = {each.sku_id: each for each in (sold, gone, foreign)}
    for quantity in (0, -1, 51, 10**30):
        with pytest.raises(QuantityError):
            check_lines(offers, [WantedLine(sold.sku_id, quantity)], now=NOW)
    with pytest.raises(QuantityError):
        check_lines(offers, [WantedLine(sold.sku_id, 26), WantedLine(sold.sku_id, 25)], now=NOW)
    with pytest.raises(SkuUnknownError):
        check_lines(offers, [WantedLine(new_id(), 1)], now=NOW)
    with pytest.raises(SkuOffShelfError):
        check_lines(offers, [WantedLine(gone.sku_id, 1)], now=NOW)
    with pytest.raises(MixedCurrencyError):
        check_lines(offers, [WantedLine(sold.sku_id, 1), WantedLine(foreign.sku_id, 1)], now=NOW)


def test_the_buyer_s_price_holds_or_nothing_is_bought() -> None:
    sold = offer()
    quote = price({sold.sku_id: sold}, [WantedLine(sold.sku_id, 1)], tier=None)
    check_expected(quote, expected_total_minor=None)
    check_expected(quote, expected_total_minor=1000)
    with pytest.raises(PriceChangedError):
        check_expected(quote, expected_total_minor=999)


def test_the_contract_that_took_effect_last_is_in_force() -> None:
    def version(number: int, days: int) -> Contract:
        return Contract(new_id(), number, "h", NOW + timedelta(days=days))

    assert contract_in_force([], now=NOW) is None
    assert contract_in_force([version(1, 1)], now=NOW) is None
    known = [version(1, -3), version(3, 1), version(2, -1), version(4, -2)]
    in_force = contract_in_force(known, now=NOW)
    assert in_force is not None
    assert in_force.version == 2
    assert contract_in_force([version(1, 0)], now=NOW) is not None


@given(entropy=st.integers(0, 2**RANDOM_BITS - 1), place=st.integers(0, 19), other=st.sampled_from(ALPHABET))
def test_one_wrong_letter_in_an_order_number_is_found(entropy: int, place: int, other: str) -> None:
    number = order_number(date(2026, 11, 21), entropy=entropy)
    check_order_number(number)
    wrong = number[:place] + other + number[place + 1 :]
    if wrong != number:
        with pytest.raises(OrderNumberError):
            check_order_number(wrong)


@pytest.mark.parametrize("text", ["", "2026112", "20261121ABCDEFGHJKM", "20261121 BCDEFGHJKMN", "20261121OBCDEFGHJKMN"])
def test_what_is_no_order_number_is_told(text: str) -> None:
    with pytest.raises(OrderNumberError):
        check_order_number(text)


def test_parts_of_an_order_have_ids_of_their_own_that_come_again() -> None:
    order_id = new_id()
    ids = [part_id(order_id, position) for position in range(1, 200)]
    assert len({*ids, order_id}) == 200
    assert ids == [part_id(order_id, position) for position in range(1, 200)]
    assert {each.version for each in ids} == {7}


@pytest.mark.parametrize(
    ("email", "phone"),
    [
        (None, None),
        ("", ""),
        ("nobody", None),
        ("a@b", None),
        ("a b@c.de", None),
        (None, "12"),
        (None, "phone"),
        ("x@y.z\n", "1"),
    ],
)
def test_a_guest_must_be_reachable(email: str | None, phone: str | None) -> None:
    with pytest.raises(ContactError):
        contact_of(email=email, phone=phone)


def test_a_contact_is_normalised_and_never_shown_whole() -> None:
    contact = contact_of(email=" Ada@Example.ORG ", phone="+86 (138) 0013-8000")
    assert (contact.email, contact.phone) == ("ada@example.org", "+8613800138000")
    assert "ada" not in repr(contact)
    assert masked(contact) == "a***@example.org"
    assert masked(Contact(None, "+8613800138000")) == "***8000"
