"""Signing in, refreshing, signing out: what works once, what is refused, and what nobody learns from it."""

import asyncio
import time
from typing import Any
from uuid import UUID

import httpx
import jwt
import pyotp
import pytest

from dev.stack.keys import read_operators
from services.membership.settings import Settings
from services.membership.usecases.passwords import HashingCost, Passwords
from shared.crypto import Secret
from tests.conftest import ServiceDatabaseMaker
from tests.membership.house import PASSWORD, House, a_phone, fast_settings, open_house


async def sign_in(house: House, phone: str, password: str = PASSWORD) -> httpx.Response:
    return await house.post("/v1/auth/login", {"phone": phone, "password": password})


async def refresh(house: House, token: str) -> httpx.Response:
    return await house.post("/v1/auth/refresh", {"refresh_token": token})


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_member_signs_in_by_phone_or_address(house: House) -> None:
    member = await house.register(phone="13800138000", email="lilei@example.com")
    for handle in ({"phone": "+86 13800138000"}, {"email": "LILEI@example.com"}):
        answer = await house.post("/v1/auth/login", {"password": PASSWORD, **handle})
        assert answer.status_code == 200
        assert answer.json()["member_id"] == member["member_id"]


async def test_who_is_wrong_learns_nothing(house: House) -> None:
    await house.register(phone="13800138000")
    wrong = await sign_in(house, "13800138000", "not " + PASSWORD)
    unknown = await sign_in(house, "13900139000", "not " + PASSWORD)
    for answer in (wrong, unknown):
        assert refused(answer, 401, "auth.invalid")
    told = [{**answer.json(), "request_id": ""} for answer in (wrong, unknown)]
    assert told[0] == told[1]


async def test_an_unknown_account_takes_as_long_as_a_wrong_password(
    service_database: ServiceDatabaseMaker, keys_directory: Any
) -> None:
    """With the hashing that production pays for, skipping it for unknown accounts would show."""
    database = await service_database("membership")
    strong = fast_settings(database.url, keys_directory, argon2_memory_kib=19_456, argon2_passes=2)
    async with open_house(strong) as house:
        await house.register(phone="13800138000")
        spent: dict[str, list[float]] = {"13800138000": [], "13900139000": []}
        for _ in range(3):
            for phone, seconds in spent.items():
                started = time.perf_counter()
                assert refused(await sign_in(house, phone, "wrong " + PASSWORD), 401, "auth.invalid")
                seconds.append(time.perf_counter() - started)
    known, unknown = (min(seconds) for seconds in spent.values())
    assert unknown > known / 2


async def test_too_many_failures_lock_an_account_for_a_while_known_or_not(house: House) -> None:
    await house.register(phone="13800138000")
    for phone in ("13800138000", "13900139000"):
        for _ in range(5):
            assert refused(await sign_in(house, phone, "wrong " + PASSWORD), 401, "auth.invalid")
        locked = await sign_in(house, phone)
        assert refused(locked, 429, "auth.locked")
        assert 0 < int(locked.headers["Retry-After"]) <= 30


async def test_a_lock_ends_and_success_forgets_the_failures(house: House) -> None:
    phone = a_phone()
    await house.register(phone=phone)
    for _ in range(5):
        await sign_in(house, phone, "wrong " + PASSWORD)
    await house.fetch("UPDATE failed_attempts SET locked_until = now() - interval '1 second'")
    assert (await sign_in(house, phone)).status_code == 200
    assert await house.fetch("SELECT * FROM failed_attempts") == []


async def test_attempts_at_once_do_not_slip_past_the_count(house: House) -> None:
    """Seen failing when an attempt is counted after the password was looked at: the right guess gets in."""
    phone = a_phone()
    await house.register(phone=phone)
    await house.warm_up()
    guesses = [*(f"wrong {number}" for number in range(39)), PASSWORD]
    answers = await asyncio.gather(*(sign_in(house, phone, guess) for guess in guesses))
    assert sorted({answer.status_code for answer in answers}) == [401, 429]
    assert sum(answer.status_code == 401 for answer in answers) == 5


