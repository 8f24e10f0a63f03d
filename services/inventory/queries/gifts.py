"""What members gave one another."""

from uuid import UUID

from services.inventory.queries.pages import after, page
from services.inventory.schemas import GiftDirection, GiftOut
from shared.database import UnitOfWork
from shared.http import Page

_GIFTS = """
SELECT gift.gift_id, gift.entitlement_id, gift.state, gift.expires_at, unit.sku_id, sku.name, gift.message, gift.from_member_id,
       gift.to_member_id, gift.claimed_by, gift.made_at, gift.ended_at
FROM gifts gift
JOIN entitlements unit ON unit.entitlement_id = gift.entitlement_id
JOIN skus sku ON sku.sku_id = unit.sku_id
"""
_NEWEST = """
AND gift.gift_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY gift.gift_id DESC LIMIT $3
"""

_BY = {
    GiftDirection.SENT: _GIFTS + "WHERE gift.from_member_id = $1" + _NEWEST,
    GiftDirection.RECEIVED: _GIFTS + "WHERE (gift.to_member_id = $1 OR gift.claimed_by = $1)" + _NEWEST,
}
_OF_ENTITLEMENT = _GIFTS + "WHERE gift.entitlement_id = $1" + _NEWEST


async def list_gifts(
    read: UnitOfWork, member_id: UUID, direction: GiftDirection, *, cursor: str | None, limit: int
) -> Page[GiftOut]:
    """What a member gave, or was given, the newest first."""
    rows = await read.raw.fetch(_BY[direction], member_id, after(cursor), limit + 1)
    return page([GiftOut(**row) for row in rows], limit=limit, key=lambda gift: gift.gift_id)


async def list_of_entitlement(
    read: UnitOfWork, entitlement_id: UUID, *, cursor: str | None, limit: int
) -> Page[GiftOut]:
    """All gifts of an entitlement, the newest first: those that were claimed are the history of its owners."""
    rows = await read.raw.fetch(_OF_ENTITLEMENT, entitlement_id, after(cursor), limit + 1)
    return page([GiftOut(**row) for row in rows], limit=limit, key=lambda gift: gift.gift_id)
