"""Opening an account: once per contact, told to the others without a word about who it is."""

import asyncio
from typing import Any
from uuid import UUID

import jwt
import pytest

from services.membership.settings import Settings
from shared.contracts import MemberRegisteredV1, MemberTierChangedV1
from tests.membership.house import PASSWORD, House, a_phone, buyer


async def test_a_new_member_is_signed_in_and_told_of(house: House, membership_settings: Settings) -> None:
    answer = await house.post("/v1/auth/register", {"phone": "138 0013 8000", "password": PASSWORD})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["expires_in"], body["token_type"]) == (900, "Bearer")
    public_key = (membership_settings.keys_dir / "access-token.pub.pem").read_bytes()
    claims = jwt.decode(body["access_token"], public_key, algorithms=["EdDSA"], audience="kaquan", issuer="kaquan")
    assert (claims["sub"], claims["role"], claims["scopes"]) == (body["member_id"], "buyer", [])
    assert claims["exp"] - claims["iat"] == 900
    assert claims["sid"] != body["member_id"]
    member_id = UUID(body["member_id"])
    (registered,) = await house.said(MemberRegisteredV1)
    (tier,) = await house.said(MemberTierChangedV1)
    assert (registered.member_id, registered.invited_by) == (member_id, None)
    assert (tier.member_id, tier.sequence, tier.tier, tier.price_bp) == (member_id, 1, "regular", 10_000)


async def test_an_account_shows_its_contacts_masked(house: House) -> None:
    body = await house.register(phone="13800138000", email="lilei@example.com")
    me = (await house.get("/v1/me", identity=buyer(body["member_id"]))).json()
    assert (me["phone"], me["email"]) == ("+86138****8000", "l***@example.com")
    assert (me["tier"], me["tier_name"], me["price_bp"]) == ("regular", "普通会员", 10_000)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"phone": "13800138000"}, {"phone": "+86 138-0013-8000"}),
        ({"email": "lilei@example.com"}, {"email": "LiLei@Example.com"}),
        ({"phone": "13800138000"}, {"phone": "13800138000", "email": "lilei@example.com"}),
    ],
)
async def test_a_contact_has_one_account(house: House, first: dict[str, str], second: dict[str, str]) -> None:
    await house.register(**first)
    answer = await house.post("/v1/auth/register", {"password": PASSWORD, **second})
    assert (answer.status_code, answer.json()["code"]) == (409, "account.exists")
    assert len(await house.fetch("SELECT * FROM members")) == 1


async def test_of_many_who_register_at_once_one_gets_the_account(house: House) -> None:
    """Seen failing without the unique constraint: all eight do."""
    body = {"phone": a_phone(), "password": PASSWORD}
    await house.warm_up()
    answers = await asyncio.gather(*(house.post("/v1/auth/register", body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(await house.said(MemberRegisteredV1)) == 1


async def test_an_invitation_names_who_invited(house: House) -> None:
    host = await house.register()
    me = (await house.get("/v1/me", identity=buyer(host["member_id"]))).json()
    guest = await house.register(phone=a_phone(), invite_code=me["invite_code"].lower())
    (event,) = await house.said(MemberRegisteredV1, member_id=UUID(guest["member_id"]))
    assert event.invited_by == UUID(host["member_id"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"password": PASSWORD}, 400, "contact.missing"),
        ({"phone": "12345", "password": PASSWORD}, 400, "contact.invalid"),
        ({"email": "nobody", "password": PASSWORD}, 400, "contact.invalid"),
        ({"phone": "13911112222", "password": "short"}, 400, "password.refused"),
        ({"phone": "13911112222", "password": "13911112222"}, 400, "password.refused"),
        ({"phone": "13911112222", "password": PASSWORD, "invite_code": "NOBODYS2"}, 400, "invite.unknown"),
        ({"phone": "13911112222"}, 422, "body.invalid"),
        ({"phone": 13911112222, "password": PASSWORD}, 422, "body.invalid"),
        ({"phone": "13911112222", "password": PASSWORD, "role": "operator"}, 422, "body.invalid"),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    house: House, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await house.post("/v1/auth/register", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert PASSWORD not in answer.text
    assert "13911112222" not in answer.text
    assert await house.fetch("SELECT * FROM members") == []
    assert await house.fetch("SELECT * FROM outbox") == []


async def test_contacts_and_passwords_stay_out_of_tables_events_and_logs(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    phone, email = "13912345678", "marked.person@example.com"
    await house.register(phone=phone, email=email)
    await house.post("/v1/auth/login", {"phone": phone, "password": PASSWORD})
    await house.post("/v1/auth/login", {"email": email, "password": "wrong " + PASSWORD})
    kept = ""
    for table in ("members", "outbox", "failed_attempts", "sessions", "refresh_tokens"):
        for row in await house.fetch(f"SELECT * FROM {table}"):
            kept += "|".join(v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row.values())
    output = capsys.readouterr()
    for secret in (phone, "marked.person", PASSWORD):
        assert secret not in kept
        assert secret not in output.out + output.err
