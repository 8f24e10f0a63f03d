"""How members can be reached: told to order alone, and the mini-program bound by its owner."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sandbox.messages.wechat import openid_of
from services.membership.settings import Settings
from shared.clock import new_id
from shared.http import Identity, Role
from tests.membership.house import House, a_phone, buyer, open_house, operator, service
from tests.support.messages import messages_process

ORDER = Identity(Role.SERVICE, "order")


@pytest.fixture
async def house(membership_settings: Settings, keys_directory: Path) -> AsyncIterator[House]:
    """The service, with the sandbox's WeChat behind it."""
    with messages_process(keys_directory) as wechat:
        async with open_house(membership_settings.model_copy(update={"wechat_url": wechat.url})) as opened:
            yield opened


async def bind(house: House, member_id: str, code: str) -> httpx.Response:
    return await house.http.put("/v1/me/wechat", json={"code": code}, headers=house.headers(buyer(member_id)))


async def test_order_is_told_how_members_can_be_reached(house: House) -> None:
    phone = a_phone()
    first = (await house.register(phone=phone, email="Li@Example.com"))["member_id"]
    second = (await house.register(phone=a_phone()))["member_id"]
    assert (await bind(house, first, "code-li")).status_code == 204
    asked = {"member_ids": [first, second, str(new_id())]}
    answer = await house.post("/internal/contacts", asked, identity=ORDER)
    contacts = {each["member_id"]: each for each in answer.json()["contacts"]}
    assert contacts[first] == {
        "member_id": first, "phone": f"+86{phone}", "email": "li@example.com", "wechat_openid": openid_of("code-li"),
    }  # fmt: skip
    assert contacts[second]["wechat_openid"] is None
    assert len(contacts) == 2


@pytest.mark.parametrize("caller", [service(), operator("admin"), buyer(new_id()), Identity(Role.SERVICE, "inventory")])
async def test_nobody_else_is_told(house: House, caller: Identity) -> None:
    member = (await house.register())["member_id"]
    answer = await house.post("/internal/contacts", {"member_ids": [member]}, identity=caller)
    assert (answer.status_code, "+86" in answer.text) == (403, False)


async def test_one_of_wechat_is_one_of_ours(house: House) -> None:
    first, second = [(await house.register())["member_id"] for _ in range(2)]
    assert (await bind(house, first, "code-one")).status_code == 204
    taken = await bind(house, second, "code-one")
    assert (taken.status_code, taken.json()["code"]) == (409, "wechat.taken")
    assert (await bind(house, first, "code-two")).status_code == 204
    assert (await bind(house, second, "code-one")).status_code == 204
    unknown = await bind(house, first, "not a code")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "wechat.code_invalid")
    nobody = await bind(house, str(new_id()), "code-three")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "member.not_found")
    kept = str(await house.fetch("SELECT * FROM members"))
    assert openid_of("code-two") not in kept


async def test_without_wechat_it_says_so(membership_settings: Settings) -> None:
    async with open_house(membership_settings) as house:
        answer = await bind(house, (await house.register())["member_id"], "code-li")
        assert (answer.status_code, answer.json()["code"]) == (503, "wechat.unavailable")
