"""What was agreed with channels, their orders' numbers, and stock as it is announced."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from services.order.domain.channels import ChannelOrder, Terms
from services.order.tables import CHANNEL_ORDERS, CHANNELS, CHECKOUTS
from shared.database import UnitOfWork

_STOCK = """
INSERT INTO sku_stock AS s (sku_id, version, available)
SELECT DISTINCT ON (sku_id) sku_id, version, available
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS u(sku_id, version, available)
ORDER BY sku_id, version DESC
ON CONFLICT (sku_id) DO UPDATE SET version = excluded.version, available = excluded.available
WHERE s.version < excluded.version
RETURNING sku_id, available
"""


async def find_terms(uow: UnitOfWork, channel_id: UUID) -> Terms | None:
    """What was agreed with the channel."""
    row = (await uow.sql.execute(select(CHANNELS).where(CHANNELS.c.channel_id == channel_id))).one_or_none()
    return None if row is None else _terms_of(row)


async def keep_terms(uow: UnitOfWork, terms: Terms, *, changed_by: str, now: datetime) -> None:
    """Write down what is agreed from now on."""
    values: dict[str, Any] = {
        "name": terms.name,
        "active": terms.active,
        "price_bp": terms.price_bp,
        "prices": {str(sku_id): price_minor for sku_id, price_minor in terms.prices.items()},
        "sku_ids": sorted(terms.sku_ids),
        "product_ids": sorted(terms.product_ids),
        "categories": sorted(terms.categories),
        "tier": terms.tier,
        "buyer_limits": terms.buyer_limits,
        "changed_by": changed_by,
        "changed_at": now,
    }
    statement = insert(CHANNELS).values(channel_id=terms.channel_id, **values)
    await uow.sql.execute(statement.on_conflict_do_update(index_elements=["channel_id"], set_=values))


async def find_channel_order(uow: UnitOfWork, *, channel_id: UUID, external_id: str) -> ChannelOrder | None:
    """The channel's order of that number."""
    columns = CHANNEL_ORDERS.c
    query = select(CHANNEL_ORDERS).where(columns.channel_id == channel_id, columns.external_id == external_id)
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        return None
    return ChannelOrder(row.channel_id, row.external_id, row.content_hash, row.order_id, row.notify)


async def free_number(uow: UnitOfWork, order: ChannelOrder, *, caller: str) -> None:
    """The order came to nothing: its number may be used again."""
    await uow.sql.execute(delete(CHANNEL_ORDERS).where(CHANNEL_ORDERS.c.order_id == order.order_id))
    await uow.sql.execute(delete(CHECKOUTS).where(CHECKOUTS.c.caller == caller, CHECKOUTS.c.key == order.external_id))


async def keep_stock(uow: UnitOfWork, stock: Sequence[tuple[UUID, int, int]]) -> dict[UUID, int]:
    """Take (SKU, version, available) that are newer than what is known; answers these."""
    sku_ids, versions, available = (list(column) for column in zip(*stock, strict=True))
    rows = await uow.raw.fetch(_STOCK, sku_ids, versions, available)
    return {row["sku_id"]: row["available"] for row in rows}


def _terms_of(row: Any) -> Terms:
    return Terms(
        channel_id=row.channel_id,
        name=row.name,
        active=row.active,
        price_bp=row.price_bp,
        prices={UUID(sku_id): price_minor for sku_id, price_minor in row.prices.items()},
        sku_ids=frozenset(row.sku_ids),
        product_ids=frozenset(row.product_ids),
        categories=frozenset(row.categories),
        tier=row.tier,
        buyer_limits=row.buyer_limits,
    )
