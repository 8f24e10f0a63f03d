"""Events from others, through the real runtime, and jobs."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from services.inventory import jobs
from services.inventory.consumers import handlers
from services.inventory.queries import wallet
from services.inventory.usecases.revealing import open_card
from shared.clock import new_id, utc_now
from shared.contracts import (
    Event,
    InventoryReserveV1,
    OrderCancelledV1,
    dataschema,
    encode,
    wrap,
)
from shared.contracts.order import ComponentKind, ReserveComponent
from shared.crypto import Keyring, WrappedKey
from shared.messaging import prune_outbox
from shared.messaging.delivery import Delivery
from shared.messaging.processing import Processor
from tests.inventory.world import PRICE_MINOR, Order, World, order_of
from tests.support.leases import losing_the_lease


def record(event: Event, *, event_id: UUID | None = None) -> Delivery:
    event_id = event_id or new_id()
    payload = encode(wrap(event, event_id=event_id, source="/order", time=utc_now()))
    return Delivery(event.TOPIC, 0, 0, str(event.key), event_id, dataschema(type(event)), payload, None)


def command(order: Order) -> InventoryReserveV1:
    return InventoryReserveV1(
        order_id=order.order_id,
        member_id=order.member_id,
        currency="CNY",
        paid_at=utc_now(),
        components=tuple(
            ReserveComponent(
                component_id=component_id,
                line_id=new_id(),
                sku_id=sku_id,
                kind=ComponentKind.CARD_KEY,
                quantity=quantity,
                amount_minor=PRICE_MINOR,
            )
            for component_id, sku_id, quantity in order.parts
        ),
    )


async def handle(world: World, *records: Delivery) -> None:
    await Processor(world.database, "inventory", handlers(world.sealer)).process(records, abandon=[asyncio.Event()])


async def test_a_batch_of_commands_is_issued_in_one_transaction(world: World) -> None:
    skus = [await world.sku(cards=40) for _ in range(3)]
    orders = [order_of((skus[number % 3], 1), (skus[(number + 1) % 3], 1)) for number in range(60)]
    await world.hold(*orders)
    await handle(world, *(record(command(order)) for order in orders))
    assert await world.value("SELECT count(*) FROM deliveries WHERE state = 'issued'") == 120
    assert await world.value("SELECT count(*) FROM (SELECT xmin FROM entitlements GROUP BY xmin::text, xmin) AS t") == 1
    await world.assert_counters_equal_rows()


async def test_the_same_record_again_changes_nothing(world: World) -> None:
    order = order_of((await world.sku(cards=2), 1))
    again = record(command(order))
    await handle(world, again)
    await handle(world, again)
    assert await world.kinds(order) == ["card.issued"]


async def test_a_cancelled_order_lets_go(world: World) -> None:
    sku_id = await world.sku(cards=2)
    order, other = order_of((sku_id, 1)), order_of((sku_id, 1))
    await world.hold(order, other)
    cancelled = OrderCancelledV1(order_id=order.order_id, reason="unpaid")
    await handle(world, record(cancelled), record(cancelled), record(command(other)))
    assert await world.stock(sku_id) == (1, 0, 1)
    await world.assert_counters_equal_rows()


async def test_expired_cards_leave_the_shelf_but_for_what_is_held(world: World) -> None:
    sku_id = await world.sku(cards=3)
    soon = (utc_now() + timedelta(days=2)).isoformat()
    await world.import_codes(sku_id, [{"code": f"SOON-{number}", "expires_at": soon} for number in range(4)])
    await world.fetch("UPDATE shelf SET expires_at = now() - interval '1 hour' WHERE expires_at IS NOT NULL")
    await world.hold(order_of((sku_id, 5)))
    await jobs.expire_cards(world.database)
    assert await world.stock(sku_id) == (5, 5, 0)
    await world.assert_counters_equal_rows()


async def test_stock_is_announced_once_however_often_it_changed(world: World) -> None:
    sku_id, untouched = await world.sku(cards=5), await world.sku()
    await jobs.announce_stock(world.database)
    first = await world.events("stock")
    for _ in range(3):
        await world.hold(order_of((sku_id, 1)))
    await jobs.announce_stock(world.database)
    await jobs.announce_stock(world.database)
    later = (await world.events("stock"))[len(first) :]
    assert {event["sku_id"] for event in first} == {str(sku_id), str(untouched)}
    assert [(event["sku_id"], event["available"]) for event in later] == [(str(sku_id), 2)]
    assert later[0]["version"] > first[0]["version"]


async def test_a_new_key_encryption_key_takes_over_without_touching_a_card(world: World) -> None:
    _, (unit,) = await world.issued()
    before = await world.fetch("SELECT sealed FROM cards")
    old_key = Keyring(latest=1, keys={1: b"1" * 32})
    batch_key = (await world.fetch("SELECT key_id, kek_version, wrapped FROM data_keys"))[0]
    dek = world.keyring.unwrap(WrappedKey(batch_key["kek_version"], batch_key["wrapped"]))
    await world.fetch("UPDATE data_keys SET kek_version = 1, wrapped = $1", old_key.wrap(dek).wrapped)

    rotated = Keyring(latest=2, keys={1: b"1" * 32, 2: b"2" * 32})
    await jobs.rewrap_keys(world.database, rotated)

    (stored,) = await world.fetch("SELECT kek_version, wrapped FROM data_keys")
    only_new = Keyring(latest=2, keys={2: b"2" * 32})
    assert only_new.unwrap(WrappedKey(stored["kek_version"], stored["wrapped"])) == dek
    assert await world.fetch("SELECT sealed FROM cards") == before
    async with world.database.read() as read:
        owned = (await wallet.find_owned(read, [unit]))[unit]
    assert owned.card is not None
    assert open_card(owned.card, keyring=only_new).code.startswith("CODE-")


async def test_pruning_leaves_what_is_needed(world: World) -> None:
    order, _ = await world.issued()
    await world.fetch(
        "UPDATE outbox SET published_at = now() - interval '400 days', created_at = now() - interval '400 days'"
    )
    await jobs.prune(world.database)
    assert await world.value("SELECT count(*) FROM outbox") == 0
    assert await world.state(order.component_id) == "issued"


async def test_pruning_stops_when_the_lease_is_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.issued()
    await world.fetch(
        "UPDATE outbox SET published_at = now() - interval '400 days', created_at = now() - interval '400 days'"
    )
    await world.fetch("INSERT INTO idempotency_keys VALUES ('m', 'k', '', 200, '', now() - interval '9 days')")
    before = await world.value("SELECT count(*) FROM outbox")
    assert before > 1
    monkeypatch.setattr(jobs, "PRUNE_ROWS", 1)
    monkeypatch.setattr(jobs, "prune_outbox", losing_the_lease(prune_outbox))
    await jobs.prune(world.database)
    assert await world.value("SELECT count(*) FROM outbox") == before - 1
    assert await world.value("SELECT count(*) FROM idempotency_keys") == 1
