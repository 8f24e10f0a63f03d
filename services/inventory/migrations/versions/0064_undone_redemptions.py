"""Redemptions that were undone stay, and what they were of may be redeemed again."""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("redemptions", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("redemptions", sa.Column("undone_by", sa.Text(), nullable=True))
    op.add_column("redemptions", sa.Column("undone_subject", sa.Text(), nullable=True))
    op.add_column("redemptions", sa.Column("undo_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_redemptions_undone_by_known"), "redemptions", "undone_by IN ('partner', 'operator')"
    )
    op.create_check_constraint(
        op.f("ck_redemptions_undone_is_whole"),
        "redemptions",
        "num_nulls(undone_at, undone_by, undone_subject, undo_reason) IN (0, 4)",
    )
    op.drop_constraint(op.f("uq_redemptions_entitlement_id"), "redemptions", type_="unique")
    op.create_index(
        "uq_redemptions_entitlement_id",
        "redemptions",
        ["entitlement_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index(
        "ix_redemptions_undone",
        "redemptions",
        ["entitlement_id"],
        unique=False,
        postgresql_where=sa.text("undone_at IS NOT NULL"),
    )
    op.add_column(
        "skus",
        sa.Column("undo_within_minutes", sa.Integer(), nullable=True, comment="null: the platform's setting"),
    )
    op.create_check_constraint(op.f("ck_skus_undo_not_negative"), "skus", "undo_within_minutes >= 0")


def downgrade() -> None:
    op.drop_constraint("ck_skus_undo_not_negative", "skus")
    op.drop_column("skus", "undo_within_minutes")
    op.drop_index("ix_redemptions_undone", table_name="redemptions")
    op.drop_index("uq_redemptions_entitlement_id", table_name="redemptions")
    op.execute("DELETE FROM redemptions WHERE undone_at IS NOT NULL")
    op.create_unique_constraint(op.f("uq_redemptions_entitlement_id"), "redemptions", ["entitlement_id"])
    op.drop_constraint(op.f("ck_redemptions_undone_is_whole"), "redemptions", type_="check")
    op.drop_constraint(op.f("ck_redemptions_undone_by_known"), "redemptions", type_="check")
    for name in ("undo_reason", "undone_subject", "undone_by", "undone_at"):
        op.drop_column("redemptions", name)
