"""The hash chain: everything committed is sealed, in blocks, and nothing that was changed goes unnamed."""

import asyncio

import pytest

from services.settlement.queries.verify import verify_ledger
from services.settlement.schemas.ledger import LedgerVerification, Wrong
from services.settlement.usecases import sealing
from services.settlement.usecases.sealing import final_number
from tests.settlement.house import House
from tests.settlement.purchases import Purchase

TABLES = ("accounts", "journals", "postings", "blocks")


@pytest.fixture
async def sealed(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Thirty journals of ten purchases, in several blocks, with a refund and a redemption among them."""
    monkeypatch.setattr(sealing, "JOURNALS_PER_BLOCK", 7)
    contract = await house.two_brands()
    for _ in range(10):
        purchase = Purchase(contract=contract)
        await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.deliver(purchase.redeemed(), purchase.reversed(), purchase.refunded())
    await house.seal()
    return house


async def tamper(house: House, statement: str, *arguments: object) -> LedgerVerification:
    """Change what is sealed as someone with the database's password could, and look."""
    for table in TABLES:
        await house.run(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    await house.run(statement, *arguments)
    return await verify_ledger(house.database)


async def test_a_whole_ledger_is_found_whole(sealed: House) -> None:
    outcome = await verify_ledger(sealed.database)
    assert outcome.ok
    assert outcome.first_wrong is None
    assert (outcome.journals, outcome.blocks, outcome.unsealed_journals) == (44, 7, 0)
    assert outcome.difference_minor == {"CNY": 0}


async def test_an_empty_ledger_is_whole(house: House) -> None:
    outcome = await verify_ledger(house.database)
    assert (outcome.ok, outcome.blocks, outcome.head_hash) == (True, 0, "0" * 64)


async def test_sealing_again_adds_nothing(sealed: House) -> None:
    assert await sealed.seal() == []


CHANGES = (
    "UPDATE postings SET amount_minor = amount_minor + 1",
    "UPDATE postings SET posted_on = posted_on + 1",
    "UPDATE postings SET debit_account = debit_account + 1",
    "DELETE FROM postings",
    "INSERT INTO postings SELECT journal_no, 9, debit_account, credit_account, 1, posted_on FROM postings",
    "UPDATE journals SET posted_at = posted_at + INTERVAL '1 microsecond'",
    "UPDATE journals SET order_id = gen_random_uuid()",
    "UPDATE journals SET kind = 'other'",
)


@pytest.mark.parametrize("change", CHANGES)
async def test_one_byte_changed_names_the_journal(sealed: House, change: str) -> None:
    line = " AND line = 1" if "postings" in change else ""
    outcome = await tamper(sealed, f"{change} WHERE journal_no = 20{line}")
    assert not outcome.ok
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.journal_no) == (Wrong.JOURNAL_CHANGED, 20)


async def test_every_byte_of_every_leaf_counts(sealed: House) -> None:
    outcome = await tamper(
        sealed, "UPDATE blocks SET leaves = set_byte(leaves, 70, get_byte(leaves, 70) # 1) WHERE block_no = 3"
    )
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.block_no) == (Wrong.BLOCK_CHANGED, 3)


async def test_a_block_resealed_over_a_lie_does_not_fit_the_next(sealed: House) -> None:
    """Whoever changes an entry and its block has to change every block after it, and the head that partners hold."""
    outcome = await tamper(sealed, "UPDATE blocks SET hash = sha256(hash) WHERE block_no = 3")
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.block_no) == (Wrong.BLOCK_CHANGED, 3)


async def test_a_missing_journal_is_missed(sealed: House) -> None:
    outcome = await tamper(
        sealed, "WITH gone AS (DELETE FROM postings WHERE journal_no = 20) DELETE FROM journals WHERE journal_no = 20"
    )
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.journal_no) == (Wrong.JOURNAL_MISSING, 21)


async def test_the_last_journal_of_a_block_is_missed(sealed: House) -> None:
    outcome = await tamper(
        sealed, "WITH gone AS (DELETE FROM postings WHERE journal_no = 21) DELETE FROM journals WHERE journal_no = 21"
    )
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.journal_no) == (Wrong.JOURNAL_MISSING, 21)


