"""Owners are reminded once before something ends."""

from datetime import timedelta

from services.inventory import jobs
from services.inventory.domain.reminders import REMIND_BEFORE
from shared.clock import utc_now
from tests.inventory.world import World, at_once, order_of


async def test_what_ends_soon_is_announced_once_and_nothing_else(world: World) -> None:
    order, units = await world.issued(cards=6, quantity=6)
    soon, later, never, past, redeemed, revoked = units
    now = utc_now()
    for unit, ends_in in (
        (soon, REMIND_BEFORE - timedelta(minutes=1)),
        (later, REMIND_BEFORE + timedelta(minutes=5)),
        (past, -timedelta(minutes=1)),
        (redeemed, timedelta(hours=1)),
        (revoked, timedelta(hours=1)),
    ):
        await world.fetch("UPDATE entitlements SET expires_at = $2 WHERE entitlement_id = $1", unit, now + ends_in)
    await world.fetch(
        "UPDATE entitlements SET state = 'redeemed', redeemed_at = now() WHERE entitlement_id = $1", redeemed
    )
    await world.fetch(
        "UPDATE entitlements SET state = 'revoked', revoked_at = now() WHERE entitlement_id = $1", revoked
    )
    await jobs.announce_expiring(world.database)
    await jobs.announce_expiring(world.database)
    (event,) = [
        event for event in await world.events("card", order.order_id) if event["type"] == "entitlement.expiring"
    ]
    assert event["entitlement_id"] == str(soon)
    assert event["member_id"] == str(order.member_id)
    assert await world.value("SELECT reminded_at FROM entitlements WHERE entitlement_id = $1", never) is None


async def test_replicas_announce_each_once(world: World) -> None:
    sku_id = await world.sku(cards=300)
    order = order_of((sku_id, 300))
    await world.reserve(order)
    await world.fetch("UPDATE entitlements SET expires_at = now() + interval '1 hour'")
    await at_once(world, [lambda: jobs.announce_expiring(world.database)] * 8)
    await jobs.announce_expiring(world.database)
    assert (await world.kinds(order)).count("entitlement.expiring") == 300
