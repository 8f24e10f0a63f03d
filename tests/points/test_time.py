"""What time does: pending points become available, old ones expire, and the figures are added up."""

from datetime import UTC, datetime, timedelta

import pytest

from services.points import jobs, queries, usecases
from shared.clock import new_id
from shared.database import Database
from tests.points.house import ISSUED_AT, House, an_issue
from tests.support.leases import losing_the_lease


async def test_points_become_available_after_their_days(house: House, database: Database) -> None:
    member_id = new_id()
    await house.hear(an_issue(1_000, member_id=member_id), an_issue(2_000, member_id=member_id))
    await jobs.roll(database, lambda: ISSUED_AT + timedelta(days=7) - timedelta(seconds=1))
    assert (await house.account(member_id)).pending == 30
    await jobs.roll(database, lambda: ISSUED_AT + timedelta(days=7))
    account = await house.account(member_id)
    assert (account.available, account.pending, account.next_available_at) == (30, 0, None)
    assert len(await house.fetch("SELECT * FROM entries")) == 2
    await house.assert_books_tie()


async def test_points_expire_after_their_last_day_and_say_so(house: House, database: Database) -> None:
    member_id = new_id()
    await house.hear(an_issue(1_000, member_id=member_id))
    last_moment = datetime(2027, 11, 30, 16, tzinfo=UTC) - timedelta(seconds=1)
    await jobs.roll(database, lambda: last_moment)
    account = await house.account(member_id, now=last_moment)
    assert account.available == 10
    assert [(soon.points, soon.expires_at) for soon in account.expiring_soon] == [
        (10, last_moment + timedelta(seconds=1))
    ]
    await jobs.roll(database, lambda: last_moment + timedelta(seconds=1))
    assert (await house.account(member_id)).balance == 0
    async with database.read() as uow:
        page = await queries.entries(uow, member_id=member_id, cursor=None, limit=10)
    assert [(entry.kind, entry.points, entry.balance) for entry in page.items] == [
        ("expire", -10, 0), ("earn", 10, 10)
    ]  # fmt: skip
    await jobs.roll(database, lambda: last_moment + timedelta(days=9))
    assert len(await house.fetch("SELECT * FROM entries")) == 2
    await house.assert_books_tie()


async def test_a_backlog_is_worked_off_in_bounded_transactions(house: House, database: Database) -> None:
    members = [new_id() for _ in range(30)]
    await house.hear(*(an_issue(1_000, member_id=member_id) for member_id in members for _ in range(4)))
    found = []
    for _ in range(4):
        async with database.begin() as uow:
            found.append(await usecases.activate_due(uow, now=ISSUED_AT + timedelta(days=8), limit=50))
    assert found == [50, 50, 20, 0]
    await house.assert_books_tie()


async def test_what_is_due_waits_for_another_replica_when_the_lease_is_lost(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.hear(*(an_issue(1_000, member_id=new_id()) for _ in range(3)))
    monkeypatch.setattr(jobs, "ROWS_PER_TRANSACTION", 1)
    monkeypatch.setattr(usecases, "activate_due", losing_the_lease(usecases.activate_due))
    await jobs.roll(database, lambda: ISSUED_AT + timedelta(days=400))
    assert [row["state"] for row in await house.fetch("SELECT state FROM lots ORDER BY state")] == [
        "available", "pending", "pending",
    ]  # fmt: skip


async def test_the_figures_add_up_what_all_have(house: House, database: Database) -> None:
    await house.hear(an_issue(10_000, member_id=new_id()), an_issue(5_050, member_id=new_id()), an_issue(7_000))
    async with database.read() as uow:
        before = await queries.figures(uow)
    assert before.measured_at is None
    await jobs.measure(database, lambda: ISSUED_AT)
    async with database.read() as uow:
        figures = await queries.figures(uow)
    assert figures.measured_at == ISSUED_AT
    assert (figures.accounts, figures.outstanding_points, figures.pending_points) == (2, 150, 150)
    assert (figures.liability_minor, figures.currency) == (150, "CNY")


async def test_forgetting_leaves_what_is_still_needed(house: House, database: Database) -> None:
    await house.hear(an_issue(1_000, member_id=new_id()))
    await jobs.forget(database, lambda: datetime.now(UTC))
    assert len(await house.fetch("SELECT * FROM outbox")) == 1
    assert len(await house.fetch("SELECT * FROM inbox")) == 1
    assert len(await house.fetch("SELECT * FROM entries")) == 1
