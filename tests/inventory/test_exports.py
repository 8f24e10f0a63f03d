"""Unsold codes go out by two operators together, and their file is known when it comes back."""

import asyncio
import csv
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.inventory.domain.cards import CardSecret
from services.inventory.domain.exports import make_canaries
from services.inventory.usecases import exporting
from shared.clock import new_id, utc_now
from shared.http import Identity, Role
from tests.inventory.door import OPERATOR, Door, partner
from tests.inventory.world import World, at_once, codes, order_of

OTHER = Identity(role=Role.OPERATOR, subject=str(new_id()), ip="203.0.113.10", scopes=frozenset({"admin"}))
REASON = {"reason": "退回供应商"}


async def requested(door: Door, batch_id: UUID) -> str:
    made = await door.post(f"/v1/ops/batches/{batch_id}/exports", REASON)
    assert made["state"] == "requested"
    return f"/v1/ops/exports/{made['export_id']}"


async def downloaded(door: Door, path: str) -> list[dict[str, str]]:
    answer = await door.call("POST", f"{path}/download", json=REASON)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content.startswith("\ufeffcode,".encode())
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def exported(world: World, door: Door, rows: Sequence[object]) -> tuple[UUID, list[str], list[str]]:
    """A SKU with a batch that was exported: `(sku_id, its codes, the canaries)`."""
    sku_id = await world.sku()
    batch_id = (await world.import_codes(sku_id, rows)).batch_id
    path = await requested(door, batch_id)
    await door.post(f"{path}/approve", REASON, who=OTHER, expect=200)
    own = {row["code"] if isinstance(row, dict) else row for row in rows}
    told = [line["code"] for line in await downloaded(door, path)]
    return sku_id, [code for code in told if code in own], [code for code in told if code not in own]


async def touched(world: World) -> list[tuple[str, str]]:
    return [(event["place"], event["subject"]) for event in await world.events("canary")]


async def test_two_operators_let_the_unsold_codes_out(world: World, door: Door) -> None:
    sku_id = await world.sku()
    rows = [{"code": code, "password": f"pw-{number}", "uses": 2} for number, code in enumerate(codes(6))]
    batch_id = (await world.import_codes(sku_id, rows)).batch_id
    await world.reserve(order_of((sku_id, 3)))  # the first card is sold out, of the second one use is left
    await world.freeze(batch_id)
    path = await requested(door, batch_id)
    assert (await door.call("POST", f"{path}/download", json=REASON)).json()["code"] == "export.state"
    for act in ("approve", "refuse"):
        assert (await door.post(f"{path}/{act}", REASON, expect=403))["code"] == "export.four_eyes"
    ready = await door.post(f"{path}/approve", REASON, who=OTHER, expect=200)
    assert (ready["state"], ready["cards"], ready["decided_by"]) == ("ready", 5, OTHER.subject)
    taken = await door.call("POST", f"{path}/download", json=REASON, who=OTHER)
    assert (taken.status_code, taken.json()["code"]) == (403, "export.four_eyes")
    lines = {line["code"]: line for line in await downloaded(door, path)}
    assert len(lines) == 10
    assert {row["code"] for row in rows[1:]} <= lines.keys()
    second = lines[str(rows[1]["code"])]
    assert (second["password"], second["uses"]) == ("pw-1", "1")
    assert (await door.get(path))["downloads"] == 1
    acts = (await door.get(f"/v1/ops/batches/{batch_id}/actions"))["items"]
    assert [act["action"] for act in acts] == ["download_export", "approve_export", "request_export", "freeze"]
    assert [act["operator"] for act in acts[:3]] == [OPERATOR.subject, OTHER.subject, OPERATOR.subject]
    (kept,) = await world.fetch("SELECT * FROM card_exports")
    assert str(rows[1]["code"]) not in str(kept)


async def test_the_database_too_wants_two_operators(world: World, door: Door) -> None:
    batch_id = (await world.import_codes(await world.sku(), codes(2))).batch_id
    await requested(door, batch_id)
    with pytest.raises(asyncpg.CheckViolationError, match="four_eyes"):
        await world.fetch("UPDATE card_exports SET state = 'refused', decided_by = requested_by")


