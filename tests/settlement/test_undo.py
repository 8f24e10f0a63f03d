"""A redemption that is undone: what it earned waits again, whatever is heard first; statements show both."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from uuid import UUID

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.domain.contracts import EarnedOn
from services.settlement.domain.statement_files import FileFormat
from services.settlement.queries.verify import verify_ledger
from shared.clock import new_id
from shared.contracts import Event
from tests.settlement.desk import Desk
from tests.settlement.house import PLATFORM_REST, House, brand_share
from tests.settlement.purchases import NOON, Purchase
from tests.settlement.test_statements import DAY, draw, file_of


async def sold(house: House, *, amount_minor: int = 1_000, units: int = 1) -> tuple[Purchase, UUID]:
    """A purchase of which a brand earns 70 % on redemption, and the brand."""
    brand = await house.partner()
    contract = await house.contract(brand_share(brand, 7_000, earned_on=EarnedOn.REDEMPTION), PLATFORM_REST)
    return Purchase(
        amount_minor=amount_minor, units=units, contract=contract, fee_minor=0, cost_minor=0, points_cost_minor=0
    ), brand


async def owed(house: House, brand: UUID) -> tuple[int, int]:
    """What the brand has earned, and what waits for it."""
    balances = await house.balances()
    return -balances.get(f"payable:{brand}:CNY", 0), -balances.get(f"deferred:{brand}:CNY", 0)


async def test_what_is_undone_waits_again_and_may_be_earned_by_another_redemption(house: House) -> None:
    purchase, brand = await sold(house)
    first, second = new_id(), new_id()
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(purchase.redeemed(redemption_id=first))
    assert await owed(house, brand) == (700, 0)
    await house.deliver(purchase.undone(first))
    assert await owed(house, brand) == (0, 700)
    await house.deliver(purchase.redeemed(redemption_id=second))
    assert await owed(house, brand) == (700, 0)
    for _ in range(2):  # all of it again; the inbox is not in play here
        await house.deliver(purchase.redeemed(redemption_id=first), purchase.undone(first))
        await house.deliver(purchase.redeemed(redemption_id=second))
    assert await owed(house, brand) == (700, 0)
    await house.deliver(purchase.reversed(), purchase.refunded())
    assert await owed(house, brand) == (0, 0)


async def test_the_rest_of_a_division_is_with_a_component_that_is_redeemed_whole(house: House) -> None:
    """700 fen among three units: 233 each, and one more with the third, whichever was undone before."""
    purchase, brand = await sold(house, units=3)
    ids = [new_id() for _ in range(4)]
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(*(purchase.redeemed(unit, redemption_id=ids[unit]) for unit in range(3)))
    assert await owed(house, brand) == (700, 0)
    await house.deliver(purchase.undone(ids[0], 0))
    assert await owed(house, brand) == (466, 234)
    await house.deliver(purchase.redeemed(0, redemption_id=ids[3]))
    assert await owed(house, brand) == (700, 0)


async def test_after_the_refund_an_undoing_changes_nothing(house: House) -> None:
    purchase, brand = await sold(house)
    redemption_id = new_id()
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(purchase.redeemed(redemption_id=redemption_id))
    await house.deliver(purchase.reversed(), purchase.refunded())
    before = await house.balances()
    await house.deliver(purchase.undone(redemption_id))
    assert await house.balances() == before
    assert await owed(house, brand) == (0, 0)


async def test_a_redemption_from_before_they_had_ids_is_undone_by_its_id(house: House) -> None:
    purchase, brand = await sold(house)
    redemption_id = new_id()
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued(), purchase.redeemed())
    assert await owed(house, brand) == (700, 0)
    await house.deliver(purchase.redeemed(redemption_id=redemption_id))  # said again, by who knows its id
    assert await owed(house, brand) == (700, 0)
    await house.deliver(purchase.undone(redemption_id))
    assert await owed(house, brand) == (0, 700)
    await house.deliver(purchase.redeemed(redemption_id=new_id()))
    await house.deliver(purchase.reversed(), purchase.refunded())
    assert await owed(house, brand) == (0, 0)


async def test_statements_show_both_lines(house: House, desk: Desk) -> None:
    purchase, brand = await sold(house)
    redemption_id = new_id()
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(purchase.redeemed(redemption_id=redemption_id))
    house.now = NOON + DAY
    await house.deliver(purchase.undone(redemption_id))
    await house.seal()
    drawn = await draw(house, brand, "2026-11", now=NOON + 5 * DAY)
    lines = orjson.loads(await file_of(house, drawn, FileFormat.JSON))["lines"]
    assert [(line["kind"], line["amount_minor"], line["deferred_minor"]) for line in lines] == [
        ("share", 0, 700),
        ("redemption", 700, -700),
        ("redemption_undone", -700, 700),
    ]
    assert [line["entitlement_id"] for line in lines[1:]] == [str(purchase.entitlement_ids[0])] * 2
    assert "核销撤销" in (await file_of(house, drawn, FileFormat.CSV)).decode()
    assert (await verify_ledger(house.database)).ok
    shown = (await desk.operator("GET", f"/v1/ops/ledger/journals?order_id={purchase.order_id}")).json()["items"]
    assert [journal["kind"] for journal in shown] == ["cash.in", "split", "redemption", "redemption.undone"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(
    amount=st.integers(0, 5_000),
    attempts=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    ends_redeemed=st.lists(st.booleans(), min_size=3, max_size=3),
    is_refunded=st.booleans(),
    seed=st.integers(0, 2**32),
)
async def test_any_order_of_redemptions_and_undoings_ends_the_same(
    house: House,
    amount: int,
    attempts: Sequence[int],
    ends_redeemed: Sequence[bool],
    *,
    is_refunded: bool,
    seed: int,
) -> None:
    """Each unit redeemed and undone some times, and some at last redeemed; with the sale's facts, in batches, some twice."""
    shuffle = Random(seed)
    units = len(attempts)
    purchase, brand = await sold(house, amount_minor=amount, units=units)
    facts: list[Event] = [purchase.paid(), purchase.issued(), purchase.accrued()]
    for unit, undone in enumerate(attempts):
        for redemption_id in [new_id() for _ in range(undone)]:
            facts += [purchase.redeemed(unit, redemption_id=redemption_id), purchase.undone(redemption_id, unit)]
        if ends_redeemed[unit]:
            facts.append(purchase.redeemed(unit, redemption_id=new_id()))
    if is_refunded:
        facts += [purchase.reversed(), purchase.refunded()]
    facts += shuffle.sample(facts, k=len(facts) // 3)
    shuffle.shuffle(facts)
    bounds = [0, *sorted(shuffle.sample(range(len(facts)), k=min(4, len(facts)))), len(facts)]
    for start, end in pairwise(bounds):
        await house.deliver(*facts[start:end])
    share = 0 if is_refunded else brand_share_of(amount)
    redeemed = sum(ends_redeemed[:units])
    earned = share if redeemed == units else share // units * redeemed
    assert await owed(house, brand) == (earned, share - earned)
    (counted,) = await house.rows(
        "SELECT redeemed_units FROM components WHERE component_id = $1", purchase.component_id
    )
    assert counted == (redeemed,)


def brand_share_of(amount_minor: int) -> int:
    """70 % as largest remainder gives it to the brand: the greater fraction of two, the brand's on a tie."""
    whole, fraction = divmod(amount_minor * 7, 10)
    return whole + (fraction >= 5)
