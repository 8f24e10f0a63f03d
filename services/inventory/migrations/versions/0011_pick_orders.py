"""SKUs say in which order their cards are sold: a rank on the shelf, and an index that gives it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("skus", sa.Column("pick_order", sa.Text(), server_default="sequential", nullable=False))
    op.create_check_constraint(
        op.f("ck_skus_pick_order_known"),
        "skus",
        "pick_order IN ('sequential', 'random', 'earliest_expiry', 'batch_priority')",
    )
    op.add_column(
        "card_batches",
        sa.Column("priority", sa.Integer(), server_default="100", nullable=False, comment="the lowest is sold first"),
    )
    op.add_column(
        "shelf",
        sa.Column("rank", sa.BigInteger(), server_default="0", nullable=False, comment="by the SKU's pick order"),
    )
    op.create_table(
        "shelf_sortings",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("after_card_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_shelf_sortings_sku_id")),
        sa.PrimaryKeyConstraint("sku_id", name=op.f("pk_shelf_sortings")),
    )
    with op.get_context().autocommit_block():  # a long shelf is sold from while its index is made
        op.create_index(
            "ix_shelf_pick", "shelf", ["sku_id", "rank", "card_id"], unique=False, postgresql_concurrently=True
        )


def downgrade() -> None:
    op.drop_index("ix_shelf_pick", table_name="shelf")
    op.drop_table("shelf_sortings")
    op.drop_column("shelf", "rank")
    op.drop_column("card_batches", "priority")
    op.drop_constraint(op.f("ck_skus_pick_order_known"), "skus", type_="check")
    op.drop_column("skus", "pick_order")
