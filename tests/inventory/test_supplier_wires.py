"""Suppliers that speak otherwise than we do: described by a template, or as Fulu's platform."""

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.supplier.store import Store
from sandbox.supplier.supplier import Supplier
from services.inventory.clients.supplier import SupplierClient
from services.inventory.clients.wires.fulu import sign
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.supply import SupplierOffer
from services.inventory.jobs import SupplierWorker
from shared.crypto import Secret
from tests.inventory.door import Door
from tests.inventory.foreign_supplier import GARBLED, WIRE, Stranger
from tests.inventory.suppliers import sign_up
from tests.inventory.supply import ACCOUNT, COST_MINOR, SECRET, Supply
from tests.inventory.world import World
from tests.shared.http_servers import serving

SUPPLIERS = "/v1/ops/suppliers"


@pytest.fixture
def stranger() -> Stranger:
    return Stranger(SECRET)


@pytest.fixture
async def supply(world: World, stranger: Stranger, tmp_path: Path) -> AsyncIterator[Supply]:
    client = SupplierClient(answer_timeout_s=0.5)
    sku_id = await world.sku(kind=SkuKind.DIRECT_TOP_UP)
    nobody = Supplier(Store(tmp_path / "unused.sqlite"), processing_s=0.0)
    async with serving(stranger.app()) as url:
        supplier_id = await sign_up(world, "stranger", url, SupplierOffer(sku_id, "G-1", COST_MINOR), wire=WIRE)
        worker = SupplierWorker(world.database, client, world.keyring, world.sealer)
        yield Supply(world, url, nobody, worker, supplier_id, sku_id)
    await client.close()


async def test_a_described_supplier_is_ordered_from_and_asked(supply: Supply, stranger: Stranger, world: World) -> None:
    order = await supply.buy()
    await supply.settle()
    (asked,) = stranger.orders.values()
    assert (asked["target"], asked["goods"], asked["safe_cost"], asked["channel"]) == (ACCOUNT, "G-1", "10.00", "api")
    (event,) = await world.events("card", order.order_id)
    assert (event["type"], event["cost_minor"]) == ("card.issued", 950)
    assert (await supply.task(order))["supplier_order_no"].startswith("T-")


@pytest.mark.parametrize("garbled", GARBLED)
async def test_what_is_not_described_is_unknown_and_asked_about(
    supply: Supply, stranger: Stranger, world: World, garbled: str
) -> None:
    stranger.garbles.append(GARBLED[garbled])
    order = await supply.buy()
    await supply.work()
    assert (await supply.task(order))["state"] == "unknown"
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert len(stranger.orders) == 1


def wire_but(path: str, value: Any) -> dict[str, Any]:
    """The description with one thing otherwise; None takes it away."""
    changed = copy.deepcopy(WIRE)
    *parents, name = path.split(".")
    inner = changed
    for parent in parents:
        inner = inner[parent]
    if value is None:
        del inner[name]
    else:
        inner[name] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("place.fields.goods", "{secret}", "goods: there is no {secret}; known are account"),
        ("place.fields.goods", "constant", "no field carries {supplier_sku}"),
        ("query.fields.orderid", "constant", "no field carries {out_order_no}"),
        ("answer.failed", ["200"], "'200' would mean two things"),
        ("answer.refused", ["305"], "'305' would mean two things"),
        ("answer.succeeded", [], "at least 1"),
        ("signature.recipe", "rot13", "lines_hmac_sha256"),
        ("place.path", "https://elsewhere.example/x", "pattern"),
        ("answer.code", None, "required"),
    ],
)
async def test_a_description_that_cannot_be_is_refused_with_its_reason(
    door: Door, path: str, value: Any, says: str
) -> None:
    body = {"name": "陌生人", "base_url": "http://127.0.0.1:1", "secret": SECRET, "wire": wire_but(path, value)}
    refused = await door.post(SUPPLIERS, body, expect=422)
    assert refused["code"] == "body.invalid"
    assert says in str(refused)


async def test_a_description_is_kept_shown_and_changed(door: Door) -> None:
    body = {"name": "陌生人", "base_url": "http://127.0.0.1:1", "secret": SECRET, "wire": WIRE}
    supplier_id = (await door.post(SUPPLIERS, body))["supplier_id"]
    (shown,) = (await door.get(SUPPLIERS))["items"]
    assert shown["wire"]["place"] == WIRE["place"]
    answer = await door.call("PATCH", f"{SUPPLIERS}/{supplier_id}", json={"wire": {"kind": "fulu"}})
    assert answer.status_code == 204
    (shown,) = (await door.get(SUPPLIERS))["items"]
    assert shown["wire"]["kind"] == "fulu"


def test_the_platforms_signature_sorts_all_characters() -> None:
    # printf '"""",12::ab{}s' | md5sum
    assert sign('{"b":2,"a":1}', Secret("s")) == "04339ce9d58467033c3c52231a8ab0c7"
