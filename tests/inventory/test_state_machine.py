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
from services.inventory.domain.entitlements import RevealRecord
from services.inventory.domain.importing import ImportRefusedError
from services.inventory.domain.owners import Owner
from services.inventory.domain.reports import Fault, ReportNotAllowedError, TooManyReportsError
from services.inventory.queries import wallet
from services.inventory.usecases import holds, revealing
from services.inventory.usecases.reports import report_card
from shared.clock import new_id, utc_now
from tests.inventory.test_reports import TAKEN_AGAIN
from tests.inventory.world import Order, World, codes, order_of

T = TypeVar("T")


class Shop(RuleBasedStateMachine):
    """Its steps run on the test's own loop, against the test's own database."""

    world: ClassVar[World]
    loop: ClassVar[asyncio.AbstractEventLoop]

    skus = Bundle("skus")
    placed = Bundle("placed")
    issued = Bundle("issued")

    @initialize(target=skus)
    def open(self) -> Any:
        return multiple(self.run(self.world.sku(cards=3)), self.run(self.world.sku(cards=2, redeemable_here=True)))

    @rule(sku_id=skus, count=st.integers(1, 3))
    def deliver(self, sku_id: Any, count: int) -> None:
        self.run(self.world.import_codes(sku_id, codes(count)))

    @rule(sku_id=skus)
    def deliver_the_same_twice(self, sku_id: Any) -> None:
        rows = codes(1)
        self.run(self.world.import_codes(sku_id, rows))
        with contextlib.suppress(ImportRefusedError):
            self.run(self.world.import_codes(sku_id, rows))
            raise AssertionError("a card came in twice")

    @rule(target=placed, first=skus, second=skus, quantity=st.integers(1, 2), expired=st.booleans())
    def check_out(self, first: Any, second: Any, quantity: int, *, expired: bool) -> Order:
        order = order_of((first, quantity), (second, 1))
        self.run(self.world.hold(order, minutes=-1 if expired else 20))
        return order

    @rule(target=placed, sku_id=skus)
    def pay_late(self, sku_id: Any) -> Order:
        return order_of((sku_id, 1))

    @rule(target=issued, order=placed)
    def reserve(self, order: Order) -> Order:
        self.run(self.world.reserve(order))
        return order

    @rule(order=consumes(placed))
    def cancel(self, order: Order) -> None:
        async def cancel() -> None:
            async with self.world.database.begin() as uow:
                await holds.release_orders(uow, [order.order_id])

        self.run(cancel())

    @rule()
    def expire(self) -> None:
        self.run(jobs.expire_holds(self.world.database))

    @rule(order=issued)
    def reveal(self, order: Order) -> None:
        for unit in self.run(self.world.units(order))[:1]:
            self.run(_reveal(self.world, unit))

    @rule(order=issued)
    def report_as_bad(self, order: Order) -> None:
        """Cards of the SKU that is honoured here are replaced: the shelf has others."""
        for _, sku_id, _ in order.parts:
            self.run(self.world.import_codes(sku_id, codes(1)))
        for unit in self.run(self.world.units(order)):
            self.run(_reveal(self.world, unit))
            self.run(_report(self.world, order, unit))

    @rule(order=st.one_of(placed, issued))
    def refund(self, order: Order) -> None:
        self.run(self.world.revoke(order))

    @invariant()
    def counters_equal_rows(self) -> None:
        self.run(self.world.assert_counters_equal_rows())

    @invariant()
    def a_bad_card_is_with_nobody(self) -> None:
        assert self.run(self.world.fetch(TAKEN_AGAIN)) == []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=60)


def machine_on(world: World, loop: asyncio.AbstractEventLoop) -> type[Shop]:
    return type("ShopOfTest", (Shop,), {"world": world, "loop": loop})


async def _reveal(world: World, unit: UUID) -> None:
    async with world.database.read() as read:
        owned = (await wallet.find_owned(read, [unit]))[unit]
    assert owned.card is not None
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
async def test_counters_equal_rows_always(world: World) -> None:
    machine = machine_on(world, asyncio.get_running_loop())
    chosen = settings(
        max_examples=12,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)


@pytest.mark.soak
async def test_counters_equal_rows_for_long(world: World) -> None:
    machine = machine_on(world, asyncio.get_running_loop())
    chosen = settings(max_examples=400, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck))
    await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
