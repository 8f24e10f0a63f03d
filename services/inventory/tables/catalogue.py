"""What is sold."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.picking import PickOrder
from services.inventory.domain.terms import SkuPeriod
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

PRODUCTS = Table(
    "products",
    METADATA,
    id_column("product_id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("on_shelf", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    moment_column("created_at"),
    moment_column("changed_at"),
    Column("included", JSONB, nullable=False, server_default=text("'[]'"), comment="texts: what one gets"),
    Column("worth_minor", BigInteger, comment="what it would cost elsewhere"),
    Column("why", Text, nullable=False, server_default="", comment="why it is worth it"),
    Column("instructions", Text, nullable=False, server_default=""),
    Column("images", JSONB, nullable=False, server_default=text("'[]'"), comment="addresses"),
    moment_column("on_shelf_from", nullable=True),
    moment_column("on_shelf_until", nullable=True),
    Column(
        "shelf_announced",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="inside its times, as last said",
    ),
    CheckConstraint("version > 0", name="version_positive"),
    CheckConstraint("worth_minor >= 0", name="worth_not_negative"),
    CheckConstraint("on_shelf_from < on_shelf_until", name="shelf_times_in_order"),
)
Index("ix_products_shelf", PRODUCTS.c.category, PRODUCTS.c.product_id, postgresql_where=PRODUCTS.c.on_shelf)
Index(
    "ix_products_shelf_times",
    PRODUCTS.c.product_id,
    postgresql_where=PRODUCTS.c.on_shelf_from.is_not(None) | PRODUCTS.c.on_shelf_until.is_not(None),
)

SKUS = Table(
    "skus",
    METADATA,
    id_column("sku_id", primary_key=True),
    id_column("product_id", ForeignKey("products.product_id")),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("price_floor_minor", BigInteger),
    Column("currency", Text, nullable=False),
    Column("max_per_order", Integer, nullable=False),
    Column("on_sale", Boolean, nullable=False),
    Column("redeemable_here", Boolean, nullable=False, comment="codes are honoured by partners through this platform"),
    Column("price_guard", Boolean, nullable=False, comment="never buy from a supplier for more than was paid"),
    Column(
        "supplied",
        Boolean,
        nullable=False,
        server_default="false",
        comment="cards that are not on the shelf are bought when they are delivered",
    ),
    id_column("partner_id", nullable=True),
    Column("low_stock_below", Integer, nullable=False, server_default="0"),
    Column("pick_order", Text, nullable=False, server_default=PickOrder.SEQUENTIAL.value),
    Column("usage_instructions", Text, nullable=False, server_default="", comment="how to use it, for its owner"),
    Column("giftable", Boolean, comment="null: as its kind is"),
    Column("undo_within_minutes", Integer, comment="null: the platform's setting"),
    moment_column("created_at"),
    moment_column("expired_at", nullable=True),
    Column("period", Text),
    Column("ladder", JSONB, nullable=False, server_default=text("'[]'")),
    Column("min_per_order", Integer, nullable=False, server_default="1"),
    Column("order_step", Integer, nullable=False, server_default="1"),
    Column("max_per_member", Integer),
    Column("max_per_member_day", Integer),
    Column("tiers", JSONB, nullable=False, server_default=text("'[]'")),
    moment_column("public_from", nullable=True),
    Column("early_tiers", JSONB, nullable=False, server_default=text("'[]'")),
    Column("buyer_fields", JSONB, nullable=False, server_default=text("'[]'")),
    Column("composed", Boolean, nullable=False, server_default=text("false"), comment="of bundles or choices"),
    Column("goods", JSONB, nullable=False, server_default=text("'{}'"), comment="what its kind has to know of it"),
    moment_column("ends_at", nullable=True),
    one_of("period", SkuPeriod, name="period_known"),
    CheckConstraint(
        "min_per_order > 0 AND order_step > 0 AND max_per_member > 0 AND max_per_member_day > 0",
        name="limits_positive",
    ),
    one_of("kind", SkuKind, name="kind_known"),
    one_of("pick_order", PickOrder, name="pick_order_known"),
    CheckConstraint("price_minor >= 0", name="price_not_negative"),
    CheckConstraint("price_minor >= price_floor_minor", name="price_not_below_floor"),
    CheckConstraint("max_per_order > 0", name="max_per_order_positive"),
    CheckConstraint("low_stock_below >= 0", name="low_stock_not_negative"),
    CheckConstraint("undo_within_minutes >= 0", name="undo_not_negative"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_is_code"),
    Index("ix_skus_product_id", "product_id"),
    Index("ix_skus_partner_id", "partner_id"),
)
Index("ix_skus_ends_at", SKUS.c.ends_at, postgresql_where=SKUS.c.ends_at.is_not(None) & SKUS.c.expired_at.is_(None))

SKU_COMPONENTS = Table(
    "sku_components",
    METADATA,
    id_column("bundle_sku_id", ForeignKey("skus.sku_id")),
    id_column("sku_id", ForeignKey("skus.sku_id")),
    Column("quantity", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("position", SmallInteger, nullable=False),
    PrimaryKeyConstraint("bundle_sku_id", "sku_id"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("weight > 0", name="weight_positive"),
    CheckConstraint("bundle_sku_id <> sku_id", name="not_itself"),
    Index("ix_sku_components_sku_id", "sku_id"),
)

# What may be delivered instead, the first that can be had. Nothing leads back to itself.
SKU_SUBSTITUTES = Table(
    "sku_substitutes",
    METADATA,
    id_column("sku_id", ForeignKey("skus.sku_id")),
    id_column("substitute_sku_id", ForeignKey("skus.sku_id")),
    Column("position", SmallInteger, nullable=False),
    PrimaryKeyConstraint("sku_id", "substitute_sku_id"),
    CheckConstraint("sku_id <> substitute_sku_id", name="not_itself"),
)

SKU_CHOICES = Table(
    "sku_choices",
    METADATA,
    id_column("bundle_sku_id", ForeignKey("skus.sku_id")),
    id_column("sku_id", ForeignKey("skus.sku_id")),
    Column("group_name", Text, nullable=False),
    Column("pick", SmallInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("weight", Integer, nullable=False),
    Column("extra_minor", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    PrimaryKeyConstraint("bundle_sku_id", "sku_id"),
    CheckConstraint("pick > 0 AND quantity > 0 AND weight > 0 AND extra_minor >= 0", name="in_range"),
    Index("ix_sku_choices_sku_id", "sku_id"),
)
