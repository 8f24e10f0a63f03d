"""Channels' terms and orders, and what they may buy."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.order.domain.channels import ChannelOrder, ChannelOrderNotFoundError, Terms
from services.order.repository.channels import find_channel_order, find_terms
from services.order.tables import SKU_STOCK
from shared.database import UnitOfWork

Json = dict[str, Any]


async def terms_of(uow: UnitOfWork, channel_id: UUID) -> Terms | None:
    """What was agreed with the channel."""
    return await find_terms(uow, channel_id)


async def known_order(uow: UnitOfWork, *, channel_id: UUID, external_id: str) -> ChannelOrder | None:
    """The channel's order of that number, if it placed one."""
    return await find_channel_order(uow, channel_id=channel_id, external_id=external_id)


async def own_order(uow: UnitOfWork, *, channel_id: UUID, external_id: str) -> ChannelOrder:
    """The channel's order of that number.

    :raises ChannelOrderNotFoundError: it has none.
    """
    found = await find_channel_order(uow, channel_id=channel_id, external_id=external_id)
    if found is None:
        raise ChannelOrderNotFoundError(f"there is no order {external_id}")
    return found


async def stock_of(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What is left of these SKUs, as inventory announced it last."""
    query = select(SKU_STOCK.c.sku_id, SKU_STOCK.c.available).where(SKU_STOCK.c.sku_id.in_(sku_ids))
    return {row.sku_id: row.available for row in await uow.sql.execute(query)}