async def test_a_journal_slipped_into_a_gap_is_named(house: House) -> None:
    await house.deliver(Purchase().paid())
    await house.run("SELECT setval('journal_numbers', 5)")
    await house.deliver(Purchase().paid(), Purchase().paid())
    await house.seal()
    outcome = await tamper(
        house,
        "INSERT INTO journals (journal_no, kind, subject_id, order_id, currency, lines, posted_at)"
        " SELECT 3, kind, gen_random_uuid(), order_id, currency, 0, posted_at FROM journals LIMIT 1",
    )
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.journal_no) == (Wrong.JOURNAL_ADDED, 3)


async def test_a_missing_block_breaks_the_chain(sealed: House) -> None:
    outcome = await tamper(sealed, "DELETE FROM blocks WHERE block_no = 3")
    assert outcome.first_wrong is not None
    assert (outcome.first_wrong.what, outcome.first_wrong.block_no) == (Wrong.CHAIN_BROKEN, 4)


async def test_another_owner_for_an_account_is_noticed(sealed: House) -> None:
    outcome = await tamper(
        sealed,
        "UPDATE accounts SET owner = 'thief', code = 'payable:thief:CNY'"
        " WHERE account_id = (SELECT min(account_id) FROM accounts WHERE kind = 'payable')",
    )
    assert outcome.first_wrong is not None
    assert outcome.first_wrong.what is Wrong.JOURNAL_CHANGED


@pytest.mark.parametrize("table", ["account_days", "account_totals"])
async def test_a_total_that_drifted_is_noticed(sealed: House, table: str) -> None:
    outcome = await tamper(sealed, f"UPDATE {table} SET credit_minor = credit_minor + 1 WHERE account_id = 1")
    assert outcome.first_wrong is not None
    assert outcome.first_wrong.what is Wrong.TOTAL_DRIFTED


async def test_numbers_drawn_by_an_open_transaction_wait_for_it(house: House) -> None:
    """A later number commits first: sealing past the earlier one would leave it out for ever."""
    await house.deliver(Purchase().paid())
    first_no = await final_number(house.database)
    held, go = asyncio.Event(), asyncio.Event()

    async def slow_writer() -> None:
        async with house.database.begin() as uow:
            await uow.raw.execute(
                "INSERT INTO journals (kind, subject_id, order_id, currency, lines, posted_at)"
                " VALUES ('split', gen_random_uuid(), gen_random_uuid(), 'CNY', 0, now())"
            )
            held.set()
            await go.wait()

    writer = asyncio.create_task(slow_writer())
    await held.wait()
    await house.deliver(Purchase().paid())
    waiting = asyncio.create_task(final_number(house.database))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    go.set()
    await writer
    assert await waiting == first_no + 2
    await house.seal()
    outcome = await verify_ledger(house.database)
    assert (outcome.ok, outcome.journals, outcome.unsealed_journals) == (True, 3, 0)


async def test_a_transaction_that_never_ends_holds_the_seal_but_nobody_else(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "FINAL_WITHIN_S", 0.1)
    async with house.database.begin() as uow:
        await uow.raw.execute("SELECT pg_current_xact_id()")
        await house.deliver(Purchase().paid())
        assert await final_number(house.database) == 0
        assert await house.seal() == []
    assert len(await house.seal()) == 1


async def test_writers_and_the_sealer_at_once_leave_nothing_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "JOURNALS_PER_BLOCK", 11)
    done = asyncio.Event()

    async def keep_sealing() -> None:
        while not done.is_set():
            await house.seal()
            await asyncio.sleep(0)

    async def keep_verifying() -> None:
        while not done.is_set():
            assert (await verify_ledger(house.database)).first_wrong is None

    besides = [asyncio.create_task(keep_sealing()), asyncio.create_task(keep_verifying())]
    await asyncio.gather(*(write_many(house) for _ in range(6)))
    done.set()
    await asyncio.gather(*besides)
    await house.seal()
    outcome = await verify_ledger(house.database)
    assert (outcome.ok, outcome.journals, outcome.unsealed_journals) == (True, 6 * 15 * 3, 0)


async def write_many(house: House) -> None:
    for _ in range(15):
        await house.deliver(*(Purchase().paid() for _ in range(3)))
