"""The hot path at 200,000 cards: nothing of it reads a whole table of cards, whatever the planner knows of them."""

import secrets
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import islice
from uuid import UUID

import pytest

from services.inventory.domain.catalogue import SkuKind
from services.inventory.repository import cards, shelf_life
from services.inventory.usecases import holds, issuing, upkeep
from shared.clock import new_id, utc_now
from shared.database import UnitOfWork
from tests.inventory.filling import fill
from tests.inventory.world import World, order_of

CARDS = 200_000
SKUS = 20
AT_ONCE = 10_000
ORDERS = 50
ROWS_READ = """
SELECT coalesce(sum(seq_tup_read), 0)::int AS by_whole_scans, coalesce(sum(idx_tup_fetch), 0)::int AS by_index
FROM pg_stat_xact_user_tables WHERE relname IN ('cards', 'shelf')
"""
READ_MAX = 1_000
"""Rows that an index may find for one piece of work: some for each order, never a SKU's whole shelf."""

Work = Callable[[UnitOfWork], Awaitable[object]]


def hot_path(world: World, sku_ids: list[UUID]) -> Iterator[tuple[str, Work]]:
    """What is done for every order, every import and every minute."""
    now = utc_now()
    orders = [order_of((sku_ids[number % SKUS], 1)) for number in range(ORDERS)]
    requests = [order.hold_request(now + timedelta(minutes=20)) for order in orders]
    wanted = [entry for order in orders for entry in order.reservations(SkuKind.CARD_KEY)]
    unknown = [secrets.token_bytes(32) for _ in range(AT_ONCE)]
    yield "hold", lambda uow: holds.hold(uow, requests, keyring=world.keyring, now=now)
    yield "issue", lambda uow: issuing.reserve(uow, wanted, sealer=world.sealer, now=now)
    yield "any left", lambda uow: cards.any_left(uow, [new_id(), sku_ids[0]], now=now)
    yield "known codes", lambda uow: cards.find_known_codes(uow, unknown)
    yield "expire", lambda uow: upkeep.take_expired_cards(uow, now=now)
    yield "take expired", lambda uow: shelf_life.take_expired(uow, sku_ids[1], now=now, limit=500)
    yield "empty SKUs", lambda uow: shelf_life.mark_expired(uow, list(islice(sku_ids, 5)), now=now)


@pytest.mark.parametrize("analysed", [True, False], ids=["analysed", "just filled"])
async def test_nothing_on_the_hot_path_reads_all_cards(world: World, *, analysed: bool) -> None:
    sku_ids = [await world.sku() for _ in range(SKUS)]
    await fill(world, sku_ids, each=CARDS // SKUS)
    if analysed:
        async with world.database.read() as uow:
            await uow.raw.execute("ANALYZE cards, shelf, stock, skus, card_batches")
    read_too_much = {}
    for name, work in hot_path(world, sku_ids):
        async with world.database.begin() as uow:
            before = await uow.raw.fetchrow(ROWS_READ)
            await work(uow)
            after = await uow.raw.fetchrow(ROWS_READ)
        assert before is not None
        assert after is not None
        whole, found = (after[column] - before[column] for column in ("by_whole_scans", "by_index"))
        if whole > 0 or found > READ_MAX:
            read_too_much[name] = (whole, found)
    assert read_too_much == {}
    await world.assert_counters_equal_rows()
