"""Who gets through which door."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.auth import AuthError
from gateway.auth.tokens import CACHED_TOKENS, TokenVerifier
from shared.http import Role
from shared.settings import read_key
from tests.gateway.house import EchoService, House, open_house
from tests.shared.http_servers import serving

NOT_ASKED = httpx.AsyncClient()
"""For houses of which only the tokens are wanted."""

DOORS = {
    "public": ("GET", "/v1/products"), "anyone": ("POST", "/v1/orders"), "buyer": ("GET", "/v1/orders"),
    "holder": ("GET", "/v1/orders/o1"), "finance": ("GET", "/v1/ops/ledger/verify"), "risk": ("GET", "/v1/ops/risk/cases"),
    "partner": ("GET", "/v1/partner/statements"), "provider": ("POST", "/v1/payments/sandbox/notify"),
}  # fmt: skip
MATRIX = {
    "nobody": {"public": 200, "anyone": 200, "buyer": 401, "holder": 401, "finance": 401, "risk": 401, "partner": 401, "provider": 200},
    "buyer": {"public": 200, "anyone": 200, "buyer": 200, "holder": 200, "finance": 403, "risk": 403, "partner": 401, "provider": 200},
    "guest": {"public": 200, "anyone": 403, "buyer": 403, "holder": 200, "finance": 403, "risk": 403, "partner": 401, "provider": 200},
    "finance": {"public": 200, "anyone": 403, "buyer": 403, "holder": 403, "finance": 200, "risk": 403, "partner": 401, "provider": 200},
    "admin": {"public": 200, "anyone": 403, "buyer": 403, "holder": 403, "finance": 200, "risk": 200, "partner": 401, "provider": 200},
}  # fmt: skip


@pytest.fixture(scope="module")
async def house(keys_directory: Path) -> AsyncIterator[House]:
    async with serving(EchoService()) as url:
        names = ("order", "inventory", "membership", "points", "settlement", "risk")
        everywhere: dict[str, Any] = {f"{name}_url": url for name in names}
        async with open_house(keys_directory, **everywhere) as house:
            yield house


def headers_of(house: House, who: str) -> dict[str, str]:
    if who == "nobody":
        return {}
    if who == "buyer":
        return house.buyer()
    if who == "guest":
        return house.guest(uuid4())
    return house.operator(who)


@pytest.mark.parametrize("who", MATRIX)
@pytest.mark.parametrize("door", DOORS)
async def test_every_caller_at_every_door(house: House, who: str, door: str) -> None:
    method, path = DOORS[door]
    answer = await house.client.request(method, path, headers=headers_of(house, who))
    assert answer.status_code == MATRIX[who][door]
    if answer.status_code == 401:
        assert "www-authenticate" in answer.headers
    if answer.status_code == 403:
        assert answer.json()["code"] == "auth.forbidden"


async def test_a_guest_is_known_by_the_order(house: House) -> None:
    order_id = uuid4()
    identity = house.identity((await house.client.get(f"/v1/orders/{order_id}", headers=house.guest(order_id))).json())
    assert (identity.role, identity.order_id, identity.subject) == (Role.GUEST, order_id, str(order_id))


async def test_an_expired_token_is_told_apart(house: House) -> None:
    answer = await house.client.get("/v1/orders", headers=house.buyer(exp=int(time.time()) - 1))
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.expired")
    past = datetime.fromtimestamp(time.time() - 1, tz=UTC)
    answer = await house.client.get("/v1/orders/o1", headers=house.guest(uuid4(), expires_at=past))
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.expired")


def verifier(keys: Path) -> TokenVerifier:
    return TokenVerifier(
        access_key=(keys / "access-token.pub.pem").read_bytes(), guest_key=read_key(keys, "guest-token.key")
    )


def test_a_verified_token_is_known_until_it_expires(keys_directory: Path) -> None:
    tokens, now = verifier(keys_directory), time.time()
    token = House("", keys_directory, NOT_ASKED).token(exp=int(now) + 100).encode()
    assert tokens.known(token, now=now) is None
    credential = tokens.verify(token, now=now)
    assert tokens.known(token, now=now + 99) is credential
    with pytest.raises(AuthError) as refusal:
        tokens.known(token, now=now + 101)
    assert refusal.value.code == "auth.expired"


def test_an_expired_token_is_looked_at_once(keys_directory: Path) -> None:
    tokens, now = verifier(keys_directory), time.time()
    token = House("", keys_directory, NOT_ASKED).token(exp=int(now) - 1).encode()
    for look in (tokens.verify, tokens.known):
        with pytest.raises(AuthError) as refusal:
            look(token, now=now)
        assert refusal.value.code == "auth.expired"


def forged(house: House) -> dict[str, str]:
    """Tokens that look right."""
    claims = {
        "sub": str(uuid4()),
        "role": "operator",
        "scopes": ["admin"],
        "iss": "kaquan",
        "aud": "kaquan",
        "exp": int(time.time()) + 900,
    }
    public = (house.keys / "access-token.pub.pem").read_bytes()
    good = house.token()
    head, body, signature = good.split(".")
    return {
        "foreign key": jwt.encode(claims, Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        "no signature": jwt.encode(claims, "", algorithm="none"),
        "public key as secret": jwt.encode(claims, public[:32], algorithm="HS256"),
        "edited": ".".join([head, body[:-2] + ("AA" if body[-2:] != "AA" else "BB"), signature]),
        "cut": good[:-4],
        "wrong issuer": house.token(iss="elsewhere"),
        "wrong audience": house.token(aud="elsewhere"),
        "no expiry": house.token(exp=None),
        "no subject": house.token(sub=None),
        "no role": house.token(role=None),
        "subject no id": house.token(sub="admin"),
        "unknown role": house.token("king"),
        "role of a service": house.token("service"),
        "role of a partner": house.token("partner"),
        "nonsense": "nonsense",
        "guest with foreign mac": "g1.eyJvIjoiMCJ9." + "A" * 43,
        "huge": "x" * 5_000,
    }


async def test_no_forged_token_opens_anything(house: House) -> None:
    for name, token in forged(house).items():
        for path in ("/v1/orders", "/v1/ops/ledger/verify"):
            answer = await house.client.get(path, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 401, name
            assert answer.json()["code"] == "auth.invalid", name
            assert answer.headers["www-authenticate"] == "Bearer", name
            assert not token or token not in answer.text


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Digest x", "bearer"])
async def test_other_schemes_are_refused(house: House, value: str) -> None:
    assert (await house.client.get("/v1/orders", headers={"authorization": value})).status_code == 401


async def test_a_stale_token_does_not_keep_anybody_from_signing_in(house: House) -> None:
    stale = house.buyer(exp=int(time.time()) - 100)
    assert (await house.client.post("/v1/auth/login", headers=stale)).status_code == 200
    assert (await house.client.get("/v1/products", headers=stale)).status_code == 200


async def test_guessing_tokens_becomes_slow(keys_directory: Path) -> None:
    async with serving(EchoService()) as url, open_house(keys_directory, rate_factor=0.1, order_url=url) as house:
        here = {"x-forwarded-for": "203.0.113.7"}
        codes = [
            (await house.client.get("/v1/orders", headers=here | {"authorization": f"Bearer {n}"})).status_code
            for n in range(7)
        ]
        assert codes == [401] * 5 + [429] * 2
        assert (
            await house.client.get("/v1/orders", headers=house.buyer() | {"x-forwarded-for": "203.0.113.8"})
        ).status_code == 200


async def test_many_with_expired_tokens_do_not_lock_their_neighbours_out(keys_directory: Path) -> None:
    async with serving(EchoService()) as url, open_house(keys_directory, rate_factor=0.1, order_url=url) as house:
        for _ in range(10):
            stale = house.buyer(exp=int(time.time()) - 1)
            assert (await house.client.get("/v1/orders", headers=stale)).status_code == 401
        assert (await house.client.get("/v1/orders", headers=house.buyer())).status_code == 200


def test_verified_tokens_are_kept_in_a_bounded_number_and_by_hash(keys_directory: Path) -> None:
    tokens, house = verifier(keys_directory), House("", keys_directory, NOT_ASKED)
    for _ in range(10):
        token = house.guest(uuid4())["authorization"].removeprefix("Bearer ").encode()
        tokens.verify(token, now=time.time())
        assert not any(token in key or key in token for key in tokens._known._young)
    assert len(tokens._known) == 10
    assert tokens._known._capacity == CACHED_TOKENS
