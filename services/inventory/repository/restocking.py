"""Cards that come back, and which of them may be sold again."""

from collections.abc import Sequence
from uuid import UUID

from services.inventory.domain.issuing import ClaimedCard
from services.inventory.repository.cards import rank
from services.inventory.repository.sources import source
from services.inventory.repository.stock import stock_moves
from shared.database import UnitOfWork

_RESTOCK = f"""
INSERT INTO shelf (sku_id, card_id, batch_id, masked, cost_minor, expires_at, rank, use_no)
SELECT unit.sku_id, unit.card_id, card.batch_id, unit.masked, unit.cost_minor, unit.expires_at, {rank("unit")},
       unit.use_no
FROM entitlements unit JOIN cards card USING (card_id) JOIN card_batches batch ON batch.batch_id = card.batch_id
JOIN skus sku ON sku.sku_id = unit.sku_id
WHERE unit.entitlement_id = ANY($1::uuid[]) AND batch.state = 'active' AND {source("sku")} <> 'mint'
RETURNING sku_id
"""  # noqa: S608  # composed of the constants above

_REFREEZE = f"""
INSERT INTO frozen_cards (batch_id, card_id, use_no, sku_id, masked, cost_minor, expires_at)
SELECT card.batch_id, unit.card_id, unit.use_no, unit.sku_id, unit.masked, unit.cost_minor, unit.expires_at
FROM entitlements unit JOIN cards card USING (card_id) JOIN card_batches batch ON batch.batch_id = card.batch_id
JOIN skus sku ON sku.sku_id = unit.sku_id
WHERE unit.entitlement_id = ANY($1::uuid[]) AND batch.state = 'frozen' AND {source("sku")} <> 'mint'
RETURNING sku_id
"""  # noqa: S608  # composed of the table of kinds

# What we made goes nowhere, the next buyer gets another; what came back lies in a store. The counter gets the unit back.
_UNMINT = f"""
SELECT unit.sku_id, count(*)::int AS units FROM entitlements unit JOIN skus sku ON sku.sku_id = unit.sku_id
WHERE unit.entitlement_id = ANY($1::uuid[]) AND {source("sku")} IN ('mint', 'hand') GROUP BY unit.sku_id
"""  # noqa: S608  # composed of the table of kinds

_LOCK_BATCHES = """
SELECT batch_id FROM card_batches WHERE batch_id IN (
    SELECT card.batch_id FROM entitlements unit JOIN cards card USING (card_id)
    WHERE unit.entitlement_id = ANY($1::uuid[])
) ORDER BY batch_id FOR SHARE
"""

_SELLABLE = """
SELECT unit.entitlement_id FROM entitlements unit LEFT JOIN cards card USING (card_id)
LEFT JOIN card_batches batch ON batch.batch_id = card.batch_id
WHERE unit.entitlement_id = ANY($1::uuid[]) AND batch.state IS DISTINCT FROM 'void'
  AND NOT EXISTS (SELECT FROM card_reports bad WHERE bad.card_id = unit.card_id AND bad.state = 'replaced')
"""

_LOCK_BATCH = """
SELECT FROM card_batches WHERE batch_id = (SELECT batch_id FROM cards WHERE card_id = $1) FOR NO KEY UPDATE
"""

_TAKE_USES = """
DELETE FROM shelf WHERE sku_id = $1 AND card_id = $2
RETURNING sku_id, card_id, batch_id, masked, cost_minor, expires_at, rank, use_no
"""

_DROP_FROZEN_USES = "DELETE FROM frozen_cards WHERE card_id = $1 RETURNING use_no"


async def lock_sellable(uow: UnitOfWork, entitlement_ids: Sequence[UUID]) -> set[UUID]:
    """Those whose cards may be sold again: not of a void batch, and not found bad. Neither changes meanwhile."""
    if not entitlement_ids:
        return set()
    await uow.raw.execute(_LOCK_BATCHES, entitlement_ids)
    return {row["entitlement_id"] for row in await uow.raw.fetch(_SELLABLE, entitlement_ids)}


async def take_uses(uow: UnitOfWork, sku_id: UUID, card_id: UUID) -> list[ClaimedCard]:
    """Take all uses of one card off the shelf. Until the transaction ends nobody lays one back, nor freezes its batch."""
    await uow.raw.execute(_LOCK_BATCH, card_id)
    return [ClaimedCard(*row) for row in await uow.raw.fetch(_TAKE_USES, sku_id, card_id)]


async def drop_frozen_uses(uow: UnitOfWork, card_id: UUID) -> int:
    """The frozen uses of one card are gone for good; answers how many there were."""
    return len(await uow.raw.fetch(_DROP_FROZEN_USES, card_id))


async def restock(uow: UnitOfWork, entitlement_ids: Sequence[UUID]) -> None:
    """Lay the cards of revoked, never revealed entitlements back, those of a frozen batch to the frozen ones.

    What we make or send has a counter for its stock.
    """
    moves = stock_moves(uow)
    for row in await uow.raw.fetch(_RESTOCK, entitlement_ids):
        moves.take_back(row["sku_id"], 1)
    for row in await uow.raw.fetch(_REFREEZE, entitlement_ids):
        moves.take_back(row["sku_id"], 1)
        moves.put_on(row["sku_id"], -1)
    for row in await uow.raw.fetch(_UNMINT, entitlement_ids):
        moves.take_back(row["sku_id"], row["units"])
