"""What suppliers list is followed: costs, stock, and what a change of cost leads to; what is left with them is watched."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.syncing import SealedAccess
from services.inventory.jobs import sync_suppliers
from services.inventory.usecases import syncing
from shared.clock import new_id, utc_now
from shared.http import IDENTITY_HEADER
from tests.inventory.door import ANYONE, Door
from tests.inventory.suppliers import NOBODY, Market, Side, running_market
from tests.inventory.supply import COST_MINOR, SECRET
from tests.inventory.world import World, at_once

SUPPLIERS = "/v1/ops/suppliers"


@pytest.fixture
async def market(world: World, tmp_path: Path) -> AsyncIterator[Market]:
    async with running_market(world, tmp_path) as market:
        yield market


async def map_offer(door: Door, market: Market, side: Side, **rule: Any) -> None:
    offer = {"sku_id": str(market.sku_id), "supplier_sku": "TOPUP-10", "cost_minor": COST_MINOR, **rule}
    answer = await door.call("PUT", f"{SUPPLIERS}/{side.supplier_id}/skus", json={"skus": [offer]})
    assert answer.status_code == 204, answer.text


async def lists(side: Side, *, cost_minor: int = COST_MINOR, stock: int | None = None) -> None:
    async with httpx.AsyncClient() as http:
        body = {"product_code": "TOPUP-10", "cost_minor": cost_minor, "stock": stock}
        assert (await http.post(f"{side.url}/admin/products", json=body)).status_code == 204


async def sync(door: Door, market: Market, side: Side) -> None:
    """An operator asks for it, and the clock looks."""
    await door.post(f"{SUPPLIERS}/{side.supplier_id}/sync", expect=202)
    client = SupplierClient()
    await sync_suppliers(market.world.database, market.world.keyring, client)
    await client.close()


async def offer_of(world: World, side: Side) -> dict[str, Any]:
    (row,) = await world.fetch("SELECT * FROM supplier_skus WHERE supplier_id = $1", side.supplier_id)
    return row


async def price_of(world: World, market: Market) -> int:
    return int(await world.value("SELECT price_minor FROM skus WHERE sku_id = $1", market.sku_id))


async def test_a_change_of_cost_is_followed(market: Market, world: World, door: Door) -> None:
    await lists(market.first, cost_minor=960, stock=7)
    await sync(door, market, market.first)
    offer = await offer_of(world, market.first)
    assert (offer["cost_minor"], offer["stock"], offer["paused_reason"]) == (960, 7, None)
    assert await price_of(world, market) == 1_000
    shown = (await door.get(SUPPLIERS))["items"][-1]
    assert shown["synced_at"] is not None


async def test_a_rise_stops_buying_there_where_the_rule_says_so(market: Market, world: World, door: Door) -> None:
    await map_offer(door, market, market.first, price_rule="pause")
    await lists(market.first, cost_minor=940)
    await sync(door, market, market.first)
    assert (await offer_of(world, market.first))["paused_reason"] is None
    await lists(market.first, cost_minor=980)
    await sync(door, market, market.first)
    assert (await offer_of(world, market.first))["paused_reason"] == "price_rose"
    await sync(door, market, market.first)
    await market.buy()
    await market.supply.settle()
    assert market.charged() == [0, 1]
    await map_offer(door, market, market.first, price_rule="pause", cost_minor=980)
    await market.buy()
    await market.supply.settle()
    assert market.charged() == [1, 1]


async def test_what_leads_is_sold_at_its_cost_and_margin(market: Market, world: World, door: Door) -> None:
    for number, side in enumerate((market.first, market.second), start=1):
        await map_offer(door, market, side, price_rule="reprice", margin_bp=1_000, priority=number)
    await lists(market.second, cost_minor=2_000)
    await sync(door, market, market.second)
    assert await price_of(world, market) == 1_000
    await lists(market.first, cost_minor=1_001)
    await sync(door, market, market.first)
    assert await price_of(world, market) == 1_102  # 1101.1, the odd fen up
    assert (await world.events("product"))[-1]["skus"][0]["price_minor"] == 1_102
    await world.fetch("UPDATE skus SET price_floor_minor = 1050 WHERE sku_id = $1", market.sku_id)
    await lists(market.first, cost_minor=900)
    await sync(door, market, market.first)
    assert await price_of(world, market) == 1_050


async def test_what_is_sold_out_or_not_listed_is_not_asked_for_until_it_is_back(
    market: Market, world: World, door: Door
) -> None:
    await lists(market.first, stock=0)
    await sync(door, market, market.first)
    assert (await offer_of(world, market.first))["paused_reason"] == "sold_out"
    await market.buy()
    await market.supply.settle()
    assert market.charged() == [0, 1]
    await lists(market.first, stock=5)
    await sync(door, market, market.first)
    assert (await offer_of(world, market.first))["paused_reason"] is None
    await world.fetch("UPDATE supplier_skus SET supplier_sku = 'GONE' WHERE supplier_id = $1", market.first.supplier_id)
    await sync(door, market, market.first)
    assert (await offer_of(world, market.first))["paused_reason"] == "not_listed"


async def test_the_clock_reads_every_list_and_balance_and_one_that_is_away_stops_nobody(
    market: Market, world: World, door: Door
) -> None:
    await market.move(market.first, NOBODY)
    path = f"{SUPPLIERS}/{market.second.supplier_id}"
    changed = await door.call("PATCH", path, json={"low_balance_minor": 10**12, "wire": {"kind": "fulu"}})
    assert changed.status_code == 204
    await market.buy()
    await market.supply.settle()
    await lists(market.second, cost_minor=970)
    client = SupplierClient(answer_timeout_s=0.5)
    await sync_suppliers(world.database, world.keyring, client)
    assert (await offer_of(world, market.second))["cost_minor"] == 970
    (low,) = (await door.get("/internal/figures"))["low_balances"]
    assert (low["supplier_id"], low["balance_minor"]) == (str(market.second.supplier_id), 10**12 - COST_MINOR)
    await lists(market.second, cost_minor=975)
    await sync_suppliers(world.database, world.keyring, client)
    assert (await offer_of(world, market.second))["cost_minor"] == 970  # its time has not come again
    await client.close()
    unknown = f"{SUPPLIERS}/{new_id()}/sync"
    assert (await door.post(unknown, expect=404))["code"] == "supplier.unknown"


@pytest.mark.usefixtures("market")
async def test_of_16_replicas_one_reads_each_list(world: World) -> None:
    async def take() -> list[SealedAccess]:
        async with world.database.begin() as uow:
            return await syncing.take_due(uow, now=utc_now())

    taken = [entry.supplier_id for some in await at_once(world, [take] * 16) for entry in some]
    assert len(taken) == len(set(taken)) == 2


async def push(door: Door, side: Side, *, at: datetime, cost_minor: int = 990, secret: str = SECRET) -> httpx.Response:
    path = f"/v1/suppliers/{side.supplier_id}/changes"
    goods = [{"supplier_sku": "TOPUP-10", "cost_minor": cost_minor, "stock": 3}]
    raw = orjson.dumps({"at": at.isoformat(), "goods": goods})
    stamp, nonce = str(int(at.timestamp())), new_id().hex
    lines = "\n".join(["POST", path, stamp, nonce, hashlib.sha256(raw).hexdigest()])
    headers = {
        IDENTITY_HEADER: door.signer.sign(ANYONE),
        "Content-Type": "application/json",
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": hmac.new(secret.encode(), lines.encode(), "sha256").hexdigest(),
    }
    return await door.http.post(path, content=raw, headers=headers)


async def test_a_supplier_pushes_what_changed(market: Market, world: World, door: Door) -> None:
    now = utc_now()
    assert (await push(door, market.first, at=now)).status_code == 204
    offer = await offer_of(world, market.first)
    assert (offer["cost_minor"], offer["stock"]) == (990, 3)
    stale = await push(door, market.first, at=now, cost_minor=1)
    assert (stale.status_code, stale.json()["code"]) == (409, "supplier.push_stale")
    forged = await push(door, market.first, at=now + timedelta(seconds=1), secret="x" * 64)
    assert (forged.status_code, forged.json()["code"]) == (401, "supplier.signature_invalid")
    old = await push(door, market.second, at=now - timedelta(hours=1))
    assert old.status_code == 409
    assert (await offer_of(world, market.first))["cost_minor"] == 990


async def test_of_equal_pushes_at_once_one_is_taken(market: Market, world: World, door: Door) -> None:
    now = utc_now()

    async def send() -> int:
        return (await push(door, market.first, at=now)).status_code

    answers = await at_once(world, [send] * 16)
    assert sorted(answers) == [204] + [409] * 15


async def test_a_rule_without_a_margin_is_refused(market: Market, door: Door) -> None:
    offer = {"sku_id": str(market.sku_id), "supplier_sku": "X", "cost_minor": 1, "price_rule": "reprice"}
    answer = await door.call("PUT", f"{SUPPLIERS}/{market.first.supplier_id}/skus", json={"skus": [offer]})
    assert (answer.status_code, answer.json()["code"]) == (422, "body.invalid")
    assert "margin_bp" in answer.text
