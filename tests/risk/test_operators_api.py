"""What operators do: lists, rules, the trail."""

from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from shared.database import Database
from shared.http import Identity, Role
from tests.risk.client import RiskClient, eventually
from tests.risk.test_decisions_api import deny_address, in_force

LISTS = "/v1/ops/risk/lists"
RULES = "/v1/ops/risk/rules"


def listing(**changes: Any) -> dict[str, Any]:
    return {"kind": "device", "value": f"d-{uuid4()}", "action": "deny", "reason": "seen in a ring", **changes}


async def test_an_entry_lives_from_its_listing_to_its_removal(risk: RiskClient) -> None:
    body = listing()
    made = await risk.call("POST", LISTS, body=body)
    assert made.status_code == 201
    entry = made.json()
    path = f"{LISTS}/{entry['entry_id']}"
    assert await risk.get(path) == entry

    async def answers(wanted: str) -> None:
        async def given() -> bool:
            return bool((await risk.decide(device=body["value"]))["decision"] == wanted)

        await eventually(given)

    await answers("deny")
    changed = await risk.call("PUT", path, body={"action": "review", "reason": "only watch it"})
    assert (changed.status_code, changed.json()["action"], changed.json()["reason"]) == (200, "review", "only watch it")
    await answers("review")
    assert (await risk.call("DELETE", f"{path}?reason=a%20mistake")).status_code == 204
    await answers("allow")
    assert (await risk.call("GET", path)).json()["code"] == "list.not_found"
    assert (await risk.call("DELETE", f"{path}?reason=again")).status_code == 404
    trail = (await risk.get("/v1/ops/risk/audit", subject=entry["entry_id"]))["items"]
    assert [(line["action"], line["note"]) for line in trail] == [
        ("list.remove", "a mistake"),
        ("list.change", "only watch it"),
        ("list.add", "seen in a ring"),
    ]
    assert {line["operator"] for line in trail} == {"operator-one"}


async def test_an_expired_entry_no_longer_counts_but_is_shown_as_expired(risk: RiskClient, database: Database) -> None:
    entry = (await risk.call("POST", LISTS, body=listing(expires_at="2999-01-01T00:00:00Z"))).json()
    async with database.read() as uow:
        await uow.raw.execute(
            "update list_entries set expires_at = now() - interval '1 second', revision = revision + 1"
        )

    async def allowed() -> bool:
        return bool((await risk.decide(device=entry["value"]))["decision"] == "allow")

    await eventually(allowed)
    (shown,) = (await risk.get(LISTS, kind="device", value=entry["value"]))["items"]
    assert shown["expired"] is True


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"kind": "ip", "value": "somewhere"}, 422, "list.invalid"),
        ({"kind": "cidr", "value": "10.0.0.0/40"}, 422, "list.invalid"),
        ({"kind": "phone_hash", "value": "13800000000"}, 422, "list.invalid"),
        ({"action": "challenge"}, 422, "list.invalid"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422, "list.invalid"),
        ({"expires_at": "2999-01-01T00:00:00"}, 422, "body.invalid"),
        ({"reason": "  "}, 422, "body.invalid"),
        ({"kind": "colour"}, 422, "body.invalid"),
    ],
)
async def test_an_entry_that_makes_no_sense_is_refused(
    risk: RiskClient, change: dict[str, Any], status: int, code: str
) -> None:
    answer = await risk.call("POST", LISTS, body=listing(**change))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (await risk.get(LISTS))["items"] == []


async def test_the_same_thing_is_listed_once_however_it_is_written(risk: RiskClient) -> None:
    assert (await risk.call("POST", LISTS, body=listing(kind="ip", value="2001:DB8::1"))).status_code == 201
    again = await risk.call("POST", LISTS, body=listing(kind="ip", value="2001:db8:0::1"))
    assert (again.status_code, again.json()["code"]) == (409, "list.exists")
    assert len((await risk.get("/v1/ops/risk/audit"))["items"]) == 1


