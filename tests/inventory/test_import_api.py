"""Cards come in: sealed, none twice, all or none."""

from typing import Any

import pytest

from shared.clock import new_id
from tests.inventory.door import Door, buyer
from tests.inventory.world import World

MARKED = "LEAKME-7777-ABCD-0001"


@pytest.fixture
async def sku(door: Door) -> str:
    return await door.sku(await door.product())


def batches(sku_id: str) -> str:
    return f"/v1/ops/skus/{sku_id}/batches"


async def test_cards_come_in_sealed(door: Door, world: World, sku: str) -> None:
    answer = await door.post(batches(sku), {"codes": [{"code": MARKED, "password": "pw-7777"}], "cost_minor": 800})
    assert (answer["accepted"], answer["refused"], answer["lines"]) == (1, 0, [])
    (card,) = await world.fetch("SELECT * FROM cards")
    assert card["masked"] == "****0001"
    assert MARKED not in str(card)
    assert b"LEAKME" not in card["sealed"]
    (batch,) = (await door.get(batches(sku)))["items"]
    assert (batch["accepted"], batch["available"], batch["issued"], batch["cost_minor"]) == (1, 1, 0, 800)


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("text/csv", b'code,password,expires_at\r\nAAAA-0001,p1,2099-01-01\r\n\r\n"BB,BB-0002",,\r\n'),
        ("text/csv", b"AAAA-0001,p1\nBBBB-0002"),
        ("text/csv", "serial,code\n一号,AAAA-0001\n二号,BBBB-0002".encode("gb18030")),
        ("text/plain", b"\xef\xbb\xbfAAAA-0001----p1----S1\n\n  BBBB-0002  \n"),
        ("text/plain; charset=utf-8", b"https://brand.example/r?c=aB1\nhttps://brand.example/r?c=Ab1"),
        ("application/json", b'{"codes": ["AAAA-0001", {"code": "BBBB-0002", "serial": "S2"}]}'),
    ],
)
async def test_cards_come_as_operators_have_them(
    door: Door, world: World, sku: str, media_type: str, body: bytes
) -> None:
    answer = await door.call("POST", batches(sku), content=body, content_type=media_type)
    assert (answer.status_code, answer.json()["accepted"]) == (201, 2), answer.text
    assert await world.value("SELECT on_hand FROM stock") == 2


async def test_a_file_is_uploaded(door: Door, sku: str) -> None:
    files = {"file": ("cards.csv", b"code,password\nAAAA-0001,p\nBBBB-0002,q\n", "text/csv")}
    answer = await door.call("POST", batches(sku), files=files, params={"cost_minor": 500})
    assert answer.json()["accepted"] == 2
    (batch,) = (await door.get(batches(sku)))["items"]
    assert batch["cost_minor"] == 500


BROKEN = """code,password,serial,expires_at
GOOD-CODE-0001,,,
,lonely-password,,
GOOD-CODE-0002,,,31/12/2099
GOOD-CODE-0003,,,2001-01-01
good code 0001,,,
GOOD-CODE-0004,,,,too-many
GOOD-CODE-0005,,,2099-12-31T00:00:00+08:00
"""
FAULTS = [
    {"line": 3, "reason": "code_missing"},
    {"line": 4, "reason": "expires_at_invalid"},
    {"line": 5, "reason": "expired"},
    {"line": 6, "reason": "duplicate_in_file"},
    {"line": 7, "reason": "too_many_fields"},
]


async def test_broken_lines_are_reported_and_nothing_is_changed(door: Door, world: World, sku: str) -> None:
    answer = await door.call("POST", batches(sku), content=BROKEN, content_type="text/csv")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "import.invalid")
    assert (problem["refused"], problem["lines"]) == (5, FAULTS)
    assert "GOOD-CODE" not in answer.text
    assert await world.value("SELECT count(*) FROM cards") == 0
    assert await world.value("SELECT count(*) FROM data_keys") == 0


async def test_the_good_lines_are_taken_when_that_is_wanted(door: Door, world: World, sku: str) -> None:
    answer = await door.call(
        "POST", batches(sku), content=BROKEN, content_type="text/csv", params={"accept_valid": "true"}
    )
    assert answer.status_code == 201
    assert (answer.json()["accepted"], answer.json()["lines"]) == (2, FAULTS)
    assert await world.value("SELECT on_hand FROM stock") == 2


