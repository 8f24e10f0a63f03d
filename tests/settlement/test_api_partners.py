"""Partners and their keys over HTTP: what comes in is checked, what is secret is shown once."""

import base64
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.clock import new_id
from shared.http import Identity, Role
from tests.settlement.desk import Desk
from tests.settlement.house import House

PARTNERS = "/v1/ops/partners"


async def register(desk: Desk, name: str = "云上视频") -> str:
    answer = await desk.operator("POST", PARTNERS, json={"name": name})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["partner_id"])


async def test_partners_are_registered_listed_and_read(desk: Desk) -> None:
    ids = [await register(desk, f"品牌{number}") for number in range(3)]
    first = (await desk.operator("GET", PARTNERS, params={"limit": 2})).json()
    assert [item["partner_id"] for item in first["items"]] == [ids[2], ids[1]]
    rest = (await desk.operator("GET", PARTNERS, params={"cursor": first["next_cursor"]})).json()
    assert ([item["partner_id"] for item in rest["items"]], rest["next_cursor"]) == ([ids[0]], None)
    assert (await desk.operator("GET", f"{PARTNERS}/{ids[0]}")).json()["name"] == "品牌0"


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "two\nlines", "nul\x00", None, 5])
async def test_a_partner_has_a_name_of_one_line(desk: Desk, name: object) -> None:
    answer = await desk.operator("POST", PARTNERS, json={"name": name})
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert (await desk.operator("GET", PARTNERS)).json()["items"] == []


