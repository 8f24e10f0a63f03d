"""The split rule: exact, within a cent of the exact share for everybody, the same every time."""

from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.domain.contracts import EarnedOn, PartyKind, Share, SplitContract
from services.settlement.domain.split import OverRedeemedError, split, unit_share

AMOUNTS = st.one_of(st.integers(0, 20_000), st.integers(0, 10**12))


def contract_of(*shares_bp: int, remainder_at: int = 0) -> SplitContract:
    shares = [
        Share(PartyKind.BRAND, UUID(int=number), bp, remainder=False, earned_on=EarnedOn.SALE)
        for number, bp in enumerate(shares_bp, start=1)
    ]
    rest = Share(PartyKind.PLATFORM, None, None, remainder=True, earned_on=EarnedOn.REDEMPTION)
    shares.insert(min(remainder_at, len(shares)), rest)
    return SplitContract(UUID(int=9), UUID(int=8), 1, datetime(2026, 1, 1, tzinfo=UTC), tuple(shares))


@st.composite
def contracts(draw: st.DrawFn) -> SplitContract:
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), max_size=8)))
    shares = [high - low for low, high in zip([0, *cuts], cuts, strict=False) if high > low]
    return contract_of(*shares, remainder_at=draw(st.integers(0, 8)))


@given(amount=AMOUNTS, contract=contracts())
def test_nothing_is_lost_and_nobody_is_a_cent_off(amount: int, contract: SplitContract) -> None:
    legs = {leg.partner_id: leg.amount_minor for leg in split(amount, contract)}
    assert sum(legs.values()) == amount
    assert all(part > 0 for part in legs.values())
    rest_bp = 10_000 - sum(share.share_bp or 0 for share in contract.shares)
    for share in contract.shares:
        exact = Fraction(amount * (rest_bp if share.share_bp is None else share.share_bp), 10_000)
        assert abs(legs.get(share.partner_id, 0) - exact) < 1


@given(amount=AMOUNTS, contract=contracts())
def test_the_same_split_every_time(amount: int, contract: SplitContract) -> None:
    assert split(amount, contract) == split(amount, contract)


def test_without_a_contract_the_platform_keeps_all() -> None:
    (leg,) = split(1_999, None)
    assert (leg.party, leg.partner_id, leg.amount_minor, leg.deferred) == (PartyKind.PLATFORM, None, 1_999, False)


def test_nothing_to_share_has_no_legs() -> None:
    assert split(0, contract_of(7_000)) == ()
    assert split(0, None) == ()


@pytest.mark.parametrize(
    ("amount", "shares_bp", "expected"),
    [
        (1_999, (7_000,), {1: 1_399, None: 600}),  # 1399.3 and 599.7: the cent goes to the larger fraction
        (1, (3_333, 3_333), {None: 1}),  # 0.3334 is the largest
        (100, (10_000,), {1: 100}),  # a remainder of nothing takes nothing
        (3, (5_000,), {None: 2, 1: 1}),  # equal fractions: the party written first
    ],
)
def test_known_splits(amount: int, shares_bp: tuple[int, ...], expected: dict[int | None, int]) -> None:
    legs = {
        leg.partner_id.int if leg.partner_id else None: leg.amount_minor
        for leg in split(amount, contract_of(*shares_bp))
    }
    assert legs == expected


@given(amount=AMOUNTS, units=st.integers(1, 200))
def test_units_of_a_deferred_leg_add_up_to_it(amount: int, units: int) -> None:
    parts = [unit_share(amount, units=units, ordinal=ordinal) for ordinal in range(1, units + 1)]
    assert sum(parts) == amount
    assert len(set(parts[:-1])) <= 1
    assert parts[-1] >= parts[0] >= 0


def test_a_unit_too_many_is_refused() -> None:
    with pytest.raises(OverRedeemedError):
        unit_share(100, units=2, ordinal=3)
