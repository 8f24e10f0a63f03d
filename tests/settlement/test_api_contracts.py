"""Split contracts over HTTP: versions, hashes, and clear refusals that change nothing."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.clock import new_id
from shared.contracts import ContractPublishedV1
from tests.settlement.desk import Desk
from tests.settlement.house import House

PATH = "/v1/ops/split-contracts"
REST = {"party_kind": "platform", "remainder": True}


async def test_versions_are_published_with_their_hash(desk: Desk, house: House) -> None:
    brand, sku_id = await house.partner(), new_id()
    shares = [{"party_kind": "brand", "partner_id": str(brand), "share_bp": 7_000, "earned_on": "redemption"}, REST]
    first = (await desk.operator("POST", PATH, json={"sku_id": str(sku_id), "shares": shares})).json()
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"sku_id": str(sku_id), "shares": [REST], "effective_from": later}
    second = (await desk.operator("POST", PATH, json=body)).json()
    assert (first["version"], second["version"]) == (1, 2)
    assert first["contract_id"] == second["contract_id"]
    for contract in (first, second):
        assert hashlib.sha256(contract["canonical"].encode()).hexdigest() == contract["hash"]
    said = await house.announced(ContractPublishedV1)
    assert [(event.version, event.hash) for event in said] == [(1, first["hash"]), (2, second["hash"])]
    assert said[0].sku_id == sku_id
    listed = (await desk.operator("GET", PATH, params={"sku_id": str(sku_id)})).json()["items"]
    assert [item["version"] for item in listed] == [2, 1]
    one = await desk.operator("GET", f"{PATH}/{first['contract_id']}/versions/1")
    assert one.json() == first


async def test_the_list_goes_on_by_cursor(desk: Desk, house: House) -> None:
    for _ in range(3):
        await house.contract(*(await house.two_brands()).shares)
    seen: list[tuple[str, int]] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await desk.operator("GET", PATH, params=params)).json()
        seen += [(item["contract_id"], item["version"]) for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6
    for broken in ("zzz", "WzFd", "WyJhIiwiYiJd"):
        answer = await desk.operator("GET", PATH, params={"cursor": broken})
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor.invalid")


def brand(partner_id: UUID, bp: int = 5_000) -> dict[str, object]:
    return {"party_kind": "brand", "partner_id": str(partner_id), "share_bp": bp}


@pytest.mark.parametrize(
    ("case", "status", "code"),
    [
        ("over", 400, "contract.shares_exceed_whole"),
        ("two remainders", 400, "contract.remainder_invalid"),
        ("no remainder", 400, "contract.remainder_invalid"),
        ("share and remainder", 400, "contract.remainder_invalid"),
        ("twice", 400, "contract.party_invalid"),
        ("platform with partner", 400, "contract.party_invalid"),
        ("brand without partner", 400, "contract.party_invalid"),
        ("unknown partner", 404, "partner.not_found"),
        ("backdated", 400, "contract.date_invalid"),
        ("too late", 400, "contract.date_invalid"),
        ("naive", 422, "body.invalid"),
        ("zero share", 422, "body.invalid"),
        ("float share", 422, "body.invalid"),
        ("no shares", 422, "body.invalid"),
        ("unknown kind", 422, "body.invalid"),
        ("unknown field", 422, "body.invalid"),
    ],
)
async def test_a_contract_that_leaves_a_doubt_is_refused(
    desk: Desk, house: House, case: str, status: int, code: str
) -> None:
    a, b = await house.partner(), await house.partner()
    now = datetime.now(UTC)
    bodies: dict[str, dict[str, object]] = {
        "over": {"shares": [brand(a, 6_000), brand(b, 4_001), REST]},
        "two remainders": {"shares": [REST, {"party_kind": "brand", "partner_id": str(a), "remainder": True}]},
        "no remainder": {"shares": [brand(a, 5_000), brand(b, 5_000)]},
        "share and remainder": {"shares": [brand(a) | {"remainder": True}]},
        "twice": {"shares": [brand(a), brand(a), REST]},
        "platform with partner": {"shares": [REST | {"partner_id": str(a)}]},
        "brand without partner": {"shares": [{"party_kind": "brand", "share_bp": 5}, REST]},
        "unknown partner": {"shares": [brand(new_id()), REST]},
        "backdated": {"shares": [REST], "effective_from": (now - timedelta(days=1)).isoformat()},
        "too late": {"shares": [REST], "effective_from": (now + timedelta(days=3_000)).isoformat()},
        "naive": {"shares": [REST], "effective_from": "2030-01-01T00:00:00"},
        "zero share": {"shares": [brand(a, 0), REST]},
        "float share": {"shares": [brand(a) | {"share_bp": 0.5}, REST]},
        "no shares": {"shares": []},
        "unknown kind": {"shares": [{"party_kind": "friend", "share_bp": 5}, REST]},
        "unknown field": {"shares": [REST], "version": 3},
    }
    answer = await desk.operator("POST", PATH, json={"sku_id": str(new_id())} | bodies[case])
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (await desk.operator("GET", PATH)).json()["items"] == []
    assert await house.announced(ContractPublishedV1) == []


async def test_a_version_does_not_start_before_the_one_it_follows(desk: Desk) -> None:
    sku_id, now = str(new_id()), datetime.now(UTC)
    later, sooner = ((now + timedelta(days=days)).isoformat() for days in (9, 5))
    body = {"sku_id": sku_id, "shares": [REST], "effective_from": later}
    assert (await desk.operator("POST", PATH, json=body)).status_code == 201
    answer = await desk.operator("POST", PATH, json=body | {"effective_from": sooner})
    assert (answer.status_code, answer.json()["code"]) == (400, "contract.date_invalid")


async def test_a_version_that_is_not_there(desk: Desk) -> None:
    answer = await desk.operator("GET", f"{PATH}/{new_id()}/versions/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "contract.not_found")
