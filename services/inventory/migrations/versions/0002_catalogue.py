"""Products, SKUs and what bundles consist of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _products()
    _skus()
    _sku_components()


def downgrade() -> None:
    op.drop_table("sku_components")
    op.drop_table("skus")
    op.drop_table("products")


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("on_shelf", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_products_version_positive")),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_products")),
    )
    op.create_index(
        "ix_products_shelf", "products", ["category", "product_id"], unique=False, postgresql_where="on_shelf"
    )


def _skus() -> None:
    op.create_table(
        "skus",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("price_floor_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("max_per_order", sa.Integer(), nullable=False),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        sa.Column(
            "redeemable_here",
            sa.Boolean(),
            nullable=False,
            comment="codes are honoured by partners through this platform",
        ),
        sa.Column(
            "price_guard", sa.Boolean(), nullable=False, comment="never buy from a supplier for more than was paid"
        ),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("low_stock_below", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_skus_currency_is_code")),
        sa.CheckConstraint("kind IN ('card_key', 'direct_top_up', 'bundle')", name=op.f("ck_skus_kind_known")),
        sa.CheckConstraint("low_stock_below >= 0", name=op.f("ck_skus_low_stock_not_negative")),
        sa.CheckConstraint("max_per_order > 0", name=op.f("ck_skus_max_per_order_positive")),
        sa.CheckConstraint("price_minor >= 0", name=op.f("ck_skus_price_not_negative")),
        sa.CheckConstraint("price_minor >= price_floor_minor", name=op.f("ck_skus_price_not_below_floor")),
        sa.ForeignKeyConstraint(["product_id"], ["products.product_id"], name=op.f("fk_skus_product_id")),
        sa.PrimaryKeyConstraint("sku_id", name=op.f("pk_skus")),
    )
    op.create_index("ix_skus_partner_id", "skus", ["partner_id"], unique=False)
    op.create_index("ix_skus_product_id", "skus", ["product_id"], unique=False)


def _sku_components() -> None:
    op.create_table(
        "sku_components",
        sa.Column("bundle_sku_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("bundle_sku_id <> sku_id", name=op.f("ck_sku_components_not_itself")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sku_components_quantity_positive")),
        sa.CheckConstraint("weight > 0", name=op.f("ck_sku_components_weight_positive")),
        sa.ForeignKeyConstraint(["bundle_sku_id"], ["skus.sku_id"], name=op.f("fk_sku_components_bundle_sku_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_sku_components_sku_id")),
        sa.PrimaryKeyConstraint("bundle_sku_id", "sku_id", name=op.f("pk_sku_components")),
    )
    op.create_index("ix_sku_components_sku_id", "sku_components", ["sku_id"], unique=False)
