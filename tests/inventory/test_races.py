"""Real transactions against each other. Each was seen failing with its protection taken out: the commit says which."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from services.inventory.api.desks import HoldDesk
from services.inventory.domain.stock import StockInsufficientError
from services.inventory.jobs import expire_holds
from services.inventory.usecases import holds
from shared.clock import new_id, utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.neighbours import Orders
from tests.inventory.world import Order, World, at_once, order_of

AT_ONCE = 64


async def test_64_buyers_of_the_last_20_cards(world: World) -> None:
    """Each in a transaction of its own, as if from 64 processes: 20 are held, 44 are told that nothing is left."""
    sku_id = await world.sku(cards=20)
    orders = [order_of((sku_id, 1)) for _ in range(AT_ONCE)]
    decisions = await at_once(world, [lambda order=order: world.hold(order) for order in orders])  # type: ignore[misc]
    refused = [decision for (decision,) in decisions if decision is not None]
    assert len(refused) == AT_ONCE - 20
    assert all(isinstance(decision, StockInsufficientError) for decision in refused)
    assert await world.stock(sku_id) == (20, 20, 0)
    await world.assert_counters_equal_rows()


async def test_64_buyers_through_one_desk(world: World) -> None:
    sku_id, other = await world.sku(cards=20), await world.sku(cards=AT_ONCE)
    desk = HoldDesk(world.database, world.keyring)
    expires_at = utc_now() + timedelta(minutes=20)
    orders = [order_of((other, 1), (sku_id, 1)) for _ in range(AT_ONCE)]
    answers = await asyncio.gather(
        *(desk.hold(order.hold_request(expires_at)) for order in orders), return_exceptions=True
    )
    assert answers == [None] * 20 + answers[20:]  # the first to come are the first served
    assert all(isinstance(answer, StockInsufficientError) for answer in answers[20:])
    assert await world.stock(other) == (AT_ONCE, 20, 0)
    await world.assert_counters_equal_rows()


async def test_64_paid_orders_want_the_same_cards(world: World) -> None:
    """No card to two orders, and nobody is told `sold out` while there is one left."""
    sku_id = await world.sku(cards=AT_ONCE)
    orders = [order_of((sku_id, 1)) for _ in range(AT_ONCE)]
    await world.hold(*orders)
    await at_once(world, [lambda order=order: world.reserve(order) for order in orders])  # type: ignore[misc]
    assert await world.value("SELECT count(*) FROM deliveries WHERE state = 'issued'") == AT_ONCE
    assert await world.stock(sku_id) == (0, 0, AT_ONCE)
    await world.assert_counters_equal_rows()


async def test_a_card_that_is_only_locked_for_a_moment_is_waited_for(world: World) -> None:
    sku_id = await world.sku(cards=1)
    order = order_of((sku_id, 1))
    await world.hold(order)
    locked = asyncio.Event()

    async def look_at_it_for_a_while() -> None:
        async with world.database.begin() as uow:
            await uow.raw.execute("SELECT FROM shelf FOR UPDATE")
            locked.set()
            await asyncio.sleep(0.3)

    looking = asyncio.create_task(look_at_it_for_a_while())
    await locked.wait()
    await world.reserve(order)
    await looking
    assert await world.state(order.component_id) == "issued"


async def test_late_payments_never_take_what_others_hold(world: World) -> None:
    sku_id = await world.sku(cards=40)
    holders = [order_of((sku_id, 1)) for _ in range(30)]
    late = [order_of((sku_id, 1)) for _ in range(34)]
    await world.hold(*holders)
    await at_once(world, [lambda order=order: world.reserve(order) for order in (*late, *holders)])  # type: ignore[misc]
    states = [await world.state(order.component_id) for order in holders]
    assert states == ["issued"] * 30
    served = [await world.state(order.component_id) for order in late]
    assert (served.count("issued"), served.count("rejected")) == (10, 24)
    await world.assert_counters_equal_rows()


async def test_the_same_command_64_times_at_once(world: World) -> None:
    sku_id = await world.sku(cards=AT_ONCE)
    order = order_of((sku_id, 1))
    await at_once(world, [lambda: world.reserve(order)] * AT_ONCE)
    assert await world.value("SELECT count(*) FROM entitlements") == 1
    assert await world.stock(sku_id) == (AT_ONCE - 1, 0, 1)
    await world.assert_counters_equal_rows()


async def test_a_refund_and_its_command_at_once(world: World) -> None:
    """Whoever comes first decides: issued and taken back, or never issued. The card is on the shelf either way."""
    sku_id = await world.sku(cards=32)
    orders = [order_of((sku_id, 1)) for _ in range(32)]
    await world.hold(*orders)
    works: list[Callable[[], Awaitable[Any]]] = []
    for order in orders:
        works += [lambda order=order: world.reserve(order), lambda order=order: world.revoke(order)]  # type: ignore[misc]
    await at_once(world, works)
    assert await world.stock(sku_id) == (32, 0, 0)
    told = [await world.kinds(order) for order in orders]
    assert all(kinds in (["card.revoked"], ["card.issued", "card.revoked"]) for kinds in told)
    await world.assert_counters_equal_rows()


async def test_a_reveal_and_a_refund_at_once(world: World, door: Door) -> None:
    """Either the code was shown and the refund is refused, or it was not shown and the card is sold again."""
    issued = [await world.issued() for _ in range(12)]
    works: list[Callable[[], Awaitable[Any]]] = []
    for order, (unit,) in issued:
        owner = buyer(order.member_id)
        works += [lambda unit=unit, owner=owner: door.reveal(unit, owner), lambda order=order: world.revoke(order)]  # type: ignore[misc]
    answers = await at_once(world, works)
    for (order, _), shown in zip(issued, answers[::2], strict=True):
        kinds = await world.kinds(order)
        assert ("card.revoke_refused" in kinds) == (shown.status_code == 200)
        assert ("card.revoked" in kinds) == (shown.status_code == 409)
        on_hand, _, _ = await world.stock(order.parts[0][1])
        assert on_hand == (0 if shown.status_code == 200 else 1)
    await world.assert_counters_equal_rows()


async def test_holds_expire_while_they_are_taken_and_released(world: World, orders: Orders) -> None:
    """Every hold ends once: by its payment, its cancellation or its expiry."""
    skus = [await world.sku(cards=60) for _ in range(3)]
    paid, cancelled, expired = ([_of_all(skus) for _ in range(16)] for _ in range(3))
    await world.hold(*paid, *cancelled)
    await world.hold(*expired, minutes=-1)

    async def cancel(order: Order) -> None:
        async with world.database.begin() as uow:
            await holds.release_orders(uow, [order.order_id])

    works: list[Callable[[], Awaitable[Any]]] = [lambda: expire_holds(world.database, orders.client, now=utc_now())] * 4
    works += [lambda order=order: world.reserve(order) for order in paid]  # type: ignore[misc]
    works += [lambda order=order: cancel(order) for order in (*cancelled, *cancelled)]  # type: ignore[misc]
    await at_once(world, works)
    for sku_id in skus:
        assert await world.stock(sku_id) == (44, 0, 16)
    await world.assert_counters_equal_rows()


async def test_imports_of_the_same_file_at_once(world: World) -> None:
    sku_id = await world.sku()
    rows = [f"SAME-{number:04d}" for number in range(200)]

    async def take() -> str:
        try:
            await world.import_codes(sku_id, rows)
        except Exception as error:  # noqa: BLE001  # told apart by name
            return type(error).__name__
        return "taken"

    outcomes = await at_once(world, [take] * 8)
    assert sorted(outcomes) == ["ImportDuplicateError"] * 7 + ["taken"]
    assert await world.stock(sku_id) == (200, 0, 0)


def _of_all(skus: Sequence[Any]) -> Order:
    """Components in an order of its own, so that locks taken as they come would meet crosswise."""
    turned = sorted(skus, key=lambda _: new_id().int % 97)
    return order_of(*((sku_id, 1) for sku_id in turned))
