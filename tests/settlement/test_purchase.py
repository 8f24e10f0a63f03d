"""From paid, issued and accrued to a split, once, by the locked contract; whatever the order of arrival."""

from itertools import permutations

import pytest

from services.settlement.domain.components import ContractLockError, PaidAmountError
from services.settlement.domain.contracts import EarnedOn
from services.settlement.domain.journals import ProviderMissingError
from services.settlement.repository.ledger import JournalConflictError
from shared.clock import new_id
from shared.contracts import SettlementSplitV1
from tests.settlement.house import PLATFORM_REST, House, brand_share
from tests.settlement.purchases import Purchase


async def test_a_purchase_is_posted_and_split(house: House) -> None:
    contract = await house.two_brands()
    brand, channel, _ = (share.partner_id for share in contract.shares)
    purchase = Purchase(amount_minor=1_999, fee_minor=12, cost_minor=700, points_cost_minor=19, contract=contract)

    await house.deliver(purchase.paid())
    await house.deliver(purchase.issued())
    assert await house.announced(SettlementSplitV1) == []
    await house.deliver(purchase.accrued())

    assert await house.balances() == {
        "provider_receivable:sandbox:CNY": 1_987,
        "provider_fees:sandbox:CNY": 12,
        "card_cost::CNY": 700,
        "card_stock::CNY": -700,
        "marketing_expense::CNY": 19,
        "points_liability::CNY": -19,
        f"payable:{brand}:CNY": -1_399,  # 1399.30
        f"deferred:{channel}:CNY": -250,  # 249.875
        "platform_revenue::CNY": -350,  # 349.825
    }
    (split,) = await house.announced(SettlementSplitV1)
    assert (split.order_id, split.component_id, split.currency) == (purchase.order_id, purchase.component_id, "CNY")
    assert [(leg.party_kind, leg.partner_id, leg.amount_minor, leg.deferred) for leg in split.legs] == [
        ("brand", brand, 1_399, False),
        ("channel", channel, 250, True),
        ("platform", None, 350, False),
    ]


async def test_the_order_of_arrival_does_not_matter(house: House) -> None:
    contract = await house.two_brands()
    purchases = [Purchase(contract=contract) for _ in permutations(range(3))]
    for purchase, order in zip(purchases, permutations(range(3)), strict=True):
        for position in order:
            await house.deliver((purchase.paid(), purchase.issued(), purchase.accrued())[position])
    splits = await house.announced(SettlementSplitV1)
    assert [split.order_id for split in splits] == [purchase.order_id for purchase in purchases]
    assert len({split.legs for split in splits}) == 1


async def test_every_event_twice_is_every_event_once(house: House) -> None:
    """The inbox is not in play here: this is the second wall, unique keys on the effects themselves."""
    purchase = Purchase(contract=await house.two_brands(), units=2, supplier_id=new_id())
    events = [purchase.paid(), purchase.issued(), purchase.accrued(), purchase.redeemed(), purchase.redeemed(1)]
    await house.deliver(*events)
    once = await house.balances()
    await house.deliver(*events)
    for event in events:
        await house.deliver(event, event)
    assert await house.balances() == once
    assert len(await house.announced(SettlementSplitV1)) == 1


async def test_the_same_key_with_other_amounts_is_refused_and_changes_nothing(house: House) -> None:
    purchase = Purchase()
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    before = await house.balances()
    with pytest.raises(JournalConflictError):
        await house.deliver(purchase.issued().model_copy(update={"cost_minor": 999}))
    assert await house.balances() == before


@pytest.mark.parametrize("wrong", [{"contract_hash": "0" * 64}, {"contract_version": 7}])
async def test_a_wrong_contract_is_refused(house: House, wrong: dict[str, object]) -> None:
    purchase = Purchase(contract=await house.two_brands())
    paid = purchase.paid()
    component = paid.components[0].model_copy(update=wrong)
    with pytest.raises(ContractLockError, match=str(purchase.component_id)):
        await house.deliver(paid.model_copy(update={"components": (component,)}))
    assert await house.balances() == {}
    assert await house.rows("SELECT * FROM components") == []


