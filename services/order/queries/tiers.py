"""Members' tiers."""

from uuid import UUID

from services.order.domain.pricing import Tier
from shared.database import UnitOfWork

_TIER = "SELECT tier, price_bp FROM member_tiers WHERE member_id = $1"


async def tier_of(uow: UnitOfWork, member_id: UUID) -> Tier | None:
    """The member's tier as far as it is known."""
    row = await uow.raw.fetchrow(_TIER, member_id)
    return None if row is None else Tier(row["tier"], row["price_bp"])
