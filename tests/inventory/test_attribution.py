"""Who honoured what, where: kept, found again, and written to files."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.inventory.domain import redemption_files
from services.inventory.queries import redemptions as queries
from shared.clock import new_id, utc_now
from shared.http import Identity, Role
from tests.inventory.door import Door, buyer, partner
from tests.inventory.world import World, order_of

PATH = "/v1/partner/redemptions"
OPS = "/v1/ops/redemptions"


async def honour(world: World, door: Door, partner_id: UUID, code: str, **till: str) -> tuple[UUID, dict[str, Any]]:
    """A card of this brand, sold and honoured; answers its order and the redemption."""
    sku_id = await world.sku(partner_id=partner_id)
    await world.import_codes(sku_id, [code])
    order = order_of((sku_id, 1))
    await world.reserve(order)
    return order.order_id, await door.post(PATH, {"code": code, **till}, who=partner(partner_id))


async def test_a_redemption_keeps_who_did_it_where(world: World, door: Door) -> None:
    partner_id = new_id()
    till = {"store": "静安寺店", "terminal": "POS-03", "cashier": "E1024"}
    order_id, made = await honour(world, door, partner_id, "ATTRIBUTED-0001", **till)
    (listed,) = (await door.get(PATH, who=partner(partner_id)))["items"]
    assert listed == {
        **listed,
        **till,
        "channel": "code",
        "redemption_id": made["redemption_id"],
        "order_id": str(order_id),
        "partner_id": str(partner_id),
    }
    (event,) = [event for event in await world.events("card", order_id) if event["type"] == "card.redeemed"]
    assert (event["store"], event["channel"]) == ("静安寺店", "code")
    assert event["redemption_id"] == made["redemption_id"]
    assert "POS-03" not in str(event)
    assert "E1024" not in str(event)


async def test_a_partner_filters_its_own_and_an_operator_everybodys(world: World, door: Door) -> None:
    here, there = new_id(), new_id()
    order_id, first = await honour(world, door, here, "FILTERED-0001", store="A", terminal="1", cashier="x")
    _, second = await honour(world, door, here, "FILTERED-0002", store="B", terminal="2", cashier="y")
    _, third = await honour(world, door, there, "FILTERED-0003", store="A")
    now = utc_now()

    async def found(path: str, who: Identity | None = None, **query: Any) -> list[str]:
        answer = await (door.get(path, who=who, **query) if who else door.get(path, **query))
        return [item["redemption_id"] for item in answer["items"]]

    one, two, three = (made["redemption_id"] for made in (first, second, third))
    assert await found(PATH, partner(here)) == [two, one]
    for query in ({"store": "A"}, {"terminal": "1"}, {"cashier": "x"}, {"order_id": str(order_id)}):
        assert await found(PATH, partner(here), **query) == [one]
    assert await found(PATH, partner(here), partner_id=str(there)) == [two, one]
    assert await found(PATH, partner(here), channel="qr") == []
    assert await found(PATH, partner(here), until=(now - timedelta(hours=1)).isoformat()) == []
    assert await found(PATH, partner(here), since=(now - timedelta(hours=1)).isoformat(), limit=1) == [two]
    assert await found(OPS) == [three, two, one]
    assert await found(OPS, partner_id=str(there)) == [three]


async def test_the_file_is_safe_in_a_spreadsheet(world: World, door: Door) -> None:
    partner_id = new_id()
    _, made = await honour(world, door, partner_id, "EXPORTED-0001", store='=HYPERLINK("x")', cashier="李雷")
    await honour(world, door, new_id(), "EXPORTED-0002")
    for path, who in ((f"{PATH}/export", partner(partner_id)), (f"{OPS}/export?partner_id={partner_id}", None)):
        answer = await (door.call("GET", path, who=who) if who else door.call("GET", path))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert answer.content.startswith(b"\xef\xbb\xbf")
        header, line = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
        row = dict(zip(header, line, strict=True))
        assert row["核销号"] == f"`{made['redemption_id']}"
        assert (row["门店"], row["收银员"], row["渠道"]) == ('\'=HYPERLINK("x")', "李雷", "券码")
        assert "EXPORTED" not in answer.text


async def test_a_file_that_would_be_too_large_is_refused(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner_id = new_id()
    await honour(world, door, partner_id, "LARGE-FILE-0001")
    monkeypatch.setattr(queries, "ROWS_MAX", 0)
    assert redemption_files.ROWS_MAX == 50_000
    refused = await door.get(f"{PATH}/export", who=partner(partner_id), expect=422)
    assert refused["code"] == "export.too_large"


async def test_only_those_see_them_who_may(door: Door) -> None:
    for path in (PATH, f"{PATH}/export"):
        assert (await door.call("GET", path, who=buyer())).status_code == 403
    for scope, status in (("support", 200), ("finance", 200), ("catalogue", 403)):
        who = Identity(role=Role.OPERATOR, subject=str(new_id()), scopes=frozenset({scope}))
        for path in (OPS, f"{OPS}/export"):
            assert (await door.call("GET", path, who=who)).status_code == status