async def test_the_same_request_again_registers_nobody(desk: Desk) -> None:
    first = await desk.operator("POST", PARTNERS, key="once", json={"name": "甲"})
    again = await desk.operator("POST", PARTNERS, key="once", json={"name": "甲"})
    assert (again.status_code, again.json()) == (201, first.json())
    other = await desk.operator("POST", PARTNERS, key="once", json={"name": "乙"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.reused")
    assert len((await desk.operator("GET", PARTNERS)).json()["items"]) == 1


async def test_an_hmac_secret_is_shown_once_and_found_by_the_gateway(desk: Desk, house: House) -> None:
    partner_id = await register(desk)
    made = await desk.operator("POST", f"{PARTNERS}/{partner_id}/keys", key="k", json={"algorithm": "hmac-sha256"})
    key = made.json()
    assert made.status_code == 201
    assert len(base64.b64decode(key["secret"], validate=True)) == 32
    again = await desk.operator("POST", f"{PARTNERS}/{partner_id}/keys", key="k", json={"algorithm": "hmac-sha256"})
    assert (again.json()["key_id"], again.json()["secret"]) == (key["key_id"], None)
    found = (await desk.service(f"/internal/partner-keys/{key['key_id']}")).json()
    assert found == {
        "partner_id": partner_id,
        "role": "partner",
        "algorithm": "hmac-sha256",
        "active": True,
        "secret": key["secret"],
        "public_key": None,
    }
    stored = b"".join(bytes(row[0]) for row in await house.rows("SELECT sealed_secret FROM partner_keys"))
    kept = b"".join(bytes(row[0]) for row in await house.rows("SELECT body FROM idempotency_keys"))
    for clear in (key["secret"].encode(), base64.b64decode(key["secret"])):
        assert clear not in stored
        assert clear not in kept


@pytest.mark.parametrize("as_pem", [True, False])
async def test_an_ed25519_key_is_the_partners_own(desk: Desk, as_pem: bool) -> None:  # noqa: FBT001  # parametrized
    partner_id = await register(desk)
    public = Ed25519PrivateKey.generate().public_key()
    raw = base64.b64encode(public.public_bytes_raw()).decode()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    body = {"algorithm": "ed25519", "public_key": pem if as_pem else raw}
    made = await desk.operator("POST", f"{PARTNERS}/{partner_id}/keys", json=body)
    assert (made.status_code, made.json()["secret"]) == (201, None)
    found = (await desk.service(f"/internal/partner-keys/{made.json()['key_id']}")).json()
    assert (found["algorithm"], found["public_key"], found["secret"]) == ("ed25519", raw, None)


@pytest.mark.parametrize(
    "body",
    [
        {"algorithm": "ed25519"},
        {"algorithm": "ed25519", "public_key": "AAAA"},
        {"algorithm": "ed25519", "public_key": "not base64!"},
        {"algorithm": "ed25519", "public_key": "-----BEGIN PUBLIC KEY-----\nno\n-----END PUBLIC KEY-----"},
        {"algorithm": "hmac-sha256", "public_key": "AAAA"},
    ],
)
async def test_a_public_key_that_does_not_fit_is_refused(desk: Desk, body: dict[str, str]) -> None:
    partner_id = await register(desk)
    answer = await desk.operator("POST", f"{PARTNERS}/{partner_id}/keys", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "key.public_key_invalid")
    assert (await desk.operator("GET", f"{PARTNERS}/{partner_id}/keys")).json()["items"] == []


async def test_rotation_leaves_the_old_key_for_a_while_and_revocation_none(desk: Desk) -> None:
    partner_id = await register(desk)
    old = (await desk.operator("POST", f"{PARTNERS}/{partner_id}/keys", json={"algorithm": "hmac-sha256"})).json()
    path = f"{PARTNERS}/{partner_id}/keys/{old['key_id']}"
    new = (await desk.operator("POST", f"{path}/rotate", json={"overlap_s": 3_600})).json()
    assert new["secret"] not in {None, old["secret"]}
    own = (await desk.partner(UUID(partner_id), "/v1/partner/keys")).json()["items"]
    assert [(key["key_id"], key["active"]) for key in own] == [(new["key_id"], True), (old["key_id"], True)]
    assert own[1]["expires_at"] is not None
    assert all("secret" not in key for key in own)
    assert (await desk.operator("POST", f"{path}/revoke")).json()["active"] is False
    found = (await desk.service(f"/internal/partner-keys/{old['key_id']}")).json()
    assert (found["active"], found["secret"]) == (False, None)
    refused = await desk.operator("POST", f"{path}/rotate", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "key.ended")


async def test_a_key_of_another_partner_is_not_there(desk: Desk) -> None:
    owner, other = await register(desk), await register(desk, "别人")
    key = (await desk.operator("POST", f"{PARTNERS}/{owner}/keys", json={"algorithm": "hmac-sha256"})).json()
    answer = await desk.operator("POST", f"{PARTNERS}/{other}/keys/{key['key_id']}/revoke")
    assert (answer.status_code, answer.json()["code"]) == (404, "key.not_found")
    assert (await desk.partner(UUID(other), "/v1/partner/keys")).json()["items"] == []


async def test_what_is_not_there_is_said_to_be_missing(desk: Desk) -> None:
    nobody = f"{PARTNERS}/{new_id()}"
    for method, path in (("GET", nobody), ("GET", f"{nobody}/keys")):
        answer = await desk.operator(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "partner.not_found")
    answer = await desk.operator("POST", f"{nobody}/keys", json={"algorithm": "hmac-sha256"})
    assert (answer.status_code, answer.json()["code"]) == (404, "partner.not_found")
    for key_id in ("pk_unknown", "%00", "x" * 100):
        assert (await desk.service(f"/internal/partner-keys/{key_id}")).status_code == 404


@pytest.mark.parametrize(
    "identity",
    [
        Identity(Role.BUYER, str(new_id())),
        Identity(Role.PARTNER, str(new_id())),
        Identity(Role.OPERATOR, str(new_id()), scopes=frozenset({"catalogue"})),
    ],
)
async def test_the_desk_is_for_finance_only(desk: Desk, identity: Identity) -> None:
    for path in (PARTNERS, "/v1/ops/split-contracts", "/v1/ops/ledger/verify", "/v1/ops/statements"):
        answer = await desk.call(identity, "GET", path)
        assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_key_material_is_for_services_only(desk: Desk) -> None:
    answer = await desk.operator("GET", "/internal/partner-keys/pk_x", scopes=frozenset({"admin"}))
    assert answer.status_code == 403


async def test_anybody_reads_whose_goods_they_are(desk: Desk) -> None:
    partner_id = await register(desk, "星海文娱")
    anybody = Identity(Role.ANONYMOUS, "")
    answer = await desk.call(anybody, "GET", "/v1/brands", params={"partner_id": [partner_id, str(new_id())]})
    assert answer.json() == {"items": [{"partner_id": partner_id, "name": "星海文娱"}]}
    assert (await desk.call(anybody, "GET", "/v1/brands")).status_code == 422
