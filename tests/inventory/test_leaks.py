"""Marked codes go in; then everything that leaves or stays is searched for them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.inventory.domain.cards import CardSecret, read_card
from services.inventory.domain.importing import ReadLine
from services.inventory.usecases.importing import CardSealer
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer, partner
from tests.inventory.supply import ACCOUNT, SECRET, Supply, running_supply
from tests.inventory.world import World, order_of

MARKS = ("MARKEDCODE", "markedcode", "MARKEDPASS", "MARKEDSERIAL", ACCOUNT, SECRET)
CARD = {"code": "MARKEDCODE-4711-0815-ABCD", "password": "MARKEDPASS-99", "serial": "MARKEDSERIAL-1"}


@pytest.fixture
async def supply(world: World, tmp_path: Path) -> AsyncIterator[Supply]:
    async with running_supply(world, tmp_path) as supply:
        yield supply


async def test_no_secret_is_stored_announced_logged_or_told(
    world: World, door: Door, supply: Supply, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    partner_id = new_id()
    sku_id = await world.sku(partner_id=partner_id)
    path = f"/v1/ops/skus/{sku_id}/batches"
    await door.post(path, {"codes": [CARD]})
    told = [await door.call("POST", path, json=body) for body in ({"codes": [CARD]}, {"codes": [{**CARD, "x": 1}]})]
    told.append(await door.call("POST", path, content=f"code\n{CARD['code']},a,b,c,d", content_type="text/csv"))
    order = order_of((sku_id, 1))
    await world.hold(order)
    await world.reserve(order)
    (unit,) = await world.units(order)
    shown = await door.reveal(unit, buyer(order.member_id))
    assert shown.json()["code"] == CARD["code"]
    redemption: dict[str, object] = {"code": CARD["code"]}
    tills = [(partner(new_id()), redemption), (partner(partner_id), redemption), (partner(partner_id), redemption)]
    tills.append((partner(partner_id), {"code": [CARD["code"]]}))
    told += [await door.call("POST", "/v1/partner/redemptions", json=body, who=who) for who, body in tills]
    await supply.faults({"kind": "garbage", "times": 1})
    await supply.buy()
    await supply.settle()
    await asyncio.sleep(0.1)

    assert [answer.status_code for answer in told] == [409, 422, 422, 404, 201, 409, 422]
    everything = "\n".join(
        [*(answer.text for answer in told), *capfd.readouterr(), caplog.text, await _database(world)]
    )
    assert [mark for mark in MARKS if mark in everything] == []


def test_nothing_that_holds_a_code_shows_it(sealer: CardSealer) -> None:
    card = read_card(CARD, now=utc_now())
    line = ReadLine(1, card)
    sealed = sealer.seal_all([line], sku_id=new_id(), broken=[])
    for value in (card, line, sealed, CardSecret("MARKEDCODE")):
        for text in (repr(value), str(value), f"{value}"):
            assert "MARKED" not in text


async def _database(world: World) -> str:
    """Every row of every table as text; bytes as they are, so that what is not sealed would be seen."""
    tables = await world.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows: list[Any] = []
    for table in tables:
        rows += await world.fetch(f'SELECT * FROM "{table["tablename"]}"')
    assert len(rows) > 20
    return "\n".join(str(list(row.values())) for row in rows)
