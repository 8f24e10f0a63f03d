"""The way back: exactly what was posted, in whatever order the facts come, and nothing is left of a full refund."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.domain.contracts import EarnedOn, SplitContract
from services.settlement.queries.verify import verify_ledger
from services.settlement.repository.ledger import JournalConflictError
from shared.clock import new_id
from shared.contracts import Event, SettlementReversedV1, SettlementSplitV1
from tests.settlement.desk import Desk
from tests.settlement.house import PLATFORM_REST, House, brand_share, channel_share
from tests.settlement.purchases import Purchase

LEFT_AFTER_A_REFUND = {
    "provider_receivable:sandbox:CNY": -12,  # the provider gave all back and kept its fee
    "provider_fees:sandbox:CNY": 12,
    "card_cost::CNY": 700,  # the card was seen: it is bought and void
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


async def test_the_cost_of_a_card_nobody_saw_comes_back_and_is_booked_anew_with_the_next_buyer(house: House) -> None:
    first, second = Purchase(cost_minor=700), Purchase(cost_minor=700)
    await house.deliver(first.paid(), first.issued(), first.accrued())
    await house.deliver(first.revoked(restocked_minor=700), first.reversed(), first.refunded())
    balances = await house.balances()
    assert (balances.get("card_cost::CNY"), balances.get("card_stock::CNY")) == (None, None)
    await house.deliver(second.paid(), second.issued(), second.accrued())
    balances = await house.balances()
    assert (balances["card_cost::CNY"], balances["card_stock::CNY"]) == (700, -700)


async def test_what_was_seen_stays_spent(house: House) -> None:
    """Of three units one was seen: the cost of the other two comes back, whatever is heard first, however often."""
    before, after = Purchase(units=3, cost_minor=2_100), Purchase(units=3, cost_minor=2_100)
    await house.deliver(before.issued())
    await house.deliver(after.revoked(restocked_minor=1_400))
    await house.deliver(before.revoked(restocked_minor=1_400), after.issued())
    for _ in range(2):  # asked again, inventory says it again; the inbox is not in play here
        await house.deliver(before.revoked(restocked_minor=1_400), after.revoked(restocked_minor=1_400))
    all_seen = Purchase(cost_minor=300)
    await house.deliver(all_seen.issued(), all_seen.revoked())
    assert await house.balances() == {"card_cost::CNY": 1_700, "card_stock::CNY": -1_700}


async def test_a_cost_that_comes_back_otherwise_than_before_is_refused(house: House) -> None:
    purchase = Purchase(units=3, cost_minor=2_100)
    await house.deliver(purchase.issued(), purchase.revoked(restocked_minor=1_400))
    with pytest.raises(JournalConflictError):
        await house.deliver(purchase.revoked(restocked_minor=700))


async def test_the_verifier_and_the_order_s_page_know_the_way_back_of_a_cost(house: House, desk: Desk) -> None:
    purchase = Purchase()
    await house.deliver(purchase.paid(), purchase.issued(), purchase.revoked(restocked_minor=700))
    await house.seal()
    outcome = await verify_ledger(house.database)
    assert (outcome.ok, outcome.unsealed_journals) == (True, 0)
    path = f"/v1/ops/ledger/journals?order_id={purchase.order_id}"
    shown = (await desk.operator("GET", path)).json()["items"]
    assert [journal["kind"] for journal in shown] == ["cash.in", "card.cost", "card.cost.back"]


async def fresh_contract(house: House, *, on_redemption: bool) -> SplitContract:
    earned_on = EarnedOn.REDEMPTION if on_redemption else EarnedOn.SALE
    brand, channel = await house.partner(), await house.partner("渠道乙")
    return await house.contract(
        brand_share(brand, 6_667, earned_on=earned_on), channel_share(channel, 333), PLATFORM_REST
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    order=st.permutations(range(7)),
    amount=st.integers(0, 50_000),
    units=st.integers(1, 3),
    cuts=st.sets(st.integers(1, 6)),
)
async def test_any_order_of_the_facts_ends_the_same(
    house: House, order: Sequence[int], amount: int, units: int, cuts: set[int]
) -> None:
    """Paid, issued, accrued, redeemed, revoked, reversed and refunded, shuffled and cut into batches: nothing is left."""
    purchase = Purchase(
        amount_minor=amount,
        units=units,
        fee_minor=0,
        cost_minor=700,
        contract=await fresh_contract(house, on_redemption=True),
    )
    facts: list[Event] = [
        purchase.paid(),
        purchase.issued(),
        purchase.accrued(),
        purchase.redeemed(),
        purchase.revoked(restocked_minor=700),
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
