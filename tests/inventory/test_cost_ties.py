"""What settlement has booked as the cost of cards is what the cards cost that are with buyers or spent: each once."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.inventory.domain.batches import BatchMoveError
from shared.clock import new_id
from shared.contracts import BY_SCHEMA, CardIssuedV1, CardRevokedV1, Event, decode
from shared.database import Database
from tests.conftest import ServiceDatabaseMaker
from tests.inventory.door import Door, buyer
from tests.inventory.world import Order, World, codes, order_of
from tests.settlement.house import House

GIVEN_OUT = "SELECT coalesce(sum(cost_minor), 0)::bigint FROM entitlements WHERE NOT restocked"
SHELVED = """
SELECT ((SELECT coalesce(sum(cost_minor), 0) FROM shelf) + (SELECT coalesce(sum(cost_minor), 0) FROM frozen_cards)
    + (SELECT coalesce(sum(cost_minor), 0) FROM batch_actions WHERE action = 'void'))::bigint
"""
"""On the shelf, or taken off it by an operator."""
IMPORTED = "SELECT coalesce(sum(accepted * cost_minor), 0)::bigint FROM card_batches"

Step = tuple[str, int, int]
"""What happens, to which of the orders so far, and to which part of it or how many."""

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["sell", "sell", "reveal", "refund", "ask again", "freeze", "void"]),
        st.integers(0, 9),
        st.integers(0, 2),
    ),
    min_size=4,
    max_size=20,
)


@dataclass
class Shop:
    """Sells two SKUs from small batches of different cost, and hands what inventory says on to settlement."""

    world: World
    door: Door
    house: House
    sold: list[Order] = field(default_factory=list)
    refunds: dict[UUID, UUID] = field(default_factory=dict)
    skus: tuple[UUID, ...] = ()
    batches: list[UUID] = field(default_factory=list)
    heard_up_to: int = 0

    async def open(self) -> None:
        """Of the second SKU a card that was seen is not taken back."""
        self.skus = await self.world.sku(redeemable_here=True), await self.world.sku(redeemable_here=False)
        self.sold, self.refunds, self.batches = [], {}, []
        for sku_id, cards, cost_minor in (
            (self.skus[0], 3, 700),
            (self.skus[0], 2, 450),
            (self.skus[1], 2, 301),
        ):
            batch = await self.world.import_codes(sku_id, codes(cards), cost_minor=cost_minor)
            self.batches.append(batch.batch_id)

    async def take(self, step: Step) -> None:
        what, which, detail = step
        if what == "sell" or not self.sold:
            order = order_of((self.skus[0], detail + 1), (self.skus[1], 1))
            await self.world.reserve(order)
            self.sold.append(order)
            return
        if what in {"freeze", "void"}:
            with contextlib.suppress(BatchMoveError):
                await getattr(self.world, what)(self.batches[which % len(self.batches)])
            return
        order = self.sold[which % len(self.sold)]
        if what == "reveal":
            for unit in (await self.world.units(order))[: detail + 1]:
                await self.door.reveal(unit, buyer(order.member_id))
            return
        part = order.parts[detail % 2]
        if what == "refund":
            self.refunds.setdefault(part[0], new_id())
        if part[0] in self.refunds:
            await self.world.revoke(Order(order.order_id, order.member_id, (part,)), refund_id=self.refunds[part[0]])

    async def news(self) -> list[Event]:
        """What inventory has said of costs since this was asked last."""
        rows = await self.world.fetch(
            "SELECT id, dataschema, payload FROM outbox WHERE topic = 'card' AND id > $1 ORDER BY id", self.heard_up_to
        )
        self.heard_up_to = max((row["id"] for row in rows), default=self.heard_up_to)
        said = [decode(row["payload"], BY_SCHEMA[row["dataschema"]]).data for row in rows]
        return [event for event in said if isinstance(event, CardIssuedV1 | CardRevokedV1)]

    async def costs(self) -> tuple[int, int, int, int]:
        """Booked as cost, taken out of the stock account, with buyers or spent, and gone from the shelf."""
        booked = await self.house.balances()
        given_out = await self.world.value(GIVEN_OUT)
        gone = await self.world.value(IMPORTED) - await self.world.value(SHELVED)
        return booked.get("card_cost::CNY", 0), -booked.get("card_stock::CNY", 0), given_out, gone


@pytest.fixture
async def shop(world: World, door: Door, service_database: ServiceDatabaseMaker) -> AsyncIterator[Shop]:
    """Inventory and settlement, each on a database of its own, and nothing but events between them."""
    database = Database.connect((await service_database("settlement")).url, application_name="tests")
    yield Shop(world, door, House(database))
    await database.close()


_EACH = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@_EACH
@given(steps=STEPS)
async def test_the_cost_booked_is_that_of_the_cards_given_out_after_every_step(
    shop: Shop, steps: Sequence[Step]
) -> None:
    await shop.open()
    for step in steps:
        await shop.take(step)
        await shop.house.deliver(*await shop.news())
        assert len(set(await shop.costs())) == 1


@_EACH
@given(steps=STEPS, seed=st.integers(0, 1_000_000))
async def test_and_whatever_order_they_are_heard_in_and_how_often(shop: Shop, steps: Sequence[Step], seed: int) -> None:
    await shop.open()
    for step in steps:
        await shop.take(step)
    told = await shop.news()
    random = Random(seed)
    told += random.sample(told, k=len(told) // 2)
    random.shuffle(told)
    for start in range(0, len(told), 3):
        await shop.house.deliver(*told[start : start + 3])
    assert len(set(await shop.costs())) == 1
