"""What the ledger refuses at the database itself, whoever asks."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from services.settlement.domain.journals import Journal, JournalKind, Posting
from services.settlement.repository.ledger import post
from shared.clock import new_id
from shared.contracts import SettlementSplitV1
from shared.database import violated
from tests.settlement.house import House
from tests.settlement.purchases import NOON, Purchase

ADD_JOURNAL = (
    "INSERT INTO journals (kind, subject_id, order_id, currency, lines, posted_at)"
    " VALUES ('cash.in', gen_random_uuid(), gen_random_uuid(), $1, $2, $3) RETURNING journal_no"
)
ADD_POSTING = (
    "INSERT INTO postings (journal_no, line, debit_account, credit_account, amount_minor, posted_on)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)


async def write(house: House, *statements: tuple[str, tuple[object, ...]]) -> None:
    async with house.database.begin() as uow:
        for statement, arguments in statements:
            await uow.raw.execute(statement, *arguments)


async def write_whole(house: House, *, currency: str = "CNY", amount: int = 1, debit: int = 1, credit: int = 2) -> None:
    """A journal with one posting in one statement, as the service writes them."""
    together = (
        f"WITH j AS ({ADD_JOURNAL}) INSERT INTO postings (journal_no, line, debit_account, credit_account, amount_minor,"
        " posted_on) SELECT journal_no, 1, $4, $5, $6, $7 FROM j"
    )
    await write(house, (together, (currency, 1, NOON, debit, credit, amount, NOON.date())))


async def test_a_whole_journal_is_taken(house: House) -> None:
    await house.deliver(Purchase().paid())
    await write_whole(house)


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"amount": 0}, "ck_postings_moves_something"),
        ({"amount": -5}, "ck_postings_moves_something"),
        ({"credit": 1}, "ck_postings_moves_somewhere"),
        ({"credit": 999}, "postings_fit"),
        ({"currency": "USD"}, "postings_fit"),
    ],
)
async def test_what_does_not_balance_cannot_be_written(house: House, wrong: dict[str, object], constraint: str) -> None:
    await house.deliver(Purchase().paid())
    before = await house.balances()
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:
        await write_whole(house, **wrong)  # type: ignore[arg-type]  # parametrized
    assert violated(refused.value) == constraint
    assert await house.balances() == before


async def test_a_journal_without_its_postings_is_refused(house: House) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await write(house, (ADD_JOURNAL, ("CNY", 2, NOON)))
    assert violated(refused.value) == "journals_are_whole"


async def test_nothing_is_added_to_a_journal_later(house: House) -> None:
    await house.deliver(Purchase(fee_minor=0).paid())
    ((journal_no,),) = await house.rows("SELECT journal_no FROM journals")
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await write(house, (ADD_POSTING, (journal_no, 2, 1, 2, 5, NOON.date())))
    assert violated(refused.value) == "postings_fit"


async def test_a_partners_movement_names_its_partner_and_only_that(house: House) -> None:
    contract = await house.two_brands()
    purchase = Purchase(contract=contract)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    accounts = dict(await house.rows("SELECT kind, account_id FROM accounts"))
    for debit, credit in ((accounts["unearned"], accounts["payable"]), (accounts["deferred"], accounts["payable"])):
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await write_whole(house, debit=debit, credit=credit)
        assert violated(refused.value) == "postings_fit"


@pytest.mark.parametrize("table", ["accounts", "journals", "postings", "blocks", "contract_versions"])
@pytest.mark.parametrize("change", ["UPDATE {} SET ctid = ctid", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_what_is_written_stays(house: House, table: str, change: str) -> None:
    statement = change.format(table).replace("ctid = ctid", f"{COLUMN_OF[table]} = {COLUMN_OF[table]}")
    with pytest.raises(asyncpg.RestrictViolationError) as refused:
        await house.run(statement)
    assert violated(refused.value) == "append_only"


COLUMN_OF = {
    "accounts": "owner",
    "journals": "lines",
    "postings": "amount_minor",
    "blocks": "sealed_at",
    "contract_versions": "hash",
}


async def test_one_currency_per_account_and_per_journal(house: House) -> None:
    mixed = Journal(
        JournalKind.CASH_IN, new_id(), new_id(), None, "CNY", (Posting("unearned::CNY", "unearned::USD", 5),)
    )
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        async with house.database.begin() as uow:
            await post(uow, house.books.accounts, [mixed], now=NOON)
    assert violated(refused.value) == "postings_fit"


async def test_sixteen_writers_of_one_hot_account_lose_nothing(house: House) -> None:
    """No row is locked for a balance, so nobody waits for anybody and no update is lost."""
    purchases = [[Purchase(amount_minor=100) for _ in range(20)] for _ in range(8)]
    for events in (Purchase.paid, Purchase.issued, Purchase.accrued):
        await asyncio.gather(*(house.deliver(*(events(one) for one in mine)) for mine in purchases))
    balances = await house.balances()
    assert balances["platform_revenue::CNY"] == -16_000
    assert sum(balances.values()) == 0


async def test_the_same_events_delivered_by_eight_at_once_count_once(house: House) -> None:
    purchase = Purchase(contract=await house.two_brands())
    for event in (purchase.paid(), purchase.issued(), purchase.accrued(), purchase.reversed(), purchase.refunded()):
        await asyncio.gather(*(house.deliver(event) for _ in range(8)))
    assert (await house.rows("SELECT count(*) FROM journals"))[0][0] == 7
    assert len(await house.announced(SettlementSplitV1)) == 1
    assert "unearned::CNY" not in await house.balances()


async def test_the_day_of_a_posting_is_shanghais(house: House) -> None:
    house.now = NOON.replace(hour=15, minute=59, second=59)
    await house.deliver(Purchase().paid())
    house.now += timedelta(seconds=1)
    await house.deliver(Purchase().paid())
    days = await house.rows("SELECT DISTINCT posted_on FROM postings ORDER BY 1")
    assert [day.isoformat() for (day,) in days] == ["2026-11-20", "2026-11-21"]
