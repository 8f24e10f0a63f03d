"""What order asks about delivered goods when a buyer wants them back."""

from uuid import UUID

from shared.database import UnitOfWork

_SEEN = """
SELECT coalesce(bool_or(first_revealed_at IS NOT NULL OR state <> 'active' OR card_id IS NULL OR given_at IS NOT NULL), true)
FROM entitlements WHERE order_id = $1 AND component_id = $2
"""


async def was_seen(uow: UnitOfWork, *, order_id: UUID, component_id: UUID) -> bool:
    """Whether any unit was seen, used or given away, or has no code to be seen (a top-up). What nobody knows counts as seen."""
    seen: bool = await uow.raw.fetchval(_SEEN, order_id, component_id)
    return seen
