"""Partners' signed requests, made by the library a partner would use, refused when anything about them changes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from gateway.auth.nonces import NonceStore, NonceStoreFullError
from gateway.clients import Neighbours, PartnerKeys
from shared.http import IdentitySigner, Role
from tests.gateway.house import EchoService, House, b64, fresh_nonce, open_house
from tests.shared.http_servers import serving

SECRET = b"s" * 32
PARTNER = UUID("01a20080-0000-7000-8000-000000000001")
ED25519 = Ed25519PrivateKey.generate()
KEYS = {
    "/internal/partner-keys/hmac-1": {"partner_id": str(PARTNER), "algorithm": "hmac-sha256", "secret": b64(SECRET), "active": True},
    "/internal/partner-keys/ed-1": {
        "partner_id": str(PARTNER), "algorithm": "ed25519", "active": True,
        "public_key": b64(ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
    },
    "/internal/partner-keys/hmac-channel": {
        "partner_id": str(PARTNER), "role": "channel", "algorithm": "hmac-sha256", "secret": b64(SECRET), "active": True,
    },
    "/internal/partner-keys/off-1": {"partner_id": str(PARTNER), "algorithm": "hmac-sha256", "secret": b64(SECRET), "active": False},
    "/internal/partner-keys/rsa-1": {"partner_id": str(PARTNER), "algorithm": "rsa-v1_5-sha256", "secret": b64(SECRET), "active": True},
}  # fmt: skip
COVERED = ("@method", "@path", "@query")
STATEMENTS = "/v1/partner/statements?period=2026-08"
REDEMPTIONS = "/v1/partner/redemptions"


class Resolver(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id: str) -> Any:
        return ED25519 if key_id.startswith("ed") else SECRET


@dataclass
class Message:
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


def sign(
    house: House,
    method: str,
    target: str,
    *,
    body: bytes = b"",
    key_id: str = "hmac-1",
    age_s: float = 0,
    **options: Any,
) -> dict[str, str]:
    """The headers of a signed request."""
    message = Message(method, house.url + target)
    signer = HTTPMessageSigner(
        signature_algorithm=algorithms.ED25519 if key_id.startswith("ed") else algorithms.HMAC_SHA256,
        key_resolver=Resolver(),
    )
    said: dict[str, Any] = {
        "key_id": key_id, "created": datetime.now(tz=UTC) - timedelta(seconds=age_s), "nonce": fresh_nonce(),
        "covered_component_ids": COVERED, "label": "sig1", "body": body or None,
    } | options  # fmt: skip
    signer.sign(message, **said)
    return message.headers


@pytest.fixture(scope="module")
async def settlement() -> EchoService:
    return EchoService(answers=dict(KEYS))


@pytest.fixture(scope="module")
async def house(keys_directory: Path, settlement: EchoService) -> AsyncIterator[House]:
    async with serving(settlement) as url, open_house(keys_directory, settlement_url=url, inventory_url=url) as house:
        yield house


def refusal(answer: httpx.Response) -> str:
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith("Signature")
    code: str = answer.json()["code"]
    return code


@pytest.mark.parametrize("key_id", ["hmac-1", "ed-1"])
async def test_a_signed_request_passes_as_its_partner(house: House, key_id: str) -> None:
    answer = await house.client.get(STATEMENTS, headers=sign(house, "GET", STATEMENTS, key_id=key_id))
    assert answer.status_code == 200, answer.text
    identity = house.identity(answer.json())
    assert (identity.role, identity.partner_id) == (Role.PARTNER, PARTNER)
    assert answer.json()["query"] == "period=2026-08"
    assert "signature" not in answer.json()["headers"]


async def test_a_channels_key_opens_what_is_for_channels_and_a_partners_what_is_for_partners(house: House) -> None:
    account = "/v1/channel/account"
    answer = await house.client.get(account, headers=sign(house, "GET", account, key_id="hmac-channel"))
    told = house.identity(answer.json())
    assert (told.role, told.channel_id, told.partner_id) == (Role.CHANNEL, PARTNER, None)
    for target, key_id in ((account, "hmac-1"), (STATEMENTS, "hmac-channel")):
        refused = await house.client.get(target, headers=sign(house, "GET", target, key_id=key_id))
        assert (refused.status_code, refused.json()["code"]) == (403, "auth.forbidden")


@pytest.mark.parametrize("key_id", ["hmac-1", "ed-1"])
async def test_a_signed_body_passes_and_a_swapped_one_does_not(house: House, key_id: str) -> None:
    body = b'{"code": "A"}'
    answer = await house.client.post(
        REDEMPTIONS, content=body, headers=sign(house, "POST", REDEMPTIONS, body=body, key_id=key_id)
    )
    assert answer.json()["body"] == body.decode()
    headers = sign(house, "POST", REDEMPTIONS, body=body, key_id=key_id)
    assert refusal(await house.client.post(REDEMPTIONS, content=b'{"code": "B"}', headers=headers)) == "auth.invalid"


async def test_a_body_without_a_signed_digest_is_refused(house: House) -> None:
    headers = sign(house, "POST", REDEMPTIONS)
    assert refusal(await house.client.post(REDEMPTIONS, content=b"{}", headers=headers)) == "auth.invalid"


async def test_another_method_path_or_query_is_refused(house: House) -> None:
    headers = sign(house, "GET", STATEMENTS)
    for method, target in (
        ("POST", STATEMENTS),
        ("GET", "/v1/partner/statements?period=2026-09"),
        ("GET", "/v1/partner/statements"),
        ("GET", "/v1/partner/keys?period=2026-08"),
    ):
        assert refusal(await house.client.request(method, target, headers=headers)) == "auth.invalid"
    assert (await house.client.get(STATEMENTS, headers=headers)).status_code == 200, "a refused one uses no nonce up"


@pytest.mark.parametrize("missing", COVERED)
async def test_every_component_must_be_covered(house: House, missing: str) -> None:
    covered = tuple(name for name in COVERED if name != missing)
    headers = sign(house, "GET", STATEMENTS, covered_component_ids=covered)
    assert refusal(await house.client.get(STATEMENTS, headers=headers)) == "auth.invalid"


@pytest.mark.parametrize(("age_s", "status"), [(290, 200), (-290, 200), (310, 401), (-310, 401)])
async def test_a_signature_is_good_for_five_minutes_either_way(house: House, age_s: float, status: int) -> None:
    answer = await house.client.get(STATEMENTS, headers=sign(house, "GET", STATEMENTS, age_s=age_s))
    assert answer.status_code == status


async def test_a_request_is_good_once(house: House) -> None:
    headers = sign(house, "GET", STATEMENTS)
    assert (await house.client.get(STATEMENTS, headers=headers)).status_code == 200
    for _ in range(2):
        assert refusal(await house.client.get(STATEMENTS, headers=headers)) == "auth.replayed"


async def test_of_many_replays_at_once_one_passes(house: House) -> None:
    headers = sign(house, "GET", STATEMENTS)
    answers = await asyncio.gather(*(house.client.get(STATEMENTS, headers=headers) for _ in range(16)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15


@pytest.mark.parametrize("nonce", [None, "", "short", "n" * 129])
async def test_a_nonce_must_be_there_and_be_one(house: House, nonce: str | None) -> None:
    assert (
        refusal(await house.client.get(STATEMENTS, headers=sign(house, "GET", STATEMENTS, nonce=nonce)))
        == "auth.invalid"
    )


@pytest.mark.parametrize("key_id", ["off-1", "rsa-1", "../secrets", "x" * 200])
async def test_inactive_unknown_and_strange_keys_are_refused(house: House, key_id: str) -> None:
    assert (
        refusal(await house.client.get(STATEMENTS, headers=sign(house, "GET", STATEMENTS, key_id=key_id)))
        == "auth.invalid"
    )


async def test_the_algorithm_belongs_to_the_key(house: House) -> None:
    headers = sign(house, "GET", STATEMENTS, key_id="hmac-1")
    swapped = {name: value.replace("hmac-1", "ed-1") for name, value in headers.items()}
    assert refusal(await house.client.get(STATEMENTS, headers=swapped)) == "auth.invalid"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"signature-input": "x"},
        {"signature-input": "x", "signature": "y"},
        {"signature-input": 'sig1=("@method");keyid="hmac-1"', "signature": "sig1=:AAAA:"},
        {
            "signature-input": 'a=("@method");keyid="hmac-1", b=("@path");keyid="hmac-1"',
            "signature": "a=:AAAA:, b=:AAAA:",
        },
        {"signature-input": 'sig1=("@method");created=1', "signature": "sig1=:AAAA:"},
        {"signature-input": "sig1=é", "signature": "é"},
    ],
)
async def test_what_is_not_signed_is_refused(house: House, headers: dict[str, str]) -> None:
    sent = {name.encode(): value.encode() for name, value in headers.items()}
    code = refusal(await house.client.get(STATEMENTS, headers=sent))
    assert code == ("auth.missing" if len(headers) < 2 else "auth.invalid")


async def test_a_token_does_not_replace_a_signature(house: House) -> None:
    assert refusal(await house.client.get(STATEMENTS, headers=house.operator("admin"))) == "auth.missing"


async def test_keys_are_asked_for_once_and_again_after_a_while(house: House, settlement: EchoService) -> None:
    settlement.seen.clear()
    answers = await asyncio.gather(
        *(house.client.get(STATEMENTS, headers=sign(house, "GET", STATEMENTS)) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert not [seen for seen in settlement.seen if "partner-keys" in seen["path"]], "all from the cache"


async def test_concurrent_requests_for_a_new_key_ask_once(settlement: EchoService) -> None:
    async with serving(settlement) as url:
        neighbours = Neighbours({"settlement": url}, IdentitySigner(b"k" * 32, "gateway"))
        settlement.seen.clear()
        keys = PartnerKeys(neighbours)
        found = await asyncio.gather(*(keys.find("hmac-1") for _ in range(20)))
        assert {key.partner_id for key in found if key is not None} == {PARTNER}
        assert len(settlement.seen) == 1
        assert SECRET.hex() not in repr(found)
        assert "ssss" not in repr(found)
        await neighbours.close()


async def test_without_settlement_partners_hear_a_passing_problem(keys_directory: Path) -> None:
    async with open_house(keys_directory) as house:
        answer = await house.client.get(STATEMENTS, headers=sign(house, "GET", STATEMENTS))
        assert (answer.status_code, answer.json()["code"]) == (503, "service.unavailable")


def test_nonces_are_remembered_for_the_window_and_forgotten_later() -> None:
    store = NonceStore(window_s=600)
    assert store.first_use("k", "n", now=1_000)
    for now in (1_001, 1_599, 1_600, 1_601):
        assert not store.first_use("k", "n", now=now), now
    assert store.first_use("k", "n", now=3_000)
    assert store.first_use("other", "n", now=3_000)


def test_a_nonce_used_late_in_a_generation_outlives_its_window() -> None:
    store = NonceStore(window_s=600)
    store.first_use("k", "first", now=1_000)
    store.first_use("k", "late", now=1_599)
    assert not store.first_use("k", "late", now=2_198)


def test_a_full_store_refuses_instead_of_forgetting() -> None:
    store = NonceStore(window_s=600, capacity=3)
    for number in range(3):
        store.first_use("k", str(number), now=1_000)
    with pytest.raises(NonceStoreFullError):
        store.first_use("k", "one more", now=1_001)
    assert not store.first_use("k", "0", now=1_001)
