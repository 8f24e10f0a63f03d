"""A refund takes back exactly what its component brought, once, whatever has become of the points meanwhile."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.points import usecases
from services.points.domain.earning import Rule
from services.points.repository import add_rule
from shared.clock import new_id
from shared.contracts import PointsReversedV1
from shared.database import Database
from tests.points.house import ISSUED_AT, TERMS, House, a_delivery, a_revocation, an_issue

LATER = ISSUED_AT + timedelta(days=8)
MUCH_LATER = datetime(2028, 1, 1, tzinfo=UTC)


async def let_become_available(database: Database, *, now: datetime = LATER) -> None:
    async with database.begin() as uow:
        await usecases.activate_due(uow, now=now, limit=1_000)


async def use(database: Database, member_id: UUID, points: int) -> None:
    async with database.begin() as uow:
        await usecases.adjust(
            uow, member_id=member_id, points=-points, reason="used", operator="test", terms=TERMS, now=LATER
        )


async def test_a_refund_takes_back_exactly_what_was_earned(house: House) -> None:
    member_id = new_id()
    kept, refunded = an_issue(5_000, member_id=member_id), an_issue(1_999, member_id=member_id)
    await house.hear(kept, refunded)
    revocation = a_revocation(refunded)
    await house.hear(revocation)
    (said,) = await house.reversed(refunded)
    assert (said.refund_id, said.member_id) == (revocation.refund_id, member_id)
    assert (said.points, said.debt_points, said.cost_minor, said.currency) == (19, 0, 19, "CNY")
    assert (await house.account(member_id)).balance == 50
    await house.assert_books_tie()


async def test_delivery_and_refund_in_one_batch_leave_nothing(house: House) -> None:
    member_id = new_id()
    issues = [an_issue(1_000, member_id=member_id) for _ in range(20)]
    await house.hear(*issues, *(a_revocation(issue) for issue in issues))
    assert [event.points for event in await house.said(PointsReversedV1)] == [10] * 20
    assert (await house.account(member_id)).balance == 0
    await house.assert_books_tie()


async def test_guests_and_what_was_never_delivered_are_answered_with_nothing(house: House) -> None:
    guest, never = an_issue(5_000), an_issue(5_000, member_id=new_id())
    await house.hear(guest)
    await house.hear(a_revocation(guest), a_revocation(never))
    answers = [(event.points, event.debt_points, event.cost_minor) for event in await house.said(PointsReversedV1)]
    assert answers == [(0, 0, 0), (0, 0, 0)]
    assert await house.fetch("SELECT * FROM entries") == []


async def test_points_that_were_spent_are_owed_and_settled_from_the_next(house: House, database: Database) -> None:
    member_id = new_id()
    first, second = an_issue(10_000, member_id=member_id), an_issue(5_000, member_id=member_id)
    await house.hear(first, second)
    await let_become_available(database)
    await use(database, member_id, 120)
    await house.hear(a_revocation(first))
    (said,) = await house.reversed(first)
    assert (said.points, said.debt_points) == (100, 70)
    account = await house.account(member_id)
    assert (account.available, account.debt, account.balance) == (0, 70, -70)
    await house.hear(an_issue(10_000, member_id=member_id))
    account = await house.account(member_id)
    assert (account.available, account.pending, account.debt, account.balance) == (0, 30, 0, 30)
    await house.assert_books_tie()


async def test_a_refund_of_points_that_settled_debt_brings_the_debt_back(house: House, database: Database) -> None:
    member_id = new_id()
    first, second = an_issue(7_000, member_id=member_id), an_issue(10_000, member_id=member_id)
    await house.hear(first)
    await let_become_available(database)
    await use(database, member_id, 70)
    await house.hear(a_revocation(first))
    await house.hear(second)
    await house.hear(a_revocation(second))
    (said,) = await house.reversed(second)
    assert (said.points, said.debt_points) == (100, 70)
    assert (await house.account(member_id)).balance == -70
    await house.assert_books_tie()


async def test_points_that_expired_are_not_owed(house: House, database: Database) -> None:
    member_id = new_id()
    issue = an_issue(10_000, member_id=member_id)
    await house.hear(issue)
    async with database.begin() as uow:
        await usecases.expire_due(uow, now=MUCH_LATER, limit=100)
    await house.hear(a_revocation(issue))
    (said,) = await house.reversed(issue)
    assert (said.points, said.debt_points) == (100, 0)
    assert (await house.account(member_id)).balance == 0
    await house.assert_books_tie()


async def test_a_repeated_refund_has_no_effect(house: House) -> None:
    """Seen failing with the table of answered refunds left out: the second is answered again."""
    member_id = new_id()
    issue = an_issue(10_000, member_id=member_id)
    await house.hear(issue)
    delivery = a_delivery(a_revocation(issue))
    await house.deliver([delivery, delivery])
    await house.deliver_past_the_inbox([delivery])
    assert len(await house.reversed(issue)) == 1
    assert (await house.account(member_id)).balance == 0
    await house.assert_books_tie()


async def test_another_refund_of_the_same_component_is_answered_with_nothing(house: House) -> None:
    member_id = new_id()
    issue = an_issue(10_000, member_id=member_id)
    await house.hear(issue)
    await house.hear(a_revocation(issue), a_revocation(issue))
    await house.hear(a_revocation(issue))
    assert [event.points for event in await house.reversed(issue)] == [100, 0, 0]
    assert len({event.refund_id for event in await house.reversed(issue)}) == 3
    await house.assert_books_tie()


async def test_a_refund_takes_back_what_was_said_then_not_what_todays_rule_says(
    house: House, database: Database
) -> None:
    issue = an_issue(10_000, member_id=new_id())
    await house.hear(issue)
    async with database.begin() as uow:
        await add_rule(uow, Rule(2, 9, 100, 9, 1, ISSUED_AT), created_by="test", now=ISSUED_AT)
    await house.hear(a_revocation(issue))
    (said,) = await house.reversed(issue)
    assert (said.points, said.cost_minor) == (100, 100)
