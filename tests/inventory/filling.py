"""Shelves filled by direct COPY, as many imports would have left them. What is sealed cannot be opened."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.inventory.domain.picking import PickOrder, rank_of
from services.inventory.repository import cards
from shared.clock import new_id
from shared.database import UnitOfWork
from tests.inventory.world import World

BATCH_CARDS = 50_000
BATCH = """
WITH key AS (
    INSERT INTO data_keys (key_id, purpose, kek_version, wrapped, created_at) VALUES ($3, 'card_batch', 1, '', now())
)
INSERT INTO card_batches (batch_id, sku_id, key_id, imported_by, accepted, refused, cost_minor, created_at)
VALUES ($1, $2, $3, 'tests', $4, 0, 700, now())
"""


def pick_order(place: int) -> PickOrder:
    """In which order the SKU at this place of the list is sold: all orders, in turn."""
    return list(PickOrder)[place % len(PickOrder)]


async def fill(world: World, sku_ids: Sequence[UUID], *, each: int) -> None:
    """So many cards of each SKU, every third with an expiry."""
    for place, sku_id in enumerate(sku_ids):
        for start in range(0, each, BATCH_CARDS):
            async with world.database.begin() as uow:
                await _fill_batch(uow, sku_id, pick_order(place), count=min(BATCH_CARDS, each - start))


async def _fill_batch(uow: UnitOfWork, sku_id: UUID, order: PickOrder, *, count: int) -> None:
    batch_id = new_id()
    await uow.raw.execute(BATCH, batch_id, sku_id, new_id(), count)
    ids = [new_id() for _ in range(count)]
    sealed = ((card, sku_id, batch_id, secrets.token_bytes(90), secrets.token_bytes(32), "****") for card in ids)
    await uow.raw.copy_records_to_table("cards", columns=cards._CARD_COLUMNS, records=sealed)
    shelved = _shelved(ids, sku_id, batch_id, order)
    await uow.raw.copy_records_to_table("shelf", columns=cards._SHELF_COLUMNS, records=shelved)
    await uow.raw.execute("UPDATE stock SET on_hand = on_hand + $2 WHERE sku_id = $1", sku_id, count)


def _shelved(ids: Sequence[UUID], sku_id: UUID, batch_id: UUID, order: PickOrder) -> Iterator[tuple[object, ...]]:
    for number, card_id in enumerate(ids):
        expires_at = datetime(2099, 1, 1, tzinfo=UTC) + timedelta(hours=number) if number % 3 == 0 else None
        yield sku_id, card_id, batch_id, "****", 700, expires_at, rank_of(order, expires_at=expires_at), 1
