"""Risk was slow: order sold and flagged. Asked again, risk answers, and its answer is the word on the held order."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.risk import usecases
from services.risk.domain.decisions import Answer, Question
from services.risk.domain.engine import Engine
from services.risk.domain.rules import RuleSet
from services.risk.settings import Settings
from services.risk.usecases import Desk
from shared.clock import utc_now
from shared.database import Database
from tests.risk.client import ORDER_SERVICE, RiskClient
from tests.risk.conftest import running
from tests.risk.factories import checkout
from tests.risk.test_cases import CASES, HALF_AN_HOUR, announced, held, open_case, queue
from tests.risk.test_decisions_api import deny_address

ADDRESS = "192.0.2.9"


async def ask_again(risk: RiskClient, order: UUID, **question: Any) -> dict[str, Any]:
    """As order's job does."""
    body = {"kind": "checkout", "ip": ADDRESS, "order_id": str(order), **question}
    answer = await risk.call("POST", "/internal/decisions/late", body=body, who=ORDER_SERVICE)
    assert answer.status_code == 200, answer.text
    decided: dict[str, Any] = answer.json()
    return decided


async def test_a_late_allowance_lets_the_held_order_go(risk: RiskClient, database: Database) -> None:
    order = uuid4()
    await open_case(database, held(order))
    assert [case["reasons"] for case in await queue(risk)] == [["risk.not_asked"]]
    answer = await ask_again(risk, order)
    assert answer["decision"] == "allow"
    assert await announced(database) == [("risk.released/v1", str(order))]
    (case,) = await queue(risk, state="released")
    assert (case["decided_by"], case["decision_id"]) == ("system", answer["decision_id"])
    await ask_again(risk, order)
    assert len(await announced(database)) == 1


async def test_a_late_denial_denies(risk: RiskClient, database: Database) -> None:
    await deny_address(risk, ADDRESS)
    order = uuid4()
    await open_case(database, held(order))
    assert (await ask_again(risk, order))["decision"] == "deny"
    assert await announced(database) == [("risk.denied/v1", str(order))]
    (case,) = await queue(risk, state="denied")
    assert (case["decided_by"], case["reasons"]) == ("system", ["list.ip"])


async def test_a_late_doubt_is_a_persons_to_decide_and_says_why(risk: RiskClient, database: Database) -> None:
    await deny_address(risk, ADDRESS, action="review")
    order = uuid4()
    await open_case(database, held(order))
    answer = await ask_again(risk, order)
    (case,) = await queue(risk)
    assert (case["state"], case["reasons"], case["decision_id"]) == ("open", ["list.ip"], answer["decision_id"])
    assert await announced(database) == []


async def test_the_order_may_be_paid_after_the_answer(risk: RiskClient, database: Database) -> None:
    """The answer is durable when it is given: whoever hears of the held order then finds it, in whatever process."""
    allowed, denied, doubtful = uuid4(), uuid4(), uuid4()
    await ask_again(risk, allowed, ip="203.0.113.7")
    await deny_address(risk, ADDRESS)
    await ask_again(risk, denied)
    await deny_address(risk, "192.0.2.10", action="review")
    await ask_again(risk, doubtful, ip="192.0.2.10")
    orders = [held(order) for order in (allowed, denied, doubtful)]
    await open_case(database, *orders, orders[0])
    await open_case(database, *orders)
    assert sorted(await announced(database)) == sorted(
        [("risk.released/v1", str(allowed)), ("risk.denied/v1", str(denied))]
    )
    assert [case["order_id"] for case in await queue(risk)] == [str(doubtful)]


async def test_the_same_question_is_answered_alike_and_counted_once(settings: Settings) -> None:
    """Seen failing without the look at what was written down: the second process decided anew, and counted."""
    member, order = str(uuid4()), uuid4()
    async with running(settings) as (_, heard):
        first = await heard.decide(order_id=str(order), member_id=member, ip=ADDRESS)
        assert await ask_again(heard, order, member_id=member) == first, "it was heard the first time, only too late"
    async with running(settings) as (_, other):
        assert await ask_again(other, order, member_id=member) == first
        answers = [await other.decide(member_id=member, ip=f"198.51.100.{n}") for n in range(10)]
    assert [answer["decision"] for answer in answers] == ["allow"] * 9 + ["deny"]


async def test_the_more_severe_of_two_answers_counts(risk: RiskClient, database: Database) -> None:
    """The checkout's question was heard late by one process, and again by another that knew less."""
    order = uuid4()
    async with database.begin() as uow:
        await usecases.record(uow, [desk().decide(question(order), now=utc_now())], writer=uuid4(), now=utc_now())
    await deny_address(risk, ADDRESS)
    await risk.decide(order_id=str(order), ip=ADDRESS)
    await open_case(database, held(order))
    assert await announced(database) == [("risk.denied/v1", str(order))]


async def test_a_person_who_was_quicker_has_the_word(risk: RiskClient, database: Database) -> None:
    order = uuid4()
    await open_case(database, held(order))
    (case,) = await queue(risk)
    assert (await risk.call("POST", f"{CASES}/{case['case_id']}/deny", body={"note": "a stolen card"})).is_success
    assert (await ask_again(risk, order))["decision"] == "allow"
    assert await announced(database) == [("risk.denied/v1", str(order))]


@pytest.mark.parametrize("question_first", [True, False])
async def test_a_case_that_opens_while_its_question_is_answered(database: Database, *, question_first: bool) -> None:
    """Two transactions that cannot see each other. Seen failing both ways without `lock_orders`: the case stayed open."""
    order = uuid4()

    async def answer() -> Answer:
        async with database.begin() as uow:
            return await usecases.judge_late(uow, desk(), question(order), order, now=utc_now())

    async with database.begin() as uow:
        second: asyncio.Task[Any]
        if question_first:
            await usecases.judge_late(uow, desk(), question(order), order, now=utc_now())
            second = asyncio.create_task(open_case(database, held(order)))
        else:
            await usecases.open_cases(uow, [held(order)], due_after=HALF_AN_HOUR, now=utc_now())
            second = asyncio.create_task(answer())
        await asyncio.sleep(0.3)  # time enough for the other to go wrong
    await second
    assert await announced(database) == [("risk.released/v1", str(order))]


@pytest.mark.parametrize("changes", [{"kind": "reveal"}, {"order_id": None}, {"ip": "nowhere"}])
async def test_only_checkouts_of_orders_are_asked_about_again(risk: RiskClient, changes: dict[str, Any]) -> None:
    body = {"kind": "checkout", "ip": ADDRESS, "order_id": str(uuid4()), **changes}
    answer = await risk.call("POST", "/internal/decisions/late", body=body, who=ORDER_SERVICE)
    assert answer.status_code == 422


def desk() -> Desk:
    """A process that has nothing against anybody."""
    return Desk(Engine(RuleSet(0, ())))


def question(order: UUID) -> Question:
    return checkout(order_id=order, ip=ADDRESS)
