"""One-tap links: the code, once, to whom asked for it."""

import asyncio
import base64
import logging
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.inventory.domain.links import PREFIX
from shared.clock import new_id
from shared.http import Identity
from tests.inventory.door import Door, buyer, guest
from tests.inventory.neighbours import Risk
from tests.inventory.world import World, order_of


async def token_of(door: Door, unit: object, who: Identity) -> str:
    answer = await door.call("POST", f"/v1/wallet/entitlements/{unit}/link", who=who)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["token"])


async def tap(door: Door, token: str, who: Identity) -> httpx.Response:
    return await door.call("POST", "/v1/wallet/links", json={"token": token}, who=who)


async def test_a_link_shows_the_code_once_and_is_audited(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    for owner in (buyer(order.member_id), guest(order.order_id)):
        token = await token_of(door, unit, owner)
        shown = await tap(door, token, owner)
        assert shown.status_code == 200
        assert shown.headers["cache-control"] == "no-store"
        assert shown.json()["code"] == (await door.reveal(unit, owner)).json()["code"]
        again = await tap(door, token, owner)
        assert (again.status_code, again.json()["code"]) == (410, "link.invalid")
        assert token not in again.text
    assert await world.value("SELECT count(*) FROM reveals") == 4


async def test_a_code_that_is_an_address_is_opened(world: World, door: Door) -> None:
    sku_id = await world.sku()
    address = "https://brand.example/redeem?t=Ab12Cd34Ef56"
    await world.import_codes(sku_id, [address])
    order = order_of((sku_id, 1))
    await world.reserve(order)
    (unit,) = await world.units(order)
    owner = buyer(order.member_id)
    assert (await tap(door, await token_of(door, unit, owner), owner)).json() == {"use_url": address}


async def test_of_many_taps_one_shows_it(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    owner = buyer(order.member_id)
    token = await token_of(door, unit, owner)
    answers = await asyncio.gather(*(tap(door, token, owner) for _ in range(32)))
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * 31
    assert await world.value("SELECT count(*) FROM reveals") == 1


async def test_it_is_good_for_nobody_else_nowhere_else_and_not_for_long(world: World, door: Door) -> None:
    order, (unit,) = await world.issued()
    owner = replace(buyer(order.member_id), session_id="session-1")
    token = await token_of(door, unit, owner)
    for other in (
        replace(owner, session_id="session-2"),
        replace(owner, session_id=None, device="phone-2"),
        replace(buyer(), session_id="session-1"),
        guest(order.order_id),
    ):
        assert (await tap(door, token, other)).status_code == 410
    raw = base64.urlsafe_b64decode(token.removeprefix(PREFIX) + "==")
    for place in (0, 16, 32, 40, 103):
        changed = bytes((*raw[:place], raw[place] ^ 1, *raw[place + 1 :]))
        forged = PREFIX + base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        assert (await tap(door, forged, owner)).status_code == 410
    assert (await tap(door, "KL1.AAAAAAAAAAAAAAAAAAAAAAAA", owner)).status_code == 410
    await world.fetch("UPDATE reveal_links SET expires_at = now() - interval '1 second'")
    assert (await tap(door, token, owner)).status_code == 410
    assert await world.value("SELECT count(*) FROM reveals") == 0


async def test_only_owners_get_one_and_risk_is_asked_when_it_is_opened(world: World, door: Door, risk: Risk) -> None:
    order, (unit,) = await world.issued()
    owner = buyer(order.member_id)
    stranger = await door.call("POST", f"/v1/wallet/entitlements/{unit}/link", who=buyer())
    assert (stranger.status_code, stranger.json()["code"]) == (404, "entitlement.not_found")
    assert (await door.call("POST", f"/v1/wallet/entitlements/{new_id()}/link", who=owner)).status_code == 404
    token = await token_of(door, unit, owner)
    assert risk.asked == []
    risk.decision = "deny"
    assert (await tap(door, token, owner)).json()["code"] == "risk.denied"
    risk.decision = "allow"
    assert (await tap(door, token, owner)).status_code == 410
    await world.revoke(order)
    gone = await door.call("POST", f"/v1/wallet/entitlements/{unit}/link", who=owner)
    assert gone.json()["code"] == "entitlement.revoked"


async def test_its_token_is_logged_and_stored_nowhere(
    world: World, door: Door, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    order, (unit,) = await world.issued()
    owner = buyer(order.member_id)
    token = await token_of(door, unit, owner)
    await tap(door, token, owner)
    await tap(door, token, owner)
    rows: list[Any] = []
    for table in await world.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
        rows += await world.fetch(f'SELECT * FROM "{table["tablename"]}"')  # names of our own tables
    everything = "\n".join([*capfd.readouterr(), caplog.text, str(rows)])
    assert token[len(PREFIX) :] not in everything