async def test_a_refresh_token_brings_the_next_one(house: House, membership_settings: Settings) -> None:
    first = await house.register()
    second = (await refresh(house, first["refresh_token"])).json()
    third = (await refresh(house, second["refresh_token"])).json()
    tokens = [first["refresh_token"], second["refresh_token"], third["refresh_token"]]
    assert len(set(tokens)) == 3
    key = (membership_settings.keys_dir / "access-token.pub.pem").read_bytes()
    sessions = {
        jwt.decode(body["access_token"], key, algorithms=["EdDSA"], audience="kaquan")["sid"]
        for body in (first, second, third)
    }
    assert len(sessions) == 1


async def test_refreshes_at_once_get_the_same_successor(house: House) -> None:
    """Seen failing without the row lock: each gets a successor of its own, and all but one are dead."""
    first = await house.register()
    await house.warm_up()
    answers = await asyncio.gather(*(refresh(house, first["refresh_token"]) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    assert len(await house.fetch("SELECT * FROM refresh_tokens")) == 2


async def test_a_token_used_after_its_successor_ends_the_session(house: House) -> None:
    first = await house.register()
    second = (await refresh(house, first["refresh_token"])).json()
    third = (await refresh(house, second["refresh_token"])).json()
    assert refused(await refresh(house, first["refresh_token"]), 401, "auth.reused")
    assert refused(await refresh(house, third["refresh_token"]), 401, "auth.expired")
    (session,) = await house.fetch("SELECT * FROM sessions")
    assert session["end_reason"] == "token_reused"


async def test_a_token_used_after_the_grace_ends_the_session(house: House) -> None:
    first = await house.register()
    second = (await refresh(house, first["refresh_token"])).json()
    await house.fetch("UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE used_at IS NOT NULL")
    assert refused(await refresh(house, first["refresh_token"]), 401, "auth.reused")
    assert refused(await refresh(house, second["refresh_token"]), 401, "auth.expired")


async def test_reuse_ends_that_session_and_no_other(house: House) -> None:
    phone = a_phone()
    stolen = await house.register(phone=phone)
    other = (await sign_in(house, phone)).json()
    await refresh(house, (await refresh(house, stolen["refresh_token"])).json()["refresh_token"])
    assert refused(await refresh(house, stolen["refresh_token"]), 401, "auth.reused")
    assert (await refresh(house, other["refresh_token"])).status_code == 200


@pytest.mark.parametrize("token", ["nonsense", "0" * 64])
async def test_a_token_that_was_never_given_is_refused(house: House, token: str) -> None:
    assert refused(await refresh(house, token), 401, "auth.expired")


async def test_signing_out_ends_the_session_and_says_the_same_either_way(house: House) -> None:
    member = await house.register()
    for _ in range(2):
        answer = await house.post("/v1/auth/logout", {"refresh_token": member["refresh_token"]})
        assert answer.status_code == 204
    assert (await house.post("/v1/auth/logout", {"refresh_token": "nonsense"})).status_code == 204
    assert refused(await refresh(house, member["refresh_token"]), 401, "auth.expired")


async def test_refresh_tokens_are_kept_as_hashes(house: House) -> None:
    member = await house.register()
    await refresh(house, member["refresh_token"])
    for row in await house.fetch("SELECT * FROM refresh_tokens"):
        assert member["refresh_token"].encode() not in row["digest"]
        assert bytes.fromhex(member["refresh_token"]) != row["digest"]


def operator_body(settings: Settings, *, code: str | None = None, password: str | None = None) -> dict[str, Any]:
    seeded: dict[str, Any] = read_operators(settings.keys_dir)[0]
    totp = pyotp.TOTP(seeded["totp_secret"]).now()
    return {"login": seeded["login"], "password": password or seeded["password"], "totp": code or totp}


async def test_an_operator_signs_in_with_a_code_and_has_his_scopes(house: House, membership_settings: Settings) -> None:
    answer = await house.post("/v1/auth/login", operator_body(membership_settings))
    assert answer.status_code == 200
    key = (membership_settings.keys_dir / "access-token.pub.pem").read_bytes()
    claims = jwt.decode(answer.json()["access_token"], key, algorithms=["EdDSA"], audience="kaquan")
    assert (claims["role"], claims["scopes"], claims["sub"]) == ("operator", ["admin"], answer.json()["operator_id"])
    again = await refresh(house, answer.json()["refresh_token"])
    claims = jwt.decode(again.json()["access_token"], key, algorithms=["EdDSA"], audience="kaquan")
    assert claims["scopes"] == ["admin"]


async def test_a_one_time_code_works_once(house: House, membership_settings: Settings) -> None:
    """Seen failing when the step that was used is not compared: of four at once all get in."""
    body = operator_body(membership_settings)
    await house.warm_up()
    answers = await asyncio.gather(*(house.post("/v1/auth/login", body) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert refused(await house.post("/v1/auth/login", body), 401, "auth.invalid")


async def test_operators_need_password_and_code(house: House, membership_settings: Settings) -> None:
    wrong_code = f"{(int(operator_body(membership_settings)['totp']) + 1) % 1_000_000:06d}"
    for body in (
        operator_body(membership_settings, code=wrong_code),
        operator_body(membership_settings, password="wrong " + PASSWORD),
        {**operator_body(membership_settings), "login": "nobody"},
    ):
        assert refused(await house.post("/v1/auth/login", body), 401, "auth.invalid")
    without = {**operator_body(membership_settings)}
    del without["totp"]
    assert refused(await house.post("/v1/auth/login", without), 422, "body.invalid")


async def test_operators_are_created_once(house: House, membership_settings: Settings) -> None:
    async with open_house(membership_settings):
        pass
    operators = await house.fetch("SELECT login FROM operators ORDER BY login")
    assert [row["login"] for row in operators] == sorted(
        str(one["login"]) for one in read_operators(membership_settings.keys_dir)
    )


async def test_a_password_is_hashed_anew_when_hashing_became_dearer(
    service_database: ServiceDatabaseMaker, keys_directory: Any
) -> None:
    database = await service_database("membership")
    phone = a_phone()
    async with open_house(fast_settings(database.url, keys_directory)) as house:
        member = await house.register(phone=phone)
    async with open_house(fast_settings(database.url, keys_directory, argon2_memory_kib=128)) as house:
        assert (await sign_in(house, phone)).status_code == 200
        (row,) = await house.fetch("SELECT * FROM members WHERE member_id = $1", UUID(member["member_id"]))
        assert "m=128" in row["password_hash"]
        assert (await sign_in(house, phone)).status_code == 200


async def test_more_than_may_wait_are_told_to_come_back(
    service_database: ServiceDatabaseMaker, keys_directory: Any
) -> None:
    database = await service_database("membership")
    crowded = fast_settings(database.url, keys_directory, argon2_memory_kib=19_456, argon2_at_once=1, argon2_waiting=1)
    async with open_house(crowded) as house:
        answers = await asyncio.gather(*(sign_in(house, a_phone()) for _ in range(12)))
        codes = {answer.json()["code"] for answer in answers}
        assert codes == {"auth.invalid", "auth.busy"}
        busy = [answer for answer in answers if answer.json()["code"] == "auth.busy"]
        assert {answer.status_code for answer in busy} == {503}


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    passwords = Passwords(HashingCost(memory_kib=65_536, passes=3, lanes=1, at_once=1, waiting=4))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await passwords.hash(Secret(PASSWORD))
    ticking.cancel()
    await passwords.close()
    assert ticks >= 5