async def test_the_same_cards_twice_are_refused(door: Door, world: World, sku: str) -> None:
    other = await door.sku(await door.product())
    await door.post(batches(sku), {"codes": ["AAAA-0001", "AAAA-0002"]})
    for where in (sku, other):
        again = await door.post(batches(where), {"codes": ["aaaa 0002", "ＡＡＡＡ－０００１"]}, expect=409)
        assert again["code"] == "import.duplicate"
        assert [line["reason"] for line in again["lines"]] == ["duplicate_in_stock"] * 2
    params = {"accept_valid": "true"}
    mixed = await door.call("POST", batches(sku), json={"codes": ["AAAA-0001", "AAAA-0003"]}, params=params)
    assert (mixed.json()["accepted"], mixed.json()["lines"]) == (1, [{"line": 1, "reason": "duplicate_in_stock"}])
    nothing_new = await door.call("POST", batches(sku), json={"codes": ["AAAA-0001"]}, params=params)
    assert (nothing_new.status_code, nothing_new.json()["code"]) == (409, "import.duplicate")
    assert await world.value("SELECT count(*) FROM cards") == 3


async def test_an_import_repeated_with_its_key_happens_once(door: Door, world: World, sku: str) -> None:
    body = {"codes": ["AAAA-0001"]}
    first = await door.post(batches(sku), body, key="import-1")
    assert await door.post(batches(sku), body, key="import-1") == first
    other = await door.post(batches(sku), {"codes": ["AAAA-0002"]}, key="import-1", expect=422)
    assert other["code"] == "idempotency.reused"
    assert await world.value("SELECT on_hand FROM stock") == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"codes": [7]}, "not_a_card"),
        ({"codes": [{"code": 7}]}, "code_not_text"),
        ({"codes": [{"code": "A\u0000B"}]}, "code_not_text"),
        ({"codes": [{"code": "A" * 513}]}, "code_too_long"),
        ({"codes": [{"code": "AAAA", "password": "p" * 513}]}, "password_too_long"),
        ({"codes": [{"code": "AAAA", "serial": "s" * 129}]}, "serial_too_long"),
        ({"codes": [{"code": "AAAA", "colour": "red"}]}, "unknown_field"),
        ({"codes": [{"code": " - "}]}, "code_missing"),
        ({"codes": [{"code": "AAAA", "expires_at": "2099-12-31T10:00:00"}]}, "expires_at_invalid"),
    ],
)
async def test_each_fault_has_its_reason(door: Door, sku: str, body: dict[str, Any], reason: str) -> None:
    problem = await door.post(batches(sku), body, expect=422)
    assert problem["lines"] == [{"line": 1, "reason": reason}]


@pytest.mark.parametrize(
    ("media_type", "body", "status", "code"),
    [
        ("application/json", b"{", 422, "body.invalid"),
        ("application/json", b'{"cards": []}', 422, "body.invalid"),
        ("application/json", b'{"codes": [], "cost_minor": 0}', 422, "import.unreadable"),
        ("application/json", b'{"codes": ["A"], "cost_minor": -1}', 422, "body.invalid"),
        ("text/plain", b"", 422, "import.unreadable"),
        ("text/plain", b"\xff\xff\xff", 422, "import.unreadable"),
        ("application/xml", b"<codes/>", 415, "body.media_type"),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 422, "import.unreadable"),
    ],
)
async def test_what_is_no_list_of_cards_is_refused(
    door: Door, sku: str, media_type: str, body: bytes, status: int, code: str
) -> None:
    answer = await door.call("POST", batches(sku), content=body, content_type=media_type)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_cards_go_into_skus_of_cards_alone(door: Door, sku: str) -> None:
    bundle = await door.sku(await door.product(), kind="bundle", components=[{"sku_id": sku}])
    top_up = await door.sku(await door.product(), kind="direct_top_up")
    for where in (bundle, top_up, str(new_id())):
        assert (await door.post(batches(where), {"codes": ["AAAA-0001"]}, expect=404))["code"] == "sku.unknown"
    refused = await door.call("POST", batches(sku), who=buyer(), json={"codes": ["AAAA-0001"]})
    assert refused.status_code == 403


async def test_batches_tell_what_became_of_their_cards(door: Door, world: World) -> None:
    partner_id = new_id()
    order, (unit,) = await world.issued(cards=3, partner_id=partner_id)
    await door.reveal(unit, buyer(order.member_id))
    (batch,) = (await door.get(batches(str(order.parts[0][1]))))["items"]
    told = {name: batch[name] for name in ("accepted", "available", "issued", "revealed", "redeemed", "revoked")}
    assert told == {"accepted": 3, "available": 2, "issued": 1, "revealed": 1, "redeemed": 0, "revoked": 0}
