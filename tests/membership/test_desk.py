"""What operators and the dashboard see of members, and who may not."""

from typing import Any
from uuid import UUID

import pytest

from services.membership import jobs
from shared.clock import new_id, utc_now
from shared.http import Identity, Role
from tests.membership.house import House, a_phone, buyer, operator, service
from tests.membership.orders import a_payment


async def listed(house: House, **params: str) -> list[dict[str, Any]]:
    answer = await house.get("/v1/ops/members", identity=operator("members"), params=params)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_member_is_found_by_id_phone_or_address(house: House) -> None:
    wanted = await house.register(phone="13800138000", email="lilei@example.com")
    await house.register()
    for params in (
        {"member_id": wanted["member_id"]},
        {"phone": "138 0013 8000"},
        {"email": "LiLei@example.com"},
    ):
        (found,) = await listed(house, **params)
        assert found["member_id"] == wanted["member_id"]
        assert (found["phone"], found["email"]) == ("+86138****8000", "l***@example.com")
    assert await listed(house, phone="13900139000") == []


async def test_members_are_listed_newest_first_page_by_page(house: House) -> None:
    registered = [(await house.register())["member_id"] for _ in range(5)]
    seen: list[str] = []
    params = {"limit": "2"}
    while True:
        page = (await house.get("/v1/ops/members", identity=operator("members"), params=params)).json()
        seen += [item["member_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == registered[::-1]


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"phone": "12345"}, 400, "contact.invalid"),
        ({"member_id": "1"}, 422, "parameter.invalid"),
        ({"cursor": "WyJ4Il0"}, 422, "cursor.invalid"),
        ({"limit": "100000"}, 422, "parameter.invalid"),
    ],
)
async def test_bad_searches_are_refused(house: House, params: dict[str, str], status: int, code: str) -> None:
    answer = await house.get("/v1/ops/members", identity=operator("members"), params=params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("identity", [operator("risk"), buyer(new_id()), Identity(Role.PARTNER, str(new_id()))])
async def test_the_desk_is_for_operators_of_members(house: House, identity: Identity) -> None:
    for path in ("/v1/ops/members", "/v1/ops/tiers"):
        assert (await house.get(path, identity=identity)).status_code == 403
    assert (await house.put("/v1/ops/tiers", {"tiers": []}, identity=identity, key="k")).status_code == 403


@pytest.mark.parametrize("path", ["/v1/me", "/v1/me/tier"])
async def test_ones_own_account_needs_a_buyer(house: House, path: str) -> None:
    assert (await house.get(path)).status_code == 401
    assert (await house.get(path, identity=operator("admin"))).status_code == 403
    gone = await house.get(path, identity=buyer(new_id()))
    assert (gone.status_code, gone.json()["code"]) == (404, "member.not_found")


async def test_without_the_gateways_signature_nothing_is_answered(house: House) -> None:
    assert (await house.http.get("/v1/me")).status_code == 401
    forged = {"x-kaquan-identity": house.signer.sign(buyer(new_id()))[:-2] + "xx"}
    assert (await house.http.get("/v1/me", headers=forged)).status_code == 401


async def test_figures_count_members_by_tier(house: House) -> None:
    rich = await house.register()
    for _ in range(2):
        await house.register(phone=a_phone())
    await house.hear(a_payment(150_000, member_id=UUID(rich["member_id"]), paid_at=utc_now()))
    figures = (await house.get("/internal/figures", identity=service())).json()
    assert figures == {"members": 3, "registrations_today": 3, "by_tier": {"regular": 2, "silver": 1}}


async def test_forgetting_takes_what_is_over_and_leaves_the_rest(house: House) -> None:
    member = await house.register()
    await house.register()
    await house.post("/v1/auth/login", {"phone": "13900139000", "password": "wrong"})
    await house.fetch(
        "UPDATE sessions SET expires_at = now() - interval '8 days' WHERE subject_id = $1", UUID(member["member_id"])
    )
    await house.fetch("UPDATE failed_attempts SET last_at = now() - interval '3 days'")
    await house.hear(a_payment(1_000, member_id=UUID(member["member_id"]), paid_at=utc_now()))
    await jobs.forget(house.database, utc_now)
    assert len(await house.fetch("SELECT * FROM sessions")) == 1
    assert len(await house.fetch("SELECT * FROM refresh_tokens")) == 1
    assert await house.fetch("SELECT * FROM failed_attempts") == []
    assert len(await house.fetch("SELECT * FROM orders")) == 1
