"""The whole crash matrix, and random blows for as long as one likes: `make soak`.

`KAQUAN_SOAK_SEED` repeats a run's choices; `KAQUAN_SOAK_ROUNDS` says how many random rounds there are.
"""

import asyncio
import itertools
import os
import random
import secrets

import pytest

from dev.client import Api
from dev.stack.topology import SERVICES
from tests.chaos import faults
from tests.chaos.faults import Fault
from tests.chaos.test_matrix import books_agree
from tests.chaos.traffic import TERMINAL, await_end, buy_many, refund_many
from tests.support.world import World

pytestmark = [pytest.mark.soak, pytest.mark.needs_kafka]

OCCURRENCES = (1, 2, 5)
SERVERS = (faults.postgres_restarted(), faults.kafka_away(10), faults.kafka_wiped())
ORDERS = 20
ENDS_WITHIN_S = 240
SEED = int(os.environ.get("KAQUAN_SOAK_SEED") or secrets.randbelow(10**6))
ROUNDS = int(os.environ.get("KAQUAN_SOAK_ROUNDS") or 20)

WHOLE = [
    faults.crash(service, point, occurrence=occurrence)
    for (service, point), occurrence in itertools.product(faults.crash_points(), OCCURRENCES)
]


@pytest.mark.parametrize("refunding", [False, True], ids=["purchases", "refunds"])
@pytest.mark.parametrize("fault", WHOLE, ids=lambda fault: fault.name)
async def test_every_point(
    fault: Fault, *, refunding: bool, world: World, chaos_api: Api, chaos_skus: list[str]
) -> None:
    """Later passages may not be reached by so little traffic; what was reached must have been survived."""
    await _under([fault], refunding=refunding, world=world, api=chaos_api, skus=chaos_skus)


@pytest.mark.parametrize("server", SERVERS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("crash", faults.crash_points(), ids="-".join)
async def test_a_server_and_a_service(
    crash: tuple[str, str], server: Fault, world: World, chaos_api: Api, chaos_skus: list[str]
) -> None:
    await _under([faults.crash(*crash), server], refunding=False, world=world, api=chaos_api, skus=chaos_skus)


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_random_blows(number: int, world: World, chaos_api: Api, chaos_skus: list[str]) -> None:
    chance = random.Random(SEED * 1_000 + number)
    blows = [*map(faults.killed, SERVICES), *SERVERS]
    chosen = chance.sample(blows, k=chance.randint(1, 3))
    refunding = chance.random() < 0.5
    try:
        await _under(chosen, refunding=refunding, world=world, api=chaos_api, skus=chaos_skus)
    except BaseException as error:
        error.add_note(f"seed {SEED}, round {number}: {', '.join(fault.name for fault in chosen)}")
        raise


async def _under(blows: list[Fault], *, refunding: bool, world: World, api: Api, skus: list[str]) -> None:
    orders = await buy_many(api, skus, count=ORDERS) if refunding else []
    if refunding:
        await await_end(orders, within_s=ENDS_WITHIN_S)
    for fault in blows:
        await asyncio.to_thread(fault.arm, world)
    falling = asyncio.create_task(_fall(blows, world))
    if refunding:
        await refund_many(orders)
    else:
        orders = await buy_many(api, skus, count=ORDERS)
    await falling
    ended = await await_end(orders, within_s=ENDS_WITHIN_S)
    assert set(ended.values()) <= TERMINAL
    await books_agree(world)


async def _fall(blows: list[Fault], world: World) -> None:
    for fault in blows:
        await fault.during(world)
