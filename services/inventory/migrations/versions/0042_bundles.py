"""Bundles of bundles, and groups of options to choose from."""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "skus",
        sa.Column(
            "composed", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="of bundles or choices"
        ),
    )
    op.create_table(
        "sku_choices",
        sa.Column("bundle_sku_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("pick", sa.SmallInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("extra_minor", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "pick > 0 AND quantity > 0 AND weight > 0 AND extra_minor >= 0", name=op.f("ck_sku_choices_in_range")
        ),
        sa.ForeignKeyConstraint(["bundle_sku_id"], ["skus.sku_id"], name=op.f("fk_sku_choices_bundle_sku_id")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_sku_choices_sku_id")),
        sa.PrimaryKeyConstraint("bundle_sku_id", "sku_id", name=op.f("pk_sku_choices")),
    )
    op.create_index("ix_sku_choices_sku_id", "sku_choices", ["sku_id"], unique=False)


def downgrade() -> None:
    op.drop_table("sku_choices")
    op.drop_column("skus", "composed")
