"""Ten million cards cost what ten thousand do: `make soak`. Two shelves side by side take turns, so that the machine's moods meet both."""

import secrets
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import asyncpg
import pytest

from services.inventory.domain.catalogue import SkuKind
from services.inventory.repository import cards
from services.inventory.usecases import holds, issuing, upkeep
from services.inventory.usecases.importing import CardSealer
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import Database
from tests.conftest import ServiceDatabaseMaker
from tests.inventory.filling import fill, pick_order
from tests.inventory.world import World, order_of

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

SMALL, LARGE = 10_000, 10_000_000
SKUS = 20
ROUNDS = 15
ORDERS = 20
WORN = 100_000
"""Cards sold of one SKU before the last measurement: dead rows must not stand in the way of the next claim."""
GROWS_BY_AT_MOST = 1.2

Figures = dict[str, list[float]]


async def test_issuing_from_ten_million_costs_what_it_costs_from_ten_thousand(
    service_database: ServiceDatabaseMaker, keyring: Keyring, sealer: CardSealer
) -> None:
    """Milliseconds for a batch of orders: the median of what each shelf needs, by pick order, in turns."""
    measured: dict[int, Figures] = {}
    shelves: dict[int, tuple[World, list[UUID]]] = {}
    for size in (SMALL, LARGE):
        url = (await service_database("inventory")).url
        world = World(Database.connect(url, pool_size=4, application_name="soak"), keyring, sealer)
        sku_ids = [await world.sku() for _ in range(SKUS)]
        await fill(world, sku_ids, each=size // SKUS)
        await _settle(url)
        shelves[size], measured[size] = (world, sku_ids), defaultdict(list)
    for _ in range(ROUNDS):
        for size, (world, sku_ids) in shelves.items():
            await _measure(world, sku_ids, measured[size])
    world, (worn, *_) = shelves[LARGE]
    await _sell(world, worn, WORN)
    for _ in range(ROUNDS):
        measured[LARGE]["issue, worn shelf"].append(await _issue(world, [worn]))
        measured[SMALL]["issue, worn shelf"].append(await _issue(*_first(shelves[SMALL])))
    for world, _ in shelves.values():
        await world.assert_counters_equal_rows()
        await world.database.close()
    _judge(measured)


def _first(shelf: tuple[World, list[UUID]]) -> tuple[World, list[UUID]]:
    world, sku_ids = shelf
    return world, sku_ids[:1]


async def _settle(url: str) -> None:
    """What autovacuum would have done by the time that somebody buys."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    await connection.execute("SET statement_timeout = 0")
    for command in (
        "VACUUM ANALYZE cards",
        "VACUUM ANALYZE shelf",
        "VACUUM ANALYZE stock",
        "VACUUM ANALYZE card_batches",
    ):
        await connection.execute(command)
    await connection.close()


async def _measure(world: World, sku_ids: Sequence[UUID], figures: Figures) -> None:
    for place in range(4):
        own = [sku_id for at, sku_id in enumerate(sku_ids) if pick_order(at) is pick_order(place)]
        figures[f"issue, {pick_order(place).value}"].append(await _issue(world, own))
    now = utc_now()
    requests = [order_of((sku_ids[at % SKUS], 1)).hold_request(now) for at in range(ORDERS)]
    unknown = [secrets.token_bytes(32) for _ in range(1_000)]
    async with world.database.begin() as uow:
        begun = time.perf_counter()
        await holds.hold(uow, requests, keyring=world.keyring, now=now)
        figures["hold"].append(time.perf_counter() - begun)
        await uow.raw.execute("DELETE FROM holds")
        await uow.raw.execute("UPDATE stock SET held = 0")
        begun = time.perf_counter()
        await cards.find_known_codes(uow, unknown)
        figures["1,000 codes looked up"].append(time.perf_counter() - begun)
        begun = time.perf_counter()
        await upkeep.take_expired_cards(uow, now=now)
        figures["expiry"].append(time.perf_counter() - begun)


async def _issue(world: World, sku_ids: Sequence[UUID]) -> float:
    """Seconds for a transaction that issues `ORDERS` orders."""
    orders = [order_of((sku_ids[at % len(sku_ids)], 1)) for at in range(ORDERS)]
    wanted = [entry for order in orders for entry in order.reservations(SkuKind.CARD_KEY)]
    begun = time.perf_counter()
    async with world.database.begin() as uow:
        await issuing.reserve(uow, wanted, sealer=world.sealer, now=utc_now())
    return time.perf_counter() - begun


async def _sell(world: World, sku_id: UUID, count: int) -> None:
    for _ in range(count // 1_000):
        wanted = order_of((sku_id, 1_000)).reservations(SkuKind.CARD_KEY)
        async with world.database.begin() as uow:
            await issuing.reserve(uow, wanted, sealer=world.sealer, now=utc_now())


def _judge(measured: dict[int, Figures]) -> None:
    """Single figures move with the machine by more than we allow: all issues together are judged, and each is told."""
    told = []
    issued = dict.fromkeys(measured, 0.0)
    for what in measured[SMALL]:
        small, large = (statistics.median(measured[size][what]) * 1_000 for size in (SMALL, LARGE))
        told.append(f"{what}: {small:.2f} ms of {SMALL:,} cards, {large:.2f} ms of {LARGE:,}: {large / small:.2f}")
        if what.startswith("issue"):
            issued[SMALL] += small
            issued[LARGE] += large
    told.append(f"all issues: {issued[LARGE] / issued[SMALL]:.2f}")
    print("\n".join(told))  # noqa: T201  # a soak is run for its figures
    assert issued[LARGE] <= issued[SMALL] * GROWS_BY_AT_MOST, "\n".join(told)
