"""What may be published as a split contract, and the canonical form under its hash."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.settlement.domain.contracts import (
    ContractDateError,
    EarnedOn,
    PartyError,
    PartyKind,
    RemainderError,
    Share,
    SharesExceedWholeError,
    SplitContract,
    check_shares,
    check_start,
)

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
A, B = UUID(int=1), UUID(int=2)
REST = Share(PartyKind.PLATFORM, None, None, remainder=True, earned_on=EarnedOn.SALE)


def brand(partner_id: UUID | None = A, bp: int | None = 5_000, *, remainder: bool = False) -> Share:
    return Share(PartyKind.BRAND, partner_id, bp, remainder=remainder, earned_on=EarnedOn.SALE)


def test_good_shares_pass() -> None:
    check_shares([brand(), brand(B, 5_000), REST])
    check_shares([REST])
    check_shares([brand(bp=None, remainder=True)])


@pytest.mark.parametrize(
    ("shares", "error"),
    [
        ([brand(bp=7_000), brand(B, 3_001), REST], SharesExceedWholeError),
        ([brand(), brand(B, bp=None, remainder=True), REST], RemainderError),
        ([brand(bp=10_000)], RemainderError),
        ([brand(bp=100, remainder=True)], RemainderError),
        ([brand(bp=None), REST], RemainderError),
        ([], PartyError),
        ([brand(), brand(), REST], PartyError),
        ([brand(partner_id=None), REST], PartyError),
        ([Share(PartyKind.PLATFORM, A, None, remainder=True, earned_on=EarnedOn.SALE)], PartyError),
        ([brand(UUID(int=n), 1) for n in range(1, 21)] + [REST], PartyError),
    ],
)
def test_shares_that_leave_a_doubt_are_refused(shares: list[Share], error: type[Exception]) -> None:
    with pytest.raises(error):
        check_shares(shares)


@pytest.mark.parametrize(
    ("start", "previous"),
    [
        (NOW - timedelta(days=1), None),
        (NOW + timedelta(days=3_000), None),
        (NOW + timedelta(days=1), NOW + timedelta(days=2)),
    ],
)
def test_a_contract_is_never_backdated(start: datetime, previous: datetime | None) -> None:
    with pytest.raises(ContractDateError):
        check_start(start, previous=previous, now=NOW)


def test_a_contract_may_start_now_or_later() -> None:
    check_start(NOW, previous=None, now=NOW)
    check_start(NOW + timedelta(days=30), previous=NOW + timedelta(days=30), now=NOW)


def test_the_canonical_form_is_what_is_documented() -> None:
    contract = SplitContract(UUID(int=3), UUID(int=4), 2, NOW, (brand(), REST))
    assert contract.canonical() == (
        b'{"contract_id":"00000000-0000-0000-0000-000000000003","effective_from":"2026-11-20T04:00:00.000000Z",'
        b'"form":"kaquan.split-contract/1","shares":[{"earned_on":"sale",'
        b'"partner_id":"00000000-0000-0000-0000-000000000001","party_kind":"brand","remainder":false,"share_bp":5000},'
        b'{"earned_on":"sale","partner_id":null,"party_kind":"platform","remainder":true,"share_bp":null}],'
        b'"sku_id":"00000000-0000-0000-0000-000000000004","version":2}'
    )
    assert contract.sha256() == "e2a44c7a2b348dfca2c0c236423d70295ffc96befd7acb36b3be06bcbd6b7047"
