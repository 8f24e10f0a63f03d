"""What runs low is said once; what will expire is listed."""

from datetime import timedelta
from uuid import UUID

from services.inventory import jobs
from services.inventory.usecases import alerts
from shared.clock import utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.world import World, at_once, codes, order_of


async def low_events(world: World) -> list[tuple[str, int]]:
    told = [event for event in await world.events("stock") if event["type"] == "stock.low"]
    return [(event["sku_id"], event["available"]) for event in told]


async def test_low_stock_is_said_once_per_crossing(world: World, door: Door) -> None:
    sku_id = await door.sku(await door.product(), low_stock_below=3)
    await world.import_codes(UUID(sku_id), codes(3))
    await jobs.announce_low_stock(world.database)
    assert await low_events(world) == []
    await world.hold(order_of((UUID(sku_id), 1)))
    for _ in range(3):
        await jobs.announce_low_stock(world.database)
    assert await low_events(world) == [(sku_id, 2)]
    (low,) = (await door.get("/v1/ops/stock/low"))["items"]
    assert (low["sku_id"], low["available"], low["low_stock_below"]) == (sku_id, 2, 3)
    await world.import_codes(UUID(sku_id), codes(5))
    await jobs.announce_low_stock(world.database)
    assert (await door.get("/v1/ops/stock/low"))["items"] == []
    await world.hold(order_of((UUID(sku_id), 6)))
    await jobs.announce_low_stock(world.database)
    assert await low_events(world) == [(sku_id, 2), (sku_id, 1)]


async def test_many_processes_say_it_once(world: World, door: Door) -> None:
    product_id = await door.product()
    for _ in range(5):
        await door.sku(product_id, low_stock_below=1)

    async def announce() -> int:
        async with world.database.begin() as uow:
            return await alerts.announce_low_stock(uow, now=utc_now())

    assert sum(await at_once(world, [announce] * 8)) == 5
    assert len(await low_events(world)) == 5


async def test_cards_that_expire_are_listed_by_batch(world: World, door: Door) -> None:
    sku_id = await world.sku()
    soon, later = ((utc_now() + timedelta(days=days)).isoformat() for days in (5, 20))
    rows = [{"code": code, "expires_at": soon if number < 2 else later} for number, code in enumerate(codes(6))]
    batch = await world.import_codes(sku_id, rows, cost_minor=700)
    await world.import_codes(sku_id, codes(3))
    (week,) = (await door.get("/v1/ops/stock/expiring", days=7))["items"]
    assert (week["batch_id"], week["units"], week["cost_minor"]) == (str(batch.batch_id), 2, 1_400)
    assert week["first_expires_at"].startswith(soon[:19])
    (month,) = (await door.get("/v1/ops/stock/expiring"))["items"]
    assert month["units"] == 6
    figures = await door.get("/internal/figures")
    assert figures["expiring_cards"] == {"within_7_days": 2, "within_30_days": 6}
    assert (await door.call("GET", "/v1/ops/stock/expiring", who=buyer())).status_code == 403
    await door.get("/v1/ops/stock/expiring", days=-1, expect=422)