async def test_a_hash_without_a_version_is_refused(house: House) -> None:
    with pytest.raises(ContractLockError):
        await house.deliver(Purchase().paid(contract_hash="0" * 64))


async def test_a_contract_of_another_sku_is_refused(house: House) -> None:
    purchase = Purchase(contract=await house.two_brands())
    paid = purchase.paid()
    component = paid.components[0].model_copy(update={"sku_id": new_id()})
    with pytest.raises(ContractLockError):
        await house.deliver(paid.model_copy(update={"components": (component,)}))


async def test_an_old_version_is_honoured_after_a_new_one_is_published(house: House) -> None:
    brand = await house.partner()
    old = await house.contract(brand_share(brand, 7_000), PLATFORM_REST)
    purchase = Purchase(amount_minor=1_000, contract=old)
    await house.contract(brand_share(brand, 1_000), PLATFORM_REST, sku_id=old.sku_id)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    (split,) = await house.announced(SettlementSplitV1)
    assert [leg.amount_minor for leg in split.legs] == [700, 300]


async def test_components_must_add_up_to_what_was_paid(house: House) -> None:
    with pytest.raises(PaidAmountError):
        await house.deliver(Purchase().paid().model_copy(update={"paid_minor": 2_000}))


async def test_money_comes_from_somebody(house: House) -> None:
    with pytest.raises(ProviderMissingError):
        await house.deliver(Purchase().paid().model_copy(update={"provider": None}))


async def test_a_free_order_is_split_into_nothing(house: House) -> None:
    purchase = Purchase(amount_minor=0, cost_minor=0, points_cost_minor=0, contract=await house.two_brands())
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    (split,) = await house.announced(SettlementSplitV1)
    assert split.legs == ()
    assert await house.balances() == {}


async def test_without_a_contract_the_platform_keeps_all(house: House) -> None:
    purchase = Purchase(amount_minor=1_000, cost_minor=0, points_cost_minor=0)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    balances = await house.balances()
    assert balances["platform_revenue::CNY"] == -1_000
    assert "unearned::CNY" not in balances


async def test_goods_of_a_supplier_are_owed_to_the_supplier(house: House) -> None:
    purchase = Purchase(cost_minor=650, supplier_id=new_id())
    await house.deliver(purchase.issued())
    assert await house.balances() == {
        "card_cost::CNY": 650,
        f"supplier_payable:{purchase.supplier_id}:CNY": -650,
    }


async def test_each_redeemed_unit_is_earned_and_the_last_takes_the_rest(house: House) -> None:
    channel = await house.partner()
    contract = await house.contract(brand_share(channel, 5_000, earned_on=EarnedOn.REDEMPTION), PLATFORM_REST)
    purchase = Purchase(amount_minor=200, units=3, contract=contract)
    await house.deliver(purchase.redeemed(0))  # before anything else is known
    assert await house.balances() == {}
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    payable, deferred = f"payable:{channel}:CNY", f"deferred:{channel}:CNY"
    assert {code: net for code, net in (await house.balances()).items() if code in {payable, deferred}} == {
        payable: -33,
        deferred: -67,
    }
    await house.deliver(purchase.redeemed(1))
    assert (await house.balances())[payable] == -66
    await house.deliver(purchase.redeemed(2))
    balances = await house.balances()
    assert balances[payable] == -100
    assert deferred not in balances


async def test_a_thousand_purchases_in_sets(house: House) -> None:
    contract = await house.two_brands()
    purchases = [Purchase(amount_minor=100 + number, contract=contract) for number in range(1_000)]
    await house.deliver(*(purchase.accrued() for purchase in purchases))
    await house.deliver(*(purchase.paid() for purchase in purchases))
    await house.deliver(*(purchase.issued() for purchase in purchases))
    balances = await house.balances()
    assert sum(balances.values()) == 0
    assert "unearned::CNY" not in balances
    assert len(await house.announced(SettlementSplitV1)) == 1_000
