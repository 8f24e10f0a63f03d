"""The crash matrix: whatever dies, every paid order ends completed or refunded, and all books agree.

Pairwise here: every service of the chain at every point it comes by, in purchases; every point once in refunds; every
loss of a server in both. The whole of it, with later passages and random blows, is `test_soak.py`.
"""

import asyncio
from collections.abc import Mapping

import pytest

from dev.client import Api
from tests.chaos import faults
from tests.chaos.audit import audit
from tests.chaos.faults import Fault
from tests.chaos.traffic import await_end, buy_many, refund_many
from tests.e2e.shop import eventually
from tests.support.world import World

ORDERS = 12
ENDS_WITHIN_S = 120

pytestmark = [pytest.mark.needs_kafka, pytest.mark.timeout(400)]

PURCHASES = [
    *(faults.crash(service, point) for service, point in faults.crash_points()),
    faults.postgres_restarted(),
    faults.kafka_away(),
    faults.kafka_wiped(),
]

REFUNDS = [
    faults.crash("order", "relay.after_publish"),
    faults.crash("inventory", "consumer.after_effect"),
    faults.crash("points", "consumer.before_commit"),
    faults.crash("settlement", "relay.before_publish"),
    faults.postgres_restarted(),
    faults.kafka_away(10),
    faults.kafka_wiped(),
]


def _name(fault: Fault) -> str:
    return fault.name


@pytest.mark.parametrize("fault", PURCHASES, ids=_name)
async def test_purchases_survive(fault: Fault, world: World, chaos_api: Api, chaos_skus: list[str]) -> None:
    await asyncio.to_thread(fault.arm, world)
    blow = asyncio.create_task(fault.during(world))
    orders = await buy_many(chaos_api, chaos_skus, count=ORDERS)
    assert await blow, "nobody came by the crash point"
    ended = await await_end(orders, within_s=ENDS_WITHIN_S)
    assert set(ended.values()) == {"completed"}
    await books_agree(world)


@pytest.mark.parametrize("fault", REFUNDS, ids=_name)
async def test_refunds_survive(fault: Fault, world: World, chaos_api: Api, chaos_skus: list[str]) -> None:
    orders = await buy_many(chaos_api, chaos_skus, count=ORDERS)
    await await_end(orders, within_s=ENDS_WITHIN_S)
    await asyncio.to_thread(fault.arm, world)
    blow = asyncio.create_task(fault.during(world))
    await refund_many(orders)
    assert await blow, "nobody came by the crash point"
    await eventually(
        lambda: await_end(orders, within_s=ENDS_WITHIN_S), lambda ended: set(ended.values()) == {"refunded"}
    )
    await books_agree(world)


async def books_agree(world: World) -> None:
    """What follows the last answer follows soon; then nothing may be wrong."""

    async def what_is_wrong() -> Mapping[str, int]:
        return (await audit(world.access.stack["postgres"])).wrong

    await eventually(what_is_wrong, lambda wrong: not wrong)
