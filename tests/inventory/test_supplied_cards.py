"""Cards that a supplier delivers when they are ordered: sealed on arrival, revealed like any other, never twice."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from sandbox.supplier.app import build_app
from sandbox.supplier.store import Store
from sandbox.supplier.supplier import Supplier
from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.supply import SupplierOffer
from services.inventory.jobs import SupplierWorker
from tests.inventory.door import Door, buyer
from tests.inventory.suppliers import sign_up
from tests.inventory.supply import SECRET, Supply
from tests.inventory.world import Order, World, order_of
from tests.shared.http_servers import serving

OURS, FULU, KAQUAN = None, {"kind": "fulu"}, {"kind": "kaquan"}
COST_MINOR = 2_000


@dataclass(frozen=True)
class Cards:
    """A SKU of cards that a supplier delivers, spoken to by one wire or another."""

    world: World
    supply: Supply
    books: Supplier

    @property
    def sku_id(self) -> UUID:
        return self.supply.sku_id

    async def buy(self, *, quantity: int = 1) -> Order:
        order = order_of((self.sku_id, quantity))
        assert await self.world.hold(order) == [None]
        await self.world.reserve(order, kind=SkuKind.CARD_KEY, amount_minor=COST_MINOR * quantity + 500)
        return order

    async def delivered(self, order: Order) -> list[str]:
        """The codes, as the supplier knows them."""
        task = await self.supply.task(order)
        return [card.code for card in self.books.cards(self.books.find(task["out_order_no"]))]


@asynccontextmanager
async def running_cards(world: World, directory: Path, wire: Mapping[str, object] | None) -> AsyncIterator[Cards]:
    books = Supplier(Store(directory / "cards.sqlite"), processing_s=0.0)
    client = SupplierClient(answer_timeout_s=0.5)
    async with serving(build_app(books, secret=SECRET)) as url:
        sku_id = await world.sku(supplied=True)
        supplier_id = await sign_up(world, "cards", url, SupplierOffer(sku_id, "CARD-VIDEO", COST_MINOR), wire=wire)
        worker = SupplierWorker(world.database, client, world.keyring, world.sealer)
        yield Cards(world, Supply(world, url, books, worker, supplier_id, sku_id), books)
    await client.close()


@pytest.fixture(params=[OURS, FULU, KAQUAN], ids=["ours", "fulu", "kaquan"])
async def cards(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Cards]:
    async with running_cards(world, tmp_path, request.param) as cards:
        yield cards


async def test_cards_are_bought_sealed_and_revealed(
    cards: Cards, world: World, door: Door, capfd: pytest.CaptureFixture[str]
) -> None:
    order = await cards.buy(quantity=2)
    assert await world.kinds(order) == []
    await cards.supply.settle()
    codes = await cards.delivered(order)
    (event,) = await world.events("card", order.order_id)
    assert (event["type"], event["cost_minor"]) == ("card.issued", 2 * COST_MINOR)
    assert event["masked"] == [f"****{code[-4:]}" for code in codes]
    units = await world.units(order)
    shown = [(await door.reveal(unit, buyer(order.member_id))).json() for unit in units]
    assert [card["code"] for card in shown] == codes
    assert all(card["password"] for card in shown)

    stored = await world.fetch("SELECT sealed::text AS sealed, masked FROM cards")
    written = str(stored) + str(await world.events("card")) + capfd.readouterr().out
    assert not any(code in written or code.encode().hex() in written for code in codes)


@pytest.mark.parametrize(
    "kind", ["garbage", "error_after", "bad_signature", "says_failed", "never", "says_twice", "slow", "dead", "lost"]
)
async def test_whatever_the_supplier_does_the_cards_are_paid_once(cards: Cards, world: World, kind: str) -> None:
    await cards.supply.faults(
        {"kind": kind, "times": 1, "delay_s": 0.7}, {"kind": "buys_twice"}, {"kind": kind, "step": "query", "times": 1}
    )
    order = await cards.buy()
    await cards.supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert (cards.books.charges().orders, cards.books.charges().twice) == (1, 0)
    assert await world.value("SELECT count(*) FROM cards") == 1


async def test_a_card_that_somebody_has_already_is_not_given_on(cards: Cards, world: World, door: Door) -> None:
    await cards.supply.faults({"kind": "repeats_cards"})
    first, second = await cards.buy(), await cards.buy()
    for _ in range(3):
        await cards.supply.work()
        await cards.supply.make_due()
    assert sorted([*await world.kinds(first), *await world.kinds(second)]) == ["card.issued"]
    (stuck,) = (await door.get("/v1/ops/suppliers/tasks", state="unknown"))["items"]
    assert stuck["last_reason"] == "card_known"
    path = f"/v1/ops/suppliers/tasks/{stuck['task_id']}/resolve"
    assert (await door.post(path, {"outcome": "delivered"}, expect=409))["code"] == "task.cards_missing"
    await door.post(path, {"outcome": "not_delivered"}, expect=204)
    assert sorted([*await world.kinds(first), *await world.kinds(second)]) == ["card.issued", "card.rejected"]


async def test_a_refund_that_waited_takes_back_what_nobody_has_seen(cards: Cards, world: World) -> None:
    await cards.supply.faults({"kind": "error_after", "times": 1}, {"kind": "error", "step": "query", "times": 1})
    order = await cards.buy()
    await cards.supply.work()
    await world.revoke(order)
    assert await world.kinds(order) == []
    await cards.supply.settle()
    assert await world.kinds(order) == ["card.issued", "card.revoked"]

    # The card lies on the shelf now: the next buyer gets it, and nothing is bought.
    other = await cards.buy()
    assert await world.kinds(other) == ["card.issued"]
    assert cards.books.charges().orders == 1
    assert await world.stock(cards.sku_id) == (None, 0, 1)


async def test_what_cannot_be_delivered_is_refused_and_its_units_are_free(cards: Cards, world: World) -> None:
    await cards.supply.faults({"kind": "stock_lies"})
    order = await cards.buy()
    await cards.supply.settle()
    assert await world.kinds(order) == ["card.rejected"]
    assert await world.stock(cards.sku_id) == (None, 0, 0)
    await cards.supply.faults({"kind": "fails"})
    revoked = await cards.buy()
    await world.revoke(revoked)
    assert await world.kinds(revoked) == ["card.revoked"]
    assert await world.stock(cards.sku_id) == (None, 0, 0)


async def test_only_cards_are_supplied(door: Door) -> None:
    product_id = await door.product()
    body: dict[str, Any] = {"product_id": product_id, "name": "月卡", "kind": "card_key", "price_minor": 1_900}
    made = await door.post("/v1/ops/skus", {**body, "supplied": True, "stock_cap": 5})
    assert (made["supplied"], made["stock"]) == (True, 5)
    refused = await door.post("/v1/ops/skus", {**body, "kind": "direct_top_up", "supplied": True}, expect=422)
    assert refused["code"] == "sku.not_supplied"
    assert (await door.post("/v1/ops/skus", {**body, "stock_cap": 5}, expect=409))["code"] == "stock.cap_refused"
