"""Cards that come with an order, bought or made for it: stored sealed like imported ones, and never laid on the shelf."""

from collections.abc import Sequence
from datetime import datetime

from services.inventory.repository.cards import Batch, SealedCard
from shared.database import UnitOfWork

_ADD_BATCH = """
INSERT INTO card_batches (batch_id, sku_id, key_id, imported_by, accepted, refused, cost_minor, created_at)
VALUES ($1, $2, $3, $4, $5, 0, $6, $7)
"""

_COLUMNS = ("card_id", "sku_id", "batch_id", "sealed", "code_index", "masked")


async def add_bought(uow: UnitOfWork, batch: Batch, cards: Sequence[SealedCard], *, now: datetime) -> None:
    """Write what an order brought, or what was made for some.

    :raises asyncpg.UniqueViolationError: a card is known already (`uq_cards_code_index`).
    """
    await uow.raw.execute(
        _ADD_BATCH, batch.batch_id, batch.sku_id, batch.key_id, batch.imported_by, len(cards), batch.cost_minor, now
    )
    rows = [(card.card_id, batch.sku_id, batch.batch_id, card.sealed, card.code_index, card.masked) for card in cards]
    await uow.raw.copy_records_to_table("cards", columns=_COLUMNS, records=rows)
