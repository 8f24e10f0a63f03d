"""Resellers: their terms, their orders by their own numbers, stock as it is announced, categories of products."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0011"
branch_labels = None
depends_on = None

SOMEBODY_S = "ck_orders_somebody_s"


def upgrade() -> None:
    op.add_column("products", sa.Column("category", sa.Text(), nullable=True))
    op.add_column("orders", sa.Column("channel_id", sa.UUID(), nullable=True))
    op.create_index(
        "ix_orders_channel_id_order_id",
        "orders",
        ["channel_id", "order_id"],
        postgresql_where=sa.text("channel_id IS NOT NULL"),
    )
    op.drop_constraint(op.f(SOMEBODY_S), "orders", type_="check")
    op.create_check_constraint(
        op.f(SOMEBODY_S), "orders", "member_id IS NOT NULL OR contact IS NOT NULL OR channel_id IS NOT NULL"
    )
    _channels()
    _channel_orders()
    op.create_table(
        "sku_stock",
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sku_id", name=op.f("pk_sku_stock")),
    )


def downgrade() -> None:
    for table in ("sku_stock", "channel_orders", "channels"):
        op.drop_table(table)
    op.drop_constraint(op.f(SOMEBODY_S), "orders", type_="check")
    op.create_check_constraint(op.f(SOMEBODY_S), "orders", "member_id IS NOT NULL OR contact IS NOT NULL")
    op.drop_index("ix_orders_channel_id_order_id", "orders")
    op.drop_column("orders", "channel_id")
    op.drop_column("products", "category")


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("channel_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("price_bp", sa.Integer(), nullable=False),
        sa.Column("prices", postgresql.JSONB(), nullable=False),
        sa.Column("sku_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("product_ids", postgresql.ARRAY(sa.UUID()), nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.Column("buyer_limits", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price_bp > 0 AND price_bp <= 10000", name=op.f("ck_channels_price_within_list")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channels")),
    )


def _channel_orders() -> None:
    op.create_table(
        "channel_orders",
        sa.Column("channel_id", sa.UUID(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("notify", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_channel_orders_order_id")),
        sa.PrimaryKeyConstraint("channel_id", "external_id", name=op.f("pk_channel_orders")),
        sa.UniqueConstraint("order_id", name=op.f("uq_channel_orders_order_id")),
    )
