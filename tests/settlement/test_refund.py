"""The way back: exactly what was posted, in whatever order the facts come, and nothing is left of a full refund."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.domain.contracts import EarnedOn, SplitContract
from shared.clock import new_id
from shared.contracts import Event, SettlementReversedV1, SettlementSplitV1
from tests.settlement.house import PLATFORM_REST, House, brand_share, channel_share
from tests.settlement.purchases import Purchase

LEFT_AFTER_A_REFUND = {
    "provider_receivable:sandbox:CNY": -12,  # the provider gave all back and kept its fee
    "provider_fees:sandbox:CNY": 12,
    "card_cost::CNY": 700,  # the card is bought and void
    "card_stock::CNY": -700,
}


async def test_a_split_component_is_reversed_leg_by_leg(house: House) -> None:
    purchase = Purchase(contract=await house.two_brands())
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    (split,) = await house.announced(SettlementSplitV1)
    await house.deliver(purchase.reversed())
    (reversal,) = await house.announced(SettlementReversedV1)
    assert reversal.legs == split.legs
    assert (reversal.refund_id, reversal.component_id) == (purchase.refund_id, purchase.component_id)
    assert reversal.journal_id is not None
    assert (await house.balances())["unearned::CNY"] == -1_999
    await house.deliver(purchase.refunded())
    assert await house.balances() == LEFT_AFTER_A_REFUND


async def test_a_component_that_was_never_split_never_will_be(house: House) -> None:
    purchase = Purchase(contract=await house.two_brands(), cost_minor=0)
    await house.deliver(purchase.paid(), purchase.reversed())
    (reversal,) = await house.announced(SettlementReversedV1)
    assert (reversal.legs, reversal.journal_id) == ((), None)
    await house.deliver(purchase.issued(), purchase.accrued())
    assert await house.announced(SettlementSplitV1) == []


async def test_every_refund_that_asks_is_answered_and_only_the_first_takes_back(house: House) -> None:
    purchase = Purchase(contract=await house.two_brands())
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(purchase.reversed())
    balances = await house.balances()
    again = purchase.reversed().model_copy(update={"refund_id": new_id(), "points": 0, "cost_minor": 0})
    await house.deliver(again)
    assert await house.balances() == balances
    first, second = await house.announced(SettlementReversedV1)
    assert len(first.legs) == 3
    assert (second.refund_id, second.legs) == (again.refund_id, ())


async def test_what_was_redeemed_is_taken_back_too(house: House) -> None:
    purchase = Purchase(contract=await house.two_brands(), units=3)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued(), purchase.redeemed(0))
    await house.deliver(purchase.redeemed(2))
    await house.deliver(purchase.reversed(), purchase.refunded())
    assert await house.balances() == LEFT_AFTER_A_REFUND


async def test_one_of_many_is_refunded(house: House) -> None:
    contract = await house.two_brands()
    kept, refunded = Purchase(contract=contract), Purchase(contract=contract)
    for purchase in (kept, refunded):
        await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(refunded.reversed(), refunded.refunded())
    brand = contract.shares[0].partner_id
    assert (await house.balances())[f"payable:{brand}:CNY"] == -1_399


async def fresh_contract(house: House, *, on_redemption: bool) -> SplitContract:
    earned_on = EarnedOn.REDEMPTION if on_redemption else EarnedOn.SALE
    brand, channel = await house.partner(), await house.partner("渠道乙")
    return await house.contract(
        brand_share(brand, 6_667, earned_on=earned_on), channel_share(channel, 333), PLATFORM_REST
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    order=st.permutations(range(6)),
    amount=st.integers(0, 50_000),
    units=st.integers(1, 3),
    cuts=st.sets(st.integers(1, 5)),
)
async def test_any_order_of_the_facts_ends_the_same(
    house: House, order: Sequence[int], amount: int, units: int, cuts: set[int]
) -> None:
    """Paid, issued, accrued, redeemed, reversed and refunded, shuffled and cut into batches: nothing is left of it."""
    purchase = Purchase(
        amount_minor=amount,
        units=units,
        fee_minor=0,
        cost_minor=0,
        contract=await fresh_contract(house, on_redemption=True),
    )
    facts: list[Event] = [
        purchase.paid(),
        purchase.issued(),
        purchase.accrued(),
        purchase.redeemed(),
        purchase.reversed(),
        purchase.refunded(),
    ]
    shuffled = [facts[position] for position in order]
    bounds = [0, *sorted(cuts), len(shuffled)]
    for start, end in pairwise(bounds):
        await house.deliver(*shuffled[start:end])
    assert await house.balances() == {}
    answers = [answer for answer in await house.announced(SettlementReversedV1) if answer.order_id == purchase.order_id]
    splits = [split for split in await house.announced(SettlementSplitV1) if split.order_id == purchase.order_id]
    assert len(answers) == 1
    assert sum(leg.amount_minor for leg in answers[0].legs) == sum(
        leg.amount_minor for split in splits for leg in split.legs
    )


@pytest.mark.parametrize("reversed_at", range(4))
async def test_a_refund_between_the_facts_leaves_what_it_should(house: House, reversed_at: int) -> None:
    purchase = Purchase(contract=await house.two_brands())
    facts: list[Event] = [purchase.paid(), purchase.issued(), purchase.accrued()]
    facts.insert(reversed_at, purchase.reversed())
    for fact in facts:
        await house.deliver(fact)
    await house.deliver(purchase.refunded())
    assert await house.balances() == LEFT_AFTER_A_REFUND
