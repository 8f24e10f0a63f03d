"""What was agreed with channels, their orders by their own numbers, and what is left of each SKU."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.order.tables.base import ID, METADATA, MOMENT

CHANNELS = Table(
    "channels",
    METADATA,
    # Settlement registers channels: this is a partner of its.
    Column("channel_id", ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("price_bp", Integer, nullable=False),
    Column("prices", JSONB, nullable=False),  # a unit's price in minor units, by SKU
    Column("sku_ids", ARRAY(ID), nullable=False),
    Column("product_ids", ARRAY(ID), nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("tier", Text),
    Column("buyer_limits", Boolean, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", MOMENT, nullable=False),
    CheckConstraint("price_bp > 0 AND price_bp <= 10000", name="price_within_list"),
)

CHANNEL_ORDERS = Table(
    "channel_orders",
    METADATA,
    Column("channel_id", ID, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("order_id", ID, ForeignKey("orders.order_id"), nullable=False, unique=True),
    # A keyed hash of what was ordered: the same number never buys something else.
    Column("content_hash", LargeBinary, nullable=False),
    Column("notify", Boolean, nullable=False),
    PrimaryKeyConstraint("channel_id", "external_id"),
)

SKU_STOCK = Table(
    "sku_stock",
    METADATA,
    Column("sku_id", ID, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
)
