"""Whatever happens in whatever order: the counters equal the rows, and no card is with two."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.inventory import jobs
from services.inventory.domain.batches import BatchMoveError
from services.inventory.domain.catalogue import SkuKind, SkuUnknownError
from services.inventory.domain.codes import CodePattern
from services.inventory.domain.entitlements import RevealRecord
from services.inventory.domain.goods import Goods
from services.inventory.domain.importing import ImportRefusedError
from services.inventory.domain.owners import Owner
from services.inventory.domain.picking import PickOrder
from services.inventory.domain.reports import Fault, ReportNotAllowedError, TooManyReportsError
from services.inventory.domain.shipping import Parcel, ShipmentState, ShipmentStateError, ShipmentUnknownError
from services.inventory.queries import wallet
from services.inventory.usecases import catalogue, holds, revealing, shipping
from services.inventory.usecases.reports import report_card
from services.inventory.usecases.shipping import ToShip
from shared.clock import new_id, utc_now
from tests.inventory.neighbours import Orders
from tests.inventory.test_reports import TAKEN_AGAIN
from tests.inventory.world import Order, World, codes, order_of

T = TypeVar("T")

ADDRESSED = {"address": '{"recipient": "x", "phone": "x", "province": "x", "city": "x", "detail": "x"}'}

SHELVED_AMISS = """
SELECT batch_id FROM shelf JOIN card_batches USING (batch_id) WHERE state <> 'active'
UNION ALL SELECT batch_id FROM frozen_cards JOIN card_batches USING (batch_id) WHERE state <> 'frozen'
"""


class Shop(RuleBasedStateMachine):
    """Its steps run on the test's own loop, against the test's own database."""

    world: ClassVar[World]
    orders: ClassVar[Orders]
    loop: ClassVar[asyncio.AbstractEventLoop]

    skus = Bundle("skus")
    made = Bundle("made")
    placed = Bundle("placed")
    issued = Bundle("issued")
    batches = Bundle("batches")

    @initialize(target=skus)
    def open(self) -> Any:
        return multiple(self.run(self.world.sku(cards=3)), self.run(self.world.sku(cards=2, redeemable_here=True)))

    @initialize(target=made)
    def offer_what_is_made(self) -> Any:
        key = self.world.sku(kind=SkuKind.GENERATED_KEY, goods=Goods(code=CodePattern()), stock_cap=4)
        qr = self.world.sku(kind=SkuKind.OFFLINE_QR, stock_cap=3)
        gift = self.world.sku(kind=SkuKind.PHYSICAL, stock_cap=4)
        return multiple(self.run(key), self.run(qr), self.run(gift))

    @rule(target=batches, sku_id=skus, count=st.integers(1, 3))
    def deliver(self, sku_id: Any, count: int) -> Any:
        return self.run(self.world.import_codes(sku_id, codes(count))).batch_id

    @rule(target=batches, sku_id=skus, uses=st.integers(2, 4))
    def deliver_a_shared_key(self, sku_id: Any, uses: int) -> Any:
        return self.run(self.world.import_codes(sku_id, [{"code": codes(1)[0], "uses": uses}])).batch_id

    @rule(batch_id=batches)
    def freeze(self, batch_id: Any) -> None:
        with contextlib.suppress(BatchMoveError):
            self.run(self.world.freeze(batch_id))

    @rule(batch_id=batches)
    def unfreeze(self, batch_id: Any) -> None:
        with contextlib.suppress(BatchMoveError):
            self.run(self.world.unfreeze(batch_id))

    @rule(batch_id=consumes(batches))
    def void(self, batch_id: Any) -> None:
        self.run(self.world.void(batch_id))

    @rule(sku_id=skus, order=st.sampled_from(PickOrder))
    def sell_in_another_order(self, sku_id: Any, order: PickOrder) -> None:
        self.run(_choose(self.world, sku_id, order))

    @rule(sku_id=skus)
    def deliver_the_same_twice(self, sku_id: Any) -> None:
        rows = codes(1)
        self.run(self.world.import_codes(sku_id, rows))
        with contextlib.suppress(ImportRefusedError):
            self.run(self.world.import_codes(sku_id, rows))
            raise AssertionError("a card came in twice")

    @rule(
        target=placed,
        first=skus,
        second=st.one_of(skus, made),
        quantity=st.integers(1, 2),
        expired=st.booleans(),
        paid=st.booleans(),
    )
    def check_out(self, first: Any, second: Any, quantity: int, *, expired: bool, paid: bool) -> Order:
        order = order_of((first, quantity), (second, 1))
        if paid:
            self.orders.live.add(order.order_id)
        self.run(self.world.hold(order, minutes=-1 if expired else 20, fields=ADDRESSED))
        return order

    @rule(target=placed, sku_id=st.one_of(skus, made))
    def pay_late(self, sku_id: Any) -> Order:
        return order_of((sku_id, 1))

    @rule(target=issued, order=placed)
    def reserve(self, order: Order) -> Order:
        self.run(self.world.reserve(order))
        return order

    @rule(order=issued, back=st.booleans())
    def send(self, order: Order, *, back: bool) -> None:
        """What is sent by hand leaves, and may come back."""
        for component_id, _, _ in order.parts:
            self.run(_send(self.world, component_id, back=back))

    @rule(order=consumes(placed))
    def cancel(self, order: Order) -> None:
        async def cancel() -> None:
            async with self.world.database.begin() as uow:
                await holds.release_orders(uow, [order.order_id])

        self.run(cancel())

    @rule()
    def expire(self) -> None:
        self.run(jobs.expire_holds(self.world.database, self.orders.client, now=utc_now()))

    @rule(order=issued)
    def reveal(self, order: Order) -> None:
        for unit in self.run(self.world.units(order))[:1]:
            self.run(_reveal(self.world, unit))

    @rule(order=issued)
    def report_as_bad(self, order: Order) -> None:
        """Cards of the SKU that is honoured here are replaced: the shelf has others."""
        for _, sku_id, _ in order.parts:
            with contextlib.suppress(SkuUnknownError):  # what is made has no shelf
                self.run(self.world.import_codes(sku_id, codes(1)))
        for unit in self.run(self.world.units(order)):
            self.run(_reveal(self.world, unit))
            self.run(_report(self.world, order, unit))

    @rule(order=st.one_of(placed, issued))
    def refund(self, order: Order) -> None:
        self.run(self.world.revoke(order))

    @invariant()
    def only_active_batches_are_on_the_shelf(self) -> None:
        assert self.run(self.world.fetch(SHELVED_AMISS)) == []

    @invariant()
    def counters_equal_rows(self) -> None:
        self.run(self.world.assert_counters_equal_rows())

    @invariant()
    def a_bad_card_is_with_nobody(self) -> None:
        assert self.run(self.world.fetch(TAKEN_AGAIN)) == []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)


def machine_on(world: World, orders: Orders, loop: asyncio.AbstractEventLoop) -> type[Shop]:
    return type("ShopOfTest", (Shop,), {"world": world, "orders": orders, "loop": loop})


async def _choose(world: World, sku_id: Any, order: PickOrder) -> None:
    async with world.database.begin() as uow:
        await catalogue.change_sku(uow, sku_id, changes={"pick_order": order.value}, now=utc_now())
    await jobs.sort_shelf(world.database)


async def _send(world: World, component_id: UUID, *, back: bool) -> None:
    async with world.database.begin() as uow:
        parcel = Parcel("carrier", "number")
        await shipping.ship(uow, [ToShip(component_id, parcel)], shipped_by="operator:1", now=utc_now())
    with contextlib.suppress(ShipmentUnknownError, ShipmentStateError):
        async with world.database.begin() as uow:
            state = ShipmentState.RETURNED if back else ShipmentState.SIGNED
            await shipping.end(uow, component_id, state=state, ended_by="operator:1", now=utc_now())


async def _reveal(world: World, unit: UUID) -> None:
    async with world.database.read() as read:
        owned = (await wallet.find_owned(read, [unit]))[unit]
    if owned.card is None:  # a QR code alone
        return
    record = RevealRecord(new_id(), unit, "buyer", "somebody", "203.0.113.7", None, None)
    async with world.database.begin() as uow:
        await revealing.record_reveals(uow, [revealing.Reveal(owned.card, record, None)], now=utc_now())


async def _report(world: World, order: Order, unit: UUID) -> None:
    owner = Owner(member_id=order.member_id)
    with contextlib.suppress(ReportNotAllowedError, TooManyReportsError):
        async with world.database.begin() as uow:
            await report_card(
                uow, unit, Fault.INVALID, owner=owner, reported_by=f"buyer:{order.member_id}", now=utc_now()
            )


@pytest.mark.timeout(300)
async def test_counters_equal_rows_always(world: World, orders: Orders) -> None:
    machine = machine_on(world, orders, asyncio.get_running_loop())
    chosen = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)


@pytest.mark.soak
async def test_counters_equal_rows_for_long(world: World, orders: Orders) -> None:
    machine = machine_on(world, orders, asyncio.get_running_loop())
    chosen = settings(max_examples=400, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
