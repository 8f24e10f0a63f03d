"""The points service over HTTP, as the gateway reaches it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.points.main import build
from services.points.settings import Settings
from shared.clock import new_id
from shared.database import Database
from shared.http import IDENTITY_HEADER, Identity, IdentitySigner, Role, encode_cursor
from shared.settings import Environment, ProcessRole, read_key
from tests.conftest import ServiceDatabaseMaker
from tests.points.house import House, a_revocation, an_issue

USUAL = {"points": 2, "per_minor": 100, "cost_minor": 1, "cost_points": 1}


@dataclass(frozen=True)
class Door:
    """The service's HTTP side, and the service behind it."""

    http: httpx.AsyncClient
    signer: IdentitySigner
    house: House

    async def get(self, path: str, identity: Identity, **params: str | int) -> httpx.Response:
        return await self.http.get(path, params=params, headers={IDENTITY_HEADER: self.signer.sign(identity)})

    async def post(self, path: str, body: object, identity: Identity, *, key: str | None = None) -> httpx.Response:
        headers = {IDENTITY_HEADER: self.signer.sign(identity), "Idempotency-Key": key or str(new_id())}
        return await self.http.post(path, json=body, headers=headers)


@asynccontextmanager
async def open_door(settings: Settings) -> AsyncIterator[Door]:
    app = build(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://points") as http:
            database: Database = app.state.database
            signer = IdentitySigner(read_key(settings.keys_dir, "internal.key"), "gateway")
            yield Door(http, signer, House(database))


@pytest.fixture
async def door(service_database: ServiceDatabaseMaker, keys_directory: Path) -> AsyncIterator[Door]:
    """The points service, running."""
    made = await service_database("points")
    settings = Settings(
        database_url=made.url,
        keys_dir=keys_directory,
        environment=Environment.TEST,
        roles=frozenset({ProcessRole.API}),
    )
    async with open_door(settings) as opened:
        yield opened


def buyer(member_id: UUID) -> Identity:
    return Identity(Role.BUYER, str(member_id))


def operator(*scopes: str) -> Identity:
    return Identity(Role.OPERATOR, str(new_id()), scopes=frozenset(scopes))


async def test_a_member_sees_what_he_has(door: Door) -> None:
    member_id = new_id()
    await door.house.hear(an_issue(1_999, member_id=member_id))
    account = (await door.get("/v1/points/account", buyer(member_id))).json()
    assert (account["available"], account["pending"], account["debt"], account["balance"]) == (0, 19, 0, 19)
    assert account["next_available_at"].startswith("2026-11-28T08:00:00")
    assert account["expiring_soon"] == []


async def test_who_never_bought_has_nothing(door: Door) -> None:
    account = (await door.get("/v1/points/account", buyer(new_id()))).json()
    assert (account["balance"], account["next_available_at"]) == (0, None)


async def test_entries_explain_themselves_page_by_page(door: Door) -> None:
    member_id = new_id()
    issues = [an_issue(100 * number, member_id=member_id) for number in range(1, 6)]
    await door.house.hear(*issues, an_issue(100, member_id=new_id()))
    await door.house.hear(a_revocation(issues[4]))
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await door.get("/v1/points/entries", buyer(member_id), limit=2, **cursor)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert [entry["sequence"] for entry in seen] == [6, 5, 4, 3, 2, 1]
    assert [entry["balance"] for entry in seen] == [10, 15, 10, 6, 3, 1]
    assert seen[0]["why"] == "商品已退款，收回所得 5 分"
    assert seen[1]["why"] == "消费 5.00 元，每 1.00 元得 1 分（规则第 1 版），得 5 分"
    assert (seen[1]["order_id"], seen[1]["rule_version"]) == (str(issues[4].order_id), 1)


@pytest.mark.parametrize("cursor", ["nonsense", "WyJ4Il0", "e30", encode_cursor(2**63), encode_cursor(-1)])
async def test_a_cursor_that_is_none_of_ours_is_refused(door: Door, cursor: str) -> None:
    answer = await door.get("/v1/points/entries", buyer(new_id()), cursor=cursor)
    assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")


@pytest.mark.parametrize("path", ["/v1/points/account", "/v1/points/entries"])
@pytest.mark.parametrize("role", [Role.ANONYMOUS, Role.OPERATOR, Role.PARTNER, Role.GUEST])
async def test_only_buyers_have_points(door: Door, path: str, role: Role) -> None:
    answer = await door.get(path, Identity(role, str(new_id())))
    assert answer.status_code == (401 if role is Role.ANONYMOUS else 403)


async def test_a_new_rule_counts_from_now_on_and_is_kept_with_its_author(door: Door) -> None:
    finance = operator("points", "finance")
    answer = await door.post("/v1/ops/points/rules", USUAL, finance)
    assert (answer.status_code, answer.json()["version"]) == (201, 2)
    rules = (await door.get("/v1/ops/points/rules", finance)).json()["items"]
    assert [rule["version"] for rule in rules] == [2, 1]
    assert rules[0]["created_by"] == finance.subject


async def test_the_same_key_changes_the_rule_once(door: Door) -> None:
    finance = operator("points", "finance")
    first, second = [await door.post("/v1/ops/points/rules", USUAL, finance, key="k") for _ in range(2)]
    assert first.json() == second.json()
    other = await door.post("/v1/ops/points/rules", {**USUAL, "points": 3}, finance, key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    assert len(await door.house.fetch("SELECT * FROM rules")) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({**USUAL, "per_minor": 0}, 422, "body.invalid"),
        ({**USUAL, "points": -1}, 422, "body.invalid"),
        ({**USUAL, "points": 10**9}, 422, "body.invalid"),
        ({**USUAL, "colour": "red"}, 422, "body.invalid"),
        ({**USUAL, "effective_from": "2027-01-01T00:00:00"}, 422, "body.invalid"),
        ({**USUAL, "effective_from": "2020-01-01T00:00:00Z"}, 409, "rule.in_the_past"),
    ],
)
async def test_a_rule_that_cannot_be_is_refused(door: Door, body: dict[str, Any], status: int, code: str) -> None:
    answer = await door.post("/v1/ops/points/rules", body, operator("finance"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(await door.house.fetch("SELECT * FROM rules")) == 1


async def test_an_operator_gives_and_takes_points_and_says_why(door: Door) -> None:
    member_id, finance = new_id(), operator("points")
    body = {"member_id": str(member_id), "points": 50, "reason": "补偿延迟发货"}
    given = await door.post("/v1/ops/points/adjustments", body, finance, key="once")
    again = await door.post("/v1/ops/points/adjustments", body, finance, key="once")
    assert (given.status_code, given.json()["balance"]) == (201, 50)
    assert again.json() == given.json()
    taken = await door.post("/v1/ops/points/adjustments", {**body, "points": -20}, finance)
    assert taken.json()["balance"] == 30
    too_many = await door.post("/v1/ops/points/adjustments", {**body, "points": -31}, finance)
    assert (too_many.status_code, too_many.json()["code"]) == (409, "points.insufficient")
    entries = (await door.get("/v1/points/entries", buyer(member_id))).json()["items"]
    assert entries[1]["why"] == "人工补发 50 分：补偿延迟发货"
    await door.house.assert_books_tie()


async def test_support_adjusts_points_but_leaves_the_rule_alone(door: Door) -> None:
    support = operator("points")
    assert (await door.get("/v1/ops/points/rules", support)).status_code == 200
    assert (await door.post("/v1/ops/points/rules", USUAL, support)).status_code == 403


@pytest.mark.parametrize("identity", [operator("members"), buyer(new_id())])
async def test_the_desk_is_for_operators_of_points(door: Door, identity: Identity) -> None:
    for answer in (
        await door.get("/v1/ops/points/rules", identity),
        await door.post("/v1/ops/points/rules", USUAL, identity),
        await door.post("/v1/ops/points/adjustments", {}, identity),
    ):
        assert answer.status_code == 403


async def test_figures_are_for_services(door: Door) -> None:
    answer = await door.get("/internal/figures", Identity(Role.SERVICE, "gateway"))
    assert answer.status_code == 200
    assert answer.json()["outstanding_points"] == 0
    assert (await door.get("/internal/figures", buyer(new_id()))).status_code == 403