async def test_a_refused_export_gives_nothing_and_a_file_does_not_last(world: World, door: Door) -> None:
    batch_id = (await world.import_codes(await world.sku(), codes(2))).batch_id
    refused = await requested(door, batch_id)
    assert (await door.post(f"{refused}/refuse", REASON, who=OTHER, expect=200))["state"] == "refused"
    assert (await door.post(f"{refused}/approve", REASON, who=OTHER, expect=409))["code"] == "export.state"
    ready = await requested(door, batch_id)
    await door.post(f"{ready}/approve", REASON, who=OTHER, expect=200)
    keys = await world.value("SELECT count(*) FROM data_keys")
    async with world.database.begin() as uow:
        assert await exporting.expire_files(uow, now=utc_now()) == 0
    async with world.database.begin() as uow:
        assert await exporting.expire_files(uow, now=utc_now() + timedelta(days=2)) == 1
    assert (await door.call("POST", f"{ready}/download", json=REASON)).status_code == 409
    assert await world.value("SELECT count(*) FROM data_keys") == keys - 1
    newest, _ = (await door.get("/v1/ops/exports"))["items"]
    assert newest["state"] == "expired"
    assert (await door.get(f"/v1/ops/exports/{new_id()}", expect=404))["code"] == "export.unknown"
    unknown = await door.post(f"/v1/ops/batches/{new_id()}/exports", REASON, expect=404)
    assert unknown["code"] == "batch.unknown"


async def test_an_export_is_decided_once(world: World, door: Door) -> None:
    batch_id = (await world.import_codes(await world.sku(), codes(5))).batch_id
    path = await requested(door, batch_id)

    async def decide(act: str) -> int:
        return (await door.call("POST", f"{path}/{act}", json=REASON, who=OTHER)).status_code

    answers = await at_once(world, [lambda: decide("approve"), lambda: decide("refuse")] * 3)
    assert sorted(answers) == [200] + [409] * 5
    assert await world.value("SELECT count(*) FROM canaries") in (0, 5)


async def test_a_canary_that_comes_back_is_announced(world: World, door: Door) -> None:
    sku_id, _, canaries = await exported(world, door, codes(30))
    assert len(canaries) == 5
    batches, imports = (f"/v1/ops/skus/{sku_id}/{kind}" for kind in ("batches", "imports"))
    other = await door.post(batches, {"codes": ["HARMLESS-CODE-0001"]})
    assert other["accepted"] == 1
    assert await touched(world) == []
    refused = await door.post(batches, {"codes": [canaries[0].lower()]}, expect=409)
    assert refused["lines"] == [{"line": 1, "reason": "duplicate_in_stock"}]
    seen = await door.call("POST", imports, content=canaries[1], content_type="text/plain", params={"dry_run": "true"})
    assert seen.json()["lines"] == refused["lines"]
    assert (await door.call("POST", imports, content=canaries[2], content_type="text/plain")).status_code == 202
    brand = partner(new_id())
    answer = await door.call("POST", "/v1/partner/redemptions", json={"code": canaries[3]}, who=brand)
    unknown = await door.call("POST", "/v1/partner/redemptions", json={"code": "NO-SUCH-CODE-1"}, who=brand)
    assert (answer.status_code, answer.json()["code"]) == (404, unknown.json()["code"])
    assert answer.json()["title"] == unknown.json()["title"]
    assert await touched(world) == [("import", OPERATOR.subject)] * 3 + [("redeem", brand.subject)]
    (event, *_) = await world.events("canary")
    assert not any(code in str(event) for code in canaries)


async def test_exports_of_the_same_batch_have_canaries_of_their_own(world: World, door: Door) -> None:
    batch_id = (await world.import_codes(await world.sku(), codes(10))).batch_id
    paths = [await requested(door, batch_id) for _ in range(2)]
    for path in paths:
        await door.post(f"{path}/approve", REASON, who=OTHER, expect=200)
    first, second = [{line["code"] for line in await downloaded(door, path)} for path in paths]
    assert len(first & second) == 10
    assert len(first | second) == 20


def test_canaries_look_like_the_codes_and_are_none_of_them() -> None:
    cards = [CardSecret(code, password="Ab-12") for code in codes(50)]
    canaries = make_canaries(cards)
    assert len({canary.code for canary in canaries} - {card.code for card in cards}) == 5
    for canary in canaries:
        assert [sign.isdigit() for sign in canary.code if sign == "-"] == [False, False]
        assert len(canary.code) == len(cards[0].code)
        assert canary.password is not None
        assert canary.password[2] == "-"
    assert make_canaries([CardSecret("卡-券")]) == []
    (link, *_) = make_canaries([CardSecret("https://brand.example/r?c=7QX2-9KLM")])
    assert link.code.startswith("https://brand.example/")
    assert link.code != "https://brand.example/r?c=7QX2-9KLM"


async def test_codes_out_while_the_batch_is_sold(world: World, door: Door) -> None:
    sku_id = await world.sku()
    batch_id = (await world.import_codes(sku_id, codes(40))).batch_id
    path = await requested(door, batch_id)
    orders = [order_of((sku_id, 1)) for _ in range(20)]

    async def approve() -> int:
        await asyncio.sleep(0.02)
        return (await door.call("POST", f"{path}/approve", json=REASON, who=OTHER)).status_code

    works: list[Any] = [lambda order=order: world.reserve(order) for order in orders]
    assert (await at_once(world, [approve, *works]))[0] == 200
    assert 20 <= (await door.get(path))["cards"] <= 40
    await world.assert_counters_equal_rows()
