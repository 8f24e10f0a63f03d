"""A delivered component earns its points once, whatever is delivered how often and in what order."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from services.points.domain.earning import Rule
from services.points.repository import add_rule
from shared.clock import new_id
from shared.contracts import PointsAccruedV1
from shared.database import Database
from tests.points.house import ISSUED_AT, House, a_delivery, a_revocation, an_issue


async def test_a_member_earns_and_the_others_hear_of_it(house: House) -> None:
    member_id = new_id()
    issue = an_issue(1_999, member_id=member_id)
    await house.hear(issue)
    (said,) = await house.accrued(issue)
    assert (said.points, said.cost_minor, said.currency, said.member_id) == (19, 19, "CNY", member_id)
    assert said.available_at == ISSUED_AT + timedelta(days=7)
    (lot,) = await house.fetch("SELECT * FROM lots")
    assert (lot["lot_id"], lot["remaining"], lot["state"]) == (said.lot_id, 19, "pending")
    assert lot["expires_at"] == datetime(2027, 11, 30, 16, tzinfo=UTC)
    account = await house.account(member_id)
    assert (account.available, account.pending, account.debt, account.balance) == (0, 19, 0, 19)
    await house.assert_books_tie()


@pytest.mark.parametrize(("amount_minor", "is_member"), [(5_000, False), (0, True), (99, True)])
async def test_guests_and_free_components_are_answered_with_nothing(
    house: House, amount_minor: int, *, is_member: bool
) -> None:
    issue = an_issue(amount_minor, member_id=new_id() if is_member else None)
    await house.hear(issue)
    (said,) = await house.accrued(issue)
    assert (said.points, said.cost_minor, said.lot_id, said.available_at) == (0, 0, None, None)
    assert await house.fetch("SELECT * FROM entries") == []


async def test_one_batch_answers_every_component_and_keeps_the_members_order(house: House) -> None:
    anna, ben = new_id(), new_id()
    issues = [an_issue(100 * number, member_id=member_id) for number in range(1, 41) for member_id in (anna, None, ben)]
    await house.hear(*issues)
    said = await house.said(PointsAccruedV1)
    assert [event.component_id for event in said] == [issue.component_id for issue in issues]
    entries = await house.fetch("SELECT sequence, points FROM entries WHERE member_id = $1 ORDER BY sequence", anna)
    assert [tuple(entry) for entry in entries] == [(number, number) for number in range(1, 41)]
    await house.assert_books_tie()


async def test_a_repeated_delivery_has_no_effect(house: House) -> None:
    delivery = a_delivery(an_issue(member_id=new_id()))
    await house.deliver([delivery, delivery])
    await house.deliver([delivery])
    assert len(await house.said(PointsAccruedV1)) == 1
    assert len(await house.fetch("SELECT * FROM entries")) == 1


async def test_a_component_that_is_announced_anew_earns_nothing_more(house: House) -> None:
    """Another event id passes the inbox; the component's own row is the second wall."""
    issue = an_issue(member_id=new_id())
    await house.hear(issue, issue)
    await house.hear(issue)
    await house.deliver_past_the_inbox([a_delivery(issue)])
    assert len(await house.accrued(issue)) == 1
    assert len(await house.fetch("SELECT * FROM entries")) == 1
    await house.assert_books_tie()


async def test_a_refund_that_was_heard_of_first_leaves_nothing_to_earn(house: House) -> None:
    issue = an_issue(member_id=new_id())
    await house.hear(a_revocation(issue))
    await house.hear(issue)
    (reversal,) = await house.reversed(issue)
    (accrual,) = await house.accrued(issue)
    assert (reversal.points, accrual.points) == (0, 0)
    assert await house.fetch("SELECT * FROM entries") == []


async def test_old_events_earn_by_the_rule_of_their_time(house: House, database: Database) -> None:
    changed_at = ISSUED_AT + timedelta(hours=1)
    async with database.begin() as uow:
        rule = Rule(2, 3, 100, 1, 2, changed_at)
        await add_rule(uow, rule, created_by="test", now=changed_at)
    member_id = new_id()
    before, after = an_issue(1_000, member_id=member_id), an_issue(1_000, member_id=member_id, issued_at=changed_at)
    await house.hear(after, before)
    assert [(event.points, event.cost_minor) for event in await house.said(PointsAccruedV1)] == [(30, 15), (10, 10)]
    versions = await house.fetch("SELECT rule_version FROM entries ORDER BY sequence")
    assert [row["rule_version"] for row in versions] == [2, 1]


@pytest.mark.parametrize("table", ["entries", "uses", "rules"])
@pytest.mark.parametrize("change", ["UPDATE {} SET points = 1000000", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_the_ledger_is_append_only(house: House, table: str, change: str) -> None:
    await house.hear(an_issue(member_id=new_id()))
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await house.fetch(change.format(table))


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE lots SET remaining = -1", "ck_lots_never_negative"),
        ("UPDATE lots SET remaining = granted + 1", "ck_lots_within_granted"),
        ("UPDATE accounts SET pending = -1, balance = -1", "ck_accounts_never_negative"),
        ("UPDATE accounts SET balance = balance + 1", "ck_accounts_balance_is_the_whole"),
        ("UPDATE accounts SET debt = 1, balance = balance - 1", "ck_accounts_owes_only_with_nothing_left"),
    ],
)
async def test_postgres_itself_refuses_what_cannot_be(house: House, statement: str, constraint: str) -> None:
    await house.hear(an_issue(member_id=new_id()))
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await house.fetch(statement)
    assert refused.value.constraint_name == constraint
