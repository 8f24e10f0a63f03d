"""What runs by the clock: sealing, verifying, forgetting."""

from datetime import timedelta

import pytest

from services.settlement import jobs
from services.settlement.domain.periods import period_named
from services.settlement.queries.verify import verify_ledger
from services.settlement.usecases import sealing
from services.settlement.usecases.statements import draw_statements, due_statements
from shared.messaging import prune_outbox
from shared.observability import render_metrics
from tests.settlement.house import House
from tests.settlement.purchases import NOON, Purchase
from tests.support.leases import losing_the_lease


async def test_the_sealer_seals_all_there_is(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "JOURNALS_PER_BLOCK", 2)
    await house.deliver(*(Purchase().paid() for _ in range(5)))
    await jobs.seal(house.database, lambda: NOON)
    assert await house.rows("SELECT block_no, journals FROM blocks ORDER BY 1") == [(1, 2), (2, 2), (3, 1)]


async def test_the_nightly_verification_shows_what_it_found(house: House) -> None:
    await house.deliver(Purchase().paid())
    await house.seal()
    await jobs.verify(house.database)
    assert b"kaquan_ledger_ok 1.0" in render_metrics()
    await house.run("ALTER TABLE postings DISABLE TRIGGER USER")
    await house.run("UPDATE postings SET amount_minor = 5 WHERE line = 1")
    await jobs.verify(house.database)
    assert b"kaquan_ledger_ok 0.0" in render_metrics()


async def test_provisional_statements_are_forgotten_after_a_week(house: House) -> None:
    partner_id = await house.partner()
    for name in ("2026-11-19", "2026-11-20"):
        await draw_statements(house.database, partner_id=partner_id, period=period_named(name), now=NOON)
    await jobs.forget(house.database, lambda: NOON + timedelta(days=6))
    assert len(await house.rows("SELECT FROM statements")) == 2
    await jobs.forget(house.database, lambda: NOON + timedelta(days=8))
    assert await house.rows("SELECT period, revision FROM statements") == [("2026-11-19", 1)]


async def test_only_one_replica_seals(house: House) -> None:
    await house.deliver(Purchase().paid())
    async with house.database.exclusive("settlement.seal") as ours:
        assert ours
        await jobs.seal(house.database, lambda: NOON)
    assert (await verify_ledger(house.database)).unsealed_journals == 1


async def test_sealing_stops_when_the_lease_is_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "JOURNALS_PER_BLOCK", 2)
    monkeypatch.setattr(jobs, "seal_block", losing_the_lease(sealing.seal_block))
    await house.deliver(*(Purchase().paid() for _ in range(5)))
    await jobs.seal(house.database, lambda: NOON)
    assert len(await house.rows("SELECT FROM blocks")) == 1


async def test_no_statement_is_drawn_when_the_lease_is_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = await house.two_brands()
    purchase = Purchase(contract=contract)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.seal()
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "due_statements", losing_the_lease(due_statements))
        await jobs.cut_off(house.database, lambda: NOON + timedelta(days=2))
    assert await house.rows("SELECT FROM statements") == []
    await jobs.cut_off(house.database, lambda: NOON + timedelta(days=2))
    assert await house.rows("SELECT FROM statements") != []


async def test_forgetting_stops_when_the_lease_is_lost(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ROWS_PER_TRANSACTION", 1)
    monkeypatch.setattr(jobs, "prune_outbox", losing_the_lease(prune_outbox))
    await house.two_brands()
    await house.two_brands()
    await house.run("UPDATE outbox SET created_at = $1, published_at = $1", NOON - timedelta(days=400))
    before = len(await house.rows("SELECT FROM outbox"))
    await jobs.forget(house.database, lambda: NOON)
    assert before - len(await house.rows("SELECT FROM outbox")) == 1
