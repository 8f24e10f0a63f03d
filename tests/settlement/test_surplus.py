"""Money that bought nothing is booked as it comes and goes: what the provider owes us is what its bill says."""

from itertools import permutations

import pytest

from services.settlement.domain.journals import FeeError
from services.settlement.queries.verify import verify_ledger
from services.settlement.repository.ledger import JournalConflictError
from tests.settlement.desk import Desk
from tests.settlement.house import House
from tests.settlement.purchases import Purchase, Surplus

RECEIVABLE, FEES, UNEARNED = "provider_receivable:sandbox:CNY", "provider_fees:sandbox:CNY", "unearned::CNY"


async def test_a_surplus_comes_in_and_goes_back_and_only_the_fee_is_left(house: House) -> None:
    surplus = Surplus()
    await house.deliver(surplus.paid())
    assert await house.balances() == {RECEIVABLE: 1_987, FEES: 12, UNEARNED: -1_999}
    await house.deliver(surplus.refunded())
    assert await house.balances() == {RECEIVABLE: -12, FEES: 12}


async def test_each_happens_once_whatever_is_heard_first_and_how_often(house: House) -> None:
    """The inbox is not in play here: this is the second wall, unique keys on the effects themselves."""
    ways = list(permutations(range(3)))
    for way in ways:
        surplus = Surplus()
        facts = (surplus.paid(), surplus.refunded(), surplus.paid())
        for position in way:
            await house.deliver(facts[position])
        await house.deliver(surplus.refunded(), surplus.refunded(), surplus.paid())
    assert await house.balances() == {RECEIVABLE: -12 * len(ways), FEES: 12 * len(ways)}


async def test_the_order_and_its_surplus_stand_side_by_side(house: House, desk: Desk) -> None:
    """The same order, and the same hour: neither payment takes the other's place, and the verifier knows them all."""
    purchase = Purchase(cost_minor=0, points_cost_minor=0)
    surplus = Surplus(order_id=purchase.order_id)
    await house.deliver(surplus.paid(), purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(surplus.refunded(), purchase.reversed(), purchase.refunded())
    assert await house.balances() == {RECEIVABLE: -24, FEES: 24}
    path = f"/v1/ops/ledger/journals?order_id={purchase.order_id}"
    shown = (await desk.operator("GET", path)).json()["items"]
    assert sorted(journal["kind"] for journal in shown) == [
        "cash.in",
        "cash.out",
        "split",
        "split.back",
        "surplus.in",
        "surplus.out",
    ]
    await house.seal()
    assert (await verify_ledger(house.database)).ok


async def test_other_amounts_under_a_known_payment_are_refused(house: House) -> None:
    surplus = Surplus()
    await house.deliver(surplus.paid(), surplus.refunded())
    before = await house.balances()
    for other in (
        surplus.paid().model_copy(update={"paid_minor": 2_000}),
        surplus.refunded().model_copy(update={"amount_minor": 1}),
    ):
        with pytest.raises(JournalConflictError):
            await house.deliver(other)
    with pytest.raises(FeeError):
        await house.deliver(Surplus(paid_minor=5, fee_minor=6).paid())
    assert await house.balances() == before
