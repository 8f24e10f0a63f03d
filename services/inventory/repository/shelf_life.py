"""What the clock does to the shelf: products come and go at their times, SKUs whose whole stock expired leave it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, exists, func, select

from services.inventory.tables import SHELF, SKU_COMPONENTS, SKUS
from shared.database import UnitOfWork

EXPIRED_AT_ONCE = 100_000
"""Expired cards that one run of the upkeep looks at, those first that expired first."""

# By the index on expiry, which has only what has expired before its end: grouped or sorted otherwise, the whole shelf is read.
_EXPIRED_ON_SHELF = f"""
WITH due AS MATERIALIZED (
    SELECT sku_id FROM shelf WHERE expires_at <= $1 ORDER BY expires_at LIMIT {EXPIRED_AT_ONCE}
)
SELECT sku_id, count(*)::int AS expired FROM due GROUP BY sku_id ORDER BY sku_id LIMIT $2
"""  # noqa: S608  # a constant

_TAKE_EXPIRED = f"""
WITH due AS MATERIALIZED (
    SELECT ctid AS place, sku_id FROM shelf WHERE expires_at <= $2 ORDER BY expires_at LIMIT {EXPIRED_AT_ONCE}
)
DELETE FROM shelf WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM shelf WHERE ctid = ANY(ARRAY(SELECT place FROM due WHERE due.sku_id = $1))
    AND sku_id = $1 AND expires_at <= $2 LIMIT $3 FOR UPDATE SKIP LOCKED
)) RETURNING card_id
"""  # noqa: S608  # a constant

# One that is announced has its mark set: the next run passes it over.
_TURNED = """
WITH turned AS (
    SELECT product_id FROM products
    WHERE (on_shelf_from IS NOT NULL OR on_shelf_until IS NOT NULL OR NOT shelf_announced)
      AND shelf_announced <> (coalesce(on_shelf_from <= $1, true) AND coalesce($1 < on_shelf_until, true))
    ORDER BY product_id LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE products SET shelf_announced = NOT shelf_announced FROM turned
WHERE products.product_id = turned.product_id RETURNING products.product_id
"""

# Whoever imports cards at this moment has the row of the counter: what is on the shelf is judged after it.
_MARK_EXPIRED = """
UPDATE skus SET expired_at = $2
WHERE sku_id = ANY($1::uuid[]) AND NOT supplied AND NOT EXISTS (SELECT FROM shelf WHERE shelf.sku_id = skus.sku_id)
RETURNING sku_id
"""

_MARK_ENDED = """
UPDATE skus SET expired_at = $1
WHERE sku_id IN (
    SELECT sku_id FROM skus WHERE ends_at <= $1 AND expired_at IS NULL
    ORDER BY sku_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING sku_id
"""

_UNMARK_REFILLED = """
UPDATE skus SET expired_at = NULL
WHERE sku_id IN (
    SELECT sku_id FROM skus
    WHERE expired_at IS NOT NULL AND coalesce(now() < ends_at, true)
      AND EXISTS (SELECT FROM shelf WHERE shelf.sku_id = skus.sku_id)
    ORDER BY sku_id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING sku_id
"""

_PRODUCTS_WITH = """
SELECT product_id FROM skus WHERE sku_id = ANY($1::uuid[])
UNION
SELECT bundle.product_id FROM sku_components part JOIN skus bundle ON bundle.sku_id = part.bundle_sku_id
WHERE part.sku_id = ANY($1::uuid[])
UNION
SELECT bundle.product_id FROM sku_choices option JOIN skus bundle ON bundle.sku_id = option.bundle_sku_id
WHERE option.sku_id = ANY($1::uuid[])
"""


async def take_turned(uow: UnitOfWork, *, now: datetime, limit: int) -> list[UUID]:
    """Products that came to the shelf or left it by the clock since that was last said, marked as said."""
    return [row["product_id"] for row in await uow.raw.fetch(_TURNED, now, limit)]


async def find_expired_on_shelf(uow: UnitOfWork, *, now: datetime, limit: int) -> dict[UUID, int]:
    """How many cards of each SKU have expired unsold, for at most `limit` SKUs."""
    return {row["sku_id"]: row["expired"] for row in await uow.raw.fetch(_EXPIRED_ON_SHELF, now, limit)}


async def take_expired(uow: UnitOfWork, sku_id: UUID, *, now: datetime, limit: int) -> int:
    """Take expired cards of a SKU off the shelf, at most `limit`; answers how many."""
    return len(await uow.raw.fetch(_TAKE_EXPIRED, sku_id, now, limit))


async def mark_expired(uow: UnitOfWork, sku_ids: Sequence[UUID], *, now: datetime) -> list[UUID]:
    """Those of the SKUs that have nothing left on the shelf are off sale until they have; answers which.

    What suppliers deliver is on sale without any card here.
    """
    return [row["sku_id"] for row in await uow.raw.fetch(_MARK_EXPIRED, sku_ids, now)]


async def mark_ended(uow: UnitOfWork, *, now: datetime, limit: int) -> list[UUID]:
    """SKUs whose goods are good for nothing from now on are off sale; answers which."""
    return [row["sku_id"] for row in await uow.raw.fetch(_MARK_ENDED, now, limit)]


async def unmark_refilled(uow: UnitOfWork, *, limit: int) -> list[UUID]:
    """SKUs that had expired and have cards again are on sale again; answers which."""
    return [row["sku_id"] for row in await uow.raw.fetch(_UNMARK_REFILLED, limit)]


async def find_products_showing(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> list[UUID]:
    """Products of these SKUs and of bundles that contain them."""
    return [row["product_id"] for row in await uow.raw.fetch(_PRODUCTS_WITH, sku_ids)]


def expired_sku() -> ColumnElement[bool]:
    """Whether the SKU, or a part of the bundle, is off sale because it is over or all its stock has expired."""
    part = SKUS.alias("part")
    parts = (
        select(part.c.sku_id)
        .join(SKU_COMPONENTS, SKU_COMPONENTS.c.sku_id == part.c.sku_id)
        .where(SKU_COMPONENTS.c.bundle_sku_id == SKUS.c.sku_id, _expired(part))
        .correlate(SKUS)
    )
    return _expired(SKUS) | parts.exists()


def _expired(sku: FromClause) -> ColumnElement[bool]:
    left = exists().where(SHELF.c.sku_id == sku.c.sku_id)
    return (sku.c.ends_at <= func.now()) | (sku.c.expired_at.is_not(None) & ~left)
