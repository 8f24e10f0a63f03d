"""The terms on which SKUs are sold: period, ladder, limits, tiers, and what buyers have to tell."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

LISTS = ("ladder", "tiers", "early_tiers", "buyer_fields")


def upgrade() -> None:
    for name in LISTS:
        op.add_column(
            "skus",
            sa.Column(name, postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
        )
    op.add_column("skus", sa.Column("period", sa.Text(), nullable=True))
    op.add_column("skus", sa.Column("min_per_order", sa.Integer(), server_default="1", nullable=False))
    op.add_column("skus", sa.Column("order_step", sa.Integer(), server_default="1", nullable=False))
    op.add_column("skus", sa.Column("max_per_member", sa.Integer(), nullable=True))
    op.add_column("skus", sa.Column("max_per_member_day", sa.Integer(), nullable=True))
    op.add_column("skus", sa.Column("public_from", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_skus_period_known"), "skus", "period IN ('month', 'season', 'year')")
    op.create_check_constraint(
        op.f("ck_skus_limits_positive"),
        "skus",
        "min_per_order > 0 AND order_step > 0 AND max_per_member > 0 AND max_per_member_day > 0",
    )


def downgrade() -> None:
    op.drop_constraint("ck_skus_limits_positive", "skus")
    op.drop_constraint("ck_skus_period_known", "skus")
    for name in (
        *LISTS,
        *("period", "min_per_order", "order_step", "max_per_member", "max_per_member_day", "public_from"),
    ):
        op.drop_column("skus", name)