async def test_a_repeated_listing_answers_the_same(risk: RiskClient) -> None:
    body, key = listing(), str(uuid4())
    first = await risk.call("POST", LISTS, body=body, key=key)
    second = await risk.call("POST", LISTS, body=body, key=key)
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
    assert (await risk.call("POST", LISTS, body=listing(), key=key)).json()["code"] == "idempotency.reused"


async def test_an_allow_list_silences_rules_and_not_a_deny_list(risk: RiskClient) -> None:
    await deny_address(risk, "192.0.2.1")
    allowed = listing(kind="ip", value="192.0.2.2", action="allow")
    assert (await risk.call("POST", LISTS, body=allowed)).status_code == 201

    async def both_listed() -> bool:
        return bool((await risk.get("/internal/figures"))["list_entries"] == 2)

    await eventually(both_listed)
    member = str(uuid4())
    answers = [(await risk.decide(member_id=member, ip="192.0.2.2"))["decision"] for _ in range(15)]
    assert set(answers) == {"allow"}
    assert (await risk.decide(member_id=member, ip="192.0.2.1"))["decision"] == "deny"


def only(**changes: Any) -> dict[str, Any]:
    plain = {
        "rule_id": "only", "kind": "checkout", "measure": "attempts", "key": "member",
        "window_s": 3_600, "limit": 5, "outcome": "deny",
    }  # fmt: skip
    return {**plain, **changes}


async def test_new_rules_count_what_was_before_them(risk: RiskClient) -> None:
    member = str(uuid4())
    for _ in range(5):
        assert (await risk.decide(member_id=member))["decision"] == "allow"
    body = {"version": 1, "rules": [only(limit=5)], "note": "five an hour"}
    answer = await risk.call("PUT", RULES, body=body)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    await in_force(risk, 2)
    assert (await risk.decide(member_id=member))["decision"] == "deny"
    assert (await risk.decide(member_id=str(uuid4())))["decision"] == "allow"


async def test_older_rules_can_be_read_because_decisions_name_them(risk: RiskClient) -> None:
    first = await risk.get(RULES)
    assert first["version"] == 1
    await risk.call("PUT", RULES, body={"version": 1, "rules": [only()], "note": "simpler"})
    current = await risk.get(RULES)
    assert (current["version"], [rule["rule_id"] for rule in current["rules"]], current["note"]) == (
        2,
        ["only"],
        "simpler",
    )
    assert current["created_by"] == "operator-one"
    assert await risk.get(RULES, version=1) == first
    assert (await risk.call("GET", f"{RULES}?version=9")).json()["code"] == "rules.not_found"


async def test_somebody_elses_change_is_not_overwritten(risk: RiskClient) -> None:
    body = {"version": 1, "rules": [only()], "note": "mine"}
    assert (await risk.call("PUT", RULES, body=body)).status_code == 200
    late = await risk.call("PUT", RULES, body={**body, "note": "also mine"})
    assert (late.status_code, late.json()["code"], late.json()["version"]) == (409, "rules.changed", 2)


@pytest.mark.parametrize(
    "rules", [[only(limit=0)], [only(), only()], [only(measure="members")], [only(outcome="allow")]]
)
async def test_rules_that_make_no_sense_are_refused_whole(risk: RiskClient, rules: list[dict[str, Any]]) -> None:
    answer = await risk.call("PUT", RULES, body={"version": 1, "rules": rules, "note": "trying"})
    assert (answer.status_code, answer.json()["code"]) == (422, "rules.invalid")
    assert "only" in answer.json()["detail"]
    assert (await risk.get(RULES))["version"] == 1


async def test_an_operator_needs_the_role(risk: RiskClient) -> None:
    stranger = Identity(role=Role.OPERATOR, subject="clerk", scopes=frozenset({"orders"}))
    for method, path in (("GET", LISTS), ("POST", LISTS), ("PUT", RULES), ("GET", "/v1/ops/risk/cases")):
        answer = await risk.call(method, path, body=listing(), who=stranger)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_the_trail_refuses_to_be_changed(risk: RiskClient, database: Database) -> None:
    await risk.call("POST", LISTS, body=listing())
    for statement in ("update audit_entries set note = 'x'", "delete from audit_entries", "truncate audit_entries"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="append-only"):
            async with database.begin() as uow:
                await uow.raw.execute(statement)
