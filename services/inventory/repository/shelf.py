"""The shelf laid anew, a few cards at a time, where the order changed in which they are sold."""

from uuid import UUID

from services.inventory.repository.cards import rank
from shared.database import UnitOfWork

_BEGIN = """
INSERT INTO shelf_sortings (sku_id, after_card_id) VALUES ($1, '00000000-0000-0000-0000-000000000000')
ON CONFLICT (sku_id) DO UPDATE SET after_card_id = excluded.after_card_id
"""

_TAKE = "SELECT sku_id, after_card_id FROM shelf_sortings ORDER BY sku_id LIMIT 1 FOR UPDATE SKIP LOCKED"

# The next cards; those that are just being sold are passed over, and only the rest is laid anew. Rows are not updated,
# because whoever waits for one must see that it is gone, and look again.
_LAY_ANEW = f"""
WITH next AS MATERIALIZED (
    SELECT DISTINCT card_id FROM (
        SELECT card_id FROM shelf WHERE sku_id = $1 AND card_id > $2 ORDER BY card_id, use_no LIMIT $3
    ) AS following
), taken AS (
    DELETE FROM shelf WHERE shelf.ctid = ANY(ARRAY(
        SELECT shelf.ctid FROM shelf WHERE sku_id = $1 AND card_id = ANY(ARRAY(SELECT card_id FROM next)) FOR UPDATE SKIP LOCKED
    )) RETURNING *
), laid AS (
    INSERT INTO shelf (sku_id, card_id, batch_id, masked, cost_minor, expires_at, rank, use_no)
    SELECT taken.sku_id, taken.card_id, taken.batch_id, taken.masked, taken.cost_minor, taken.expires_at,
           {rank("taken")}, taken.use_no
    FROM taken JOIN card_batches batch ON batch.batch_id = taken.batch_id JOIN skus sku ON sku.sku_id = taken.sku_id
)
SELECT card_id FROM next ORDER BY card_id DESC LIMIT 1
"""  # noqa: S608  # composed of the constants above

_GO_ON = "UPDATE shelf_sortings SET after_card_id = $2 WHERE sku_id = $1"
_END = "DELETE FROM shelf_sortings WHERE sku_id = $1"


async def begin_sorting(uow: UnitOfWork, sku_id: UUID) -> None:
    """The cards of this SKU are to be sold in another order."""
    await uow.raw.execute(_BEGIN, sku_id)


async def sort_some(uow: UnitOfWork, *, limit: int) -> bool:
    """Lay the next cards of a SKU anew; False: no SKU needs it that nobody else is at."""
    sorting = await uow.raw.fetchrow(_TAKE)
    if sorting is None:
        return False
    last = await uow.raw.fetchval(_LAY_ANEW, sorting["sku_id"], sorting["after_card_id"], limit)
    if last is None:
        await uow.raw.execute(_END, sorting["sku_id"])
    else:
        await uow.raw.execute(_GO_ON, sorting["sku_id"], last)
    return True
