"""What order keeps of others' facts: each upsert takes the newest and leaves an older one alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.database import UnitOfWork

CATALOGUE_CHANNEL = "order_catalogue"
"""Rung when offers or contracts have changed, for those who keep them in memory."""

_PRODUCTS = """
INSERT INTO products AS p (product_id, version, name, on_shelf, skus, listed, on_shelf_from, on_shelf_until, category,
    updated_at)
SELECT u.product_id, u.version, u.name, u.on_shelf, u.skus::jsonb, u.listed, u.starts_at, u.ends_at, u.category,
    clock_timestamp()
FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bool[], $5::text[], $6::bool[], $7::timestamptz[], $8::timestamptz[],
    $9::text[]) AS u(product_id, version, name, on_shelf, skus, listed, starts_at, ends_at, category)
ON CONFLICT (product_id) DO UPDATE SET version = excluded.version, name = excluded.name, on_shelf = excluded.on_shelf,
    skus = excluded.skus, listed = excluded.listed, on_shelf_from = excluded.on_shelf_from,
    on_shelf_until = excluded.on_shelf_until, category = excluded.category, updated_at = excluded.updated_at
WHERE p.version < excluded.version
"""

_TIERS = """
INSERT INTO member_tiers AS t (member_id, sequence, tier, price_bp)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[])
ON CONFLICT (member_id) DO UPDATE SET sequence = excluded.sequence, tier = excluded.tier, price_bp = excluded.price_bp
WHERE t.sequence < excluded.sequence
"""

_CONTRACTS = """
INSERT INTO contracts (sku_id, contract_id, version, hash, effective_from, updated_at)
SELECT u.*, clock_timestamp()
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::timestamptz[])
    AS u(sku_id, contract_id, version, hash, effective_from)
ON CONFLICT (sku_id, contract_id, version) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class ProductRow:
    """A product as it now stands, with its SKUs as JSON values."""

    product_id: UUID
    version: int
    name: str
    on_shelf: bool
    skus: list[dict[str, Any]]
    listed: bool | None
    on_shelf_from: datetime | None
    on_shelf_until: datetime | None
    category: str


@dataclass(frozen=True, slots=True)
class TierRow:
    """A member's tier and its price factor."""

    member_id: UUID
    sequence: int
    tier: str
    price_bp: int


@dataclass(frozen=True, slots=True)
class ContractRow:
    """One published version of a SKU's split contract."""

    sku_id: UUID
    contract_id: UUID
    version: int
    hash: str
    effective_from: datetime


async def keep_products(uow: UnitOfWork, products: Sequence[ProductRow]) -> None:
    """Take products that are newer than what is known."""
    newest = {each.product_id: each for each in sorted(products, key=lambda each: each.version)}
    rows = [newest[product_id] for product_id in sorted(newest)]
    await uow.raw.execute(
        _PRODUCTS,
        [row.product_id for row in rows],
        [row.version for row in rows],
        [row.name for row in rows],
        [row.on_shelf for row in rows],
        [orjson.dumps(row.skus).decode() for row in rows],  # a list of lists would be an array of arrays,
        [row.listed for row in rows],
        [row.on_shelf_from for row in rows],
        [row.on_shelf_until for row in rows],
        [row.category for row in rows],
    )
    uow.after_commit(lambda: uow.database.ring(CATALOGUE_CHANNEL))


async def keep_tiers(uow: UnitOfWork, tiers: Sequence[TierRow]) -> None:
    """Take tiers that are newer than what is known."""
    newest = {each.member_id: each for each in sorted(tiers, key=lambda each: each.sequence)}
    rows = [newest[member_id] for member_id in sorted(newest)]
    await uow.raw.execute(
        _TIERS,
        [row.member_id for row in rows],
        [row.sequence for row in rows],
        [row.tier for row in rows],
        [row.price_bp for row in rows],
    )


async def keep_contracts(uow: UnitOfWork, contracts: Sequence[ContractRow]) -> None:
    """Take versions of contracts; every one is kept, because orders are locked to them."""
    await uow.raw.execute(
        _CONTRACTS,
        [row.sku_id for row in contracts],
        [row.contract_id for row in contracts],
        [row.version for row in contracts],
        [row.hash for row in contracts],
        [row.effective_from for row in contracts],
    )
    uow.after_commit(lambda: uow.database.ring(CATALOGUE_CHANNEL))
