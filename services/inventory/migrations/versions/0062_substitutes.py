"""What may be delivered instead of something that cannot be had."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sku_substitutes",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("substitute_sku_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("sku_id <> substitute_sku_id", name=op.f("ck_sku_substitutes_not_itself")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_sku_substitutes_sku_id")),
        sa.ForeignKeyConstraint(
            ["substitute_sku_id"], ["skus.sku_id"], name=op.f("fk_sku_substitutes_substitute_sku_id")
        ),
        sa.PrimaryKeyConstraint("sku_id", "substitute_sku_id", name=op.f("pk_sku_substitutes")),
    )
    op.add_column(
        "deliveries",
        sa.Column("accept_substitutes", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column(
        "deliveries",
        sa.Column("ordered_sku_id", sa.Uuid(), nullable=True, comment="where something else is delivered instead"),
    )


def downgrade() -> None:
    op.drop_column("deliveries", "ordered_sku_id")
    op.drop_column("deliveries", "accept_substitutes")
    op.drop_table("sku_substitutes")
