"""The question other services ask: what is answered, what is written down and when, and what is refused."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.risk.api.decisions import Recorder
from services.risk.domain.decisions import Outcome
from services.risk.settings import Settings
from services.risk.usecases import Desk, JournalFullError
from shared.clock import new_id
from shared.database import Database, DatabaseUnavailableError
from tests.risk.client import BUYER, ORDER_SERVICE, RiskClient, eventually
from tests.risk.conftest import running
from tests.risk.factories import NOON, checkout, engine, rule


async def deny_address(risk: RiskClient, value: str = "203.0.113.7", action: str = "deny") -> None:
    body = {"kind": "ip", "value": value, "action": action, "reason": "seen in a ring"}
    assert (await risk.call("POST", "/v1/ops/risk/lists", body=body)).status_code == 201

    async def spoken() -> bool:
        return bool((await risk.decide(ip=value))["decision"] == action)

    await eventually(spoken)


async def test_an_ordinary_checkout_is_allowed_and_written_down_soon(risk: RiskClient) -> None:
    member, order, sku = str(uuid4()), str(uuid4()), str(uuid4())
    answer = await risk.decide(
        member_id=member, order_id=order, device="d-1", amount_minor=1_990, quantity=2, sku_ids=[sku]
    )
    assert (answer["decision"], answer["reasons"]) == ("allow", [])

    async def written() -> bool:
        return bool((await risk.get("/v1/ops/risk/decisions", order_id=order))["items"])

    await eventually(written)
    (found,) = (await risk.get("/v1/ops/risk/decisions", member_id=member))["items"]
    assert found["decision_id"] == answer["decision_id"]
    assert (found["amount_minor"], found["quantity"], found["sku_ids"]) == (1_990, 2, [sku])
    assert (found["device"], found["ip"], found["rules_version"], found["hits"]) == ("d-1", "203.0.113.7", 1, [])


async def test_velocity_is_denied_with_its_reason(risk: RiskClient) -> None:
    member = str(uuid4())
    answers = [await risk.decide(member_id=member, ip=f"198.51.100.{n}") for n in range(12)]
    assert [answer["decision"] for answer in answers] == ["allow"] * 10 + ["deny"] * 2
    assert answers[-1]["reasons"] == ["velocity.member"]


async def test_a_denial_is_durable_before_it_is_given(settings: Settings, database: Database) -> None:
    async with running(settings) as (_, risk):
        await deny_address(risk)
        answer = await risk.decide(member_id=str(uuid4()))
        async with database.read() as uow:
            row = await uow.raw.fetchrow("select * from decisions where decision_id = $1", answer["decision_id"])
    assert row is not None
    assert (row["outcome"], row["hits"][0]["code"]) == ("deny", "list.ip")


async def test_a_challenge_is_announced_once_to_a_member_and_never_to_a_guest(
    risk: RiskClient, database: Database
) -> None:
    rules = await risk.get("/v1/ops/risk/rules")
    challenge = {
        "rule_id": "challenge", "kind": "reveal", "measure": "attempts", "key": "ip",
        "window_s": 60, "limit": 1, "outcome": "challenge",
    }  # fmt: skip
    body = {"version": rules["version"], "rules": [challenge], "note": "try a challenge"}
    assert (await risk.call("PUT", "/v1/ops/risk/rules", body=body)).status_code == 200
    await in_force(risk, 2)
    member = str(uuid4())
    asked = [
        await risk.decide(kind="reveal", member_id=who, entitlement_id=str(uuid4())) for who in (member, member, None)
    ]
    assert [answer["decision"] for answer in asked] == ["allow", "challenge", "challenge"]
    async with database.read() as uow:
        rows = await uow.raw.fetch("select dataschema, key from outbox")
    assert [(row["dataschema"], row["key"]) for row in rows] == [("risk.challenged/v1", member)] or len(rows) == 1


async def in_force(risk: RiskClient, version: int) -> None:
    async def adopted() -> bool:
        return bool((await risk.get("/internal/figures"))["rules_version"] == version)

    await eventually(adopted)


async def test_the_same_checkout_asked_again_gets_the_same_answer(risk: RiskClient) -> None:
    order, member = str(uuid4()), str(uuid4())
    first = await risk.decide(order_id=order, member_id=member)
    assert [await risk.decide(order_id=order, member_id=member) for _ in range(15)] == [first] * 15
    assert (await risk.decide(member_id=member))["decision"] == "allow"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"ip": "not an address"}, 422, "ip.invalid"),
        ({"kind": "refund"}, 422, "body.invalid"),
        ({"ip": None}, 422, "body.invalid"),
        ({"amount_minor": -1}, 422, "body.invalid"),
        ({"member_id": "me"}, 422, "body.invalid"),
        ({"colour": "red"}, 422, "body.invalid"),
        ({"phone_hash": "13800000000"}, 422, "body.invalid"),
        ({"sku_ids": [str(uuid4())] * 101}, 422, "body.invalid"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(
    risk: RiskClient, change: dict[str, Any], status: int, code: str
) -> None:
    asked = {"kind": "checkout", "ip": "203.0.113.7", **change}
    answer = await risk.call("POST", "/internal/decisions", body=asked, who=ORDER_SERVICE)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_what_is_not_json_is_refused(risk: RiskClient) -> None:
    answer = await risk.call("POST", "/internal/decisions", content=b"{", who=ORDER_SERVICE)
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")


async def test_a_buyer_may_not_ask(risk: RiskClient) -> None:
    answer = await risk.call("POST", "/internal/decisions", body={}, who=BUYER)
    assert answer.status_code == 403
    answer = await risk.call("GET", "/v1/ops/risk/decisions", who=BUYER)
    assert answer.status_code == 403


async def test_nobody_asks_without_a_signature(risk: RiskClient) -> None:
    answer: httpx.Response = await risk.http.post("/internal/decisions", json={"kind": "checkout", "ip": "1.2.3.4"})
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.missing")


async def test_a_denial_that_cannot_be_written_down_is_not_given() -> None:
    """503 has the order service hold the order, and the inventory service refuse the reveal."""
    nowhere = Database.connect("postgresql+asyncpg://risk:x@127.0.0.1:9/risk", application_name="tests")
    desk = Desk(engine(rule(limit=1)))
    recorder, member = Recorder(nowhere, desk), uuid4()
    desk.decide(checkout(member_id=member), now=NOON)
    question = checkout(member_id=member)
    decision = desk.decide(question, now=NOON)
    assert decision.outcome is Outcome.DENY
    with pytest.raises(DatabaseUnavailableError):
        await recorder.write(decision)
    assert desk.engine.known(question) is None


def test_a_full_journal_refuses_instead_of_growing() -> None:
    desk = Desk(engine(), pending_max=2)
    for _ in range(2):
        desk.defer(desk.decide(checkout(), now=NOON))
    question = checkout()
    with pytest.raises(JournalFullError):
        desk.defer(desk.decide(question, now=NOON))
    assert desk.pending == 2
    assert desk.engine.known(question) is None


def test_what_could_not_be_written_waits_first_in_the_row() -> None:
    desk = Desk(engine())
    decisions = [desk.decide(checkout(), now=NOON) for _ in range(3)]
    for decision in decisions:
        desk.defer(decision)
    desk.put_back(desk.take_pending(2))
    assert desk.take_pending(10) == decisions


async def test_figures_tell_outcomes_times_and_the_queue(risk: RiskClient) -> None:
    for _ in range(3):
        await risk.decide()
    figures = await risk.get("/internal/figures")
    assert figures["decisions_last_minute"] == {"allow": 3, "review": 0, "challenge": 0, "deny": 0}
    assert 0 < figures["decision_us"]["p50"] <= figures["decision_us"]["p99"]
    assert (figures["open_cases"], figures["overdue_cases"], figures["oldest_open_case_at"]) == (0, 0, None)
    assert figures["keys_held"] > 0


async def test_a_search_pages_and_filters(risk: RiskClient) -> None:
    member, device = str(uuid4()), f"d-{new_id()}"
    for n in range(5):
        await risk.decide(member_id=member, device=device, ip=f"203.0.113.{n}")

    async def written() -> bool:
        return len((await risk.get("/v1/ops/risk/decisions", device=device))["items"]) == 5

    await eventually(written)
    first = await risk.get("/v1/ops/risk/decisions", member_id=member, limit=3)
    second = await risk.get("/v1/ops/risk/decisions", member_id=member, limit=3, cursor=first["next_cursor"])
    ids = [found["decision_id"] for found in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(set(ids)), second["next_cursor"]) == (5, None)
    for query in ({"ip": "203.0.113.3"}, {"outcome": "deny"}):
        found = (await risk.get("/v1/ops/risk/decisions", device=device, **query))["items"]
        assert len(found) == (1 if "ip" in query else 5)
    assert (await risk.get("/v1/ops/risk/decisions", device=device, decision="deny"))["items"] == []
    answer = await risk.call("GET", "/v1/ops/risk/decisions?cursor=nonsense")
    assert answer.json()["code"] == "cursor.invalid"
