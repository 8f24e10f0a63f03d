"""What order keeps of others' facts, to answer fast."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.order.tables.base import ID, METADATA, MOMENT

PRODUCTS = Table(
    "products",
    METADATA,
    Column("product_id", ID, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("on_shelf", Boolean, nullable=False),
    # The SKUs as product.changed carries them.
    Column("skus", JSONB, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    # The operator's switch alone, and the moments between which it counts; NULL where inventory did not say.
    Column("listed", Boolean),
    Column("on_shelf_from", MOMENT),
    Column("on_shelf_until", MOMENT),
    Column("category", Text),  # NULL where it was learnt before it was kept
    Index("ix_products_updated_at", "updated_at"),
)

MEMBER_TIERS = Table(
    "member_tiers",
    METADATA,
    Column("member_id", ID, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("tier", Text, nullable=False),
    Column("price_bp", Integer, nullable=False),
)

CONTRACTS = Table(
    "contracts",
    METADATA,
    Column("sku_id", ID, nullable=False),
    Column("contract_id", ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("effective_from", MOMENT, nullable=False),
    Column("updated_at", MOMENT, nullable=False),
    PrimaryKeyConstraint("sku_id", "contract_id", "version"),
    Index("ix_contracts_updated_at", "updated_at"),
)
