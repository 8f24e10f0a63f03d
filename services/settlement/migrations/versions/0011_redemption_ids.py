"""Redemptions are known by their own id, for they may be undone: then the entitlement is redeemed again by another."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("redemptions", sa.Column("redemption_id", sa.Uuid(), nullable=True))
    # What was redeemed before is known by its entitlement, as its journal is, until its redemption is heard of by id.
    op.execute("UPDATE redemptions SET redemption_id = entitlement_id")
    op.drop_constraint(op.f("pk_redemptions"), "redemptions", type_="primary")
    op.alter_column("redemptions", "redemption_id", nullable=False)
    op.create_primary_key(op.f("pk_redemptions"), "redemptions", ["redemption_id"])
    op.create_index("ix_redemptions_entitlement_id", "redemptions", ["entitlement_id"], unique=False)
    op.add_column("redemptions", sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("redemptions", "redeemed_at", nullable=True)
    op.create_check_constraint(
        op.f("ck_redemptions_heard_of"), "redemptions", "redeemed_at IS NOT NULL OR undone_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("DELETE FROM redemptions WHERE undone_at IS NOT NULL")
    op.drop_constraint(op.f("ck_redemptions_heard_of"), "redemptions", type_="check")
    op.alter_column("redemptions", "redeemed_at", nullable=False)
    op.drop_column("redemptions", "undone_at")
    op.drop_index("ix_redemptions_entitlement_id", table_name="redemptions")
    op.drop_constraint(op.f("pk_redemptions"), "redemptions", type_="primary")
    op.drop_column("redemptions", "redemption_id")
    op.create_primary_key(op.f("pk_redemptions"), "redemptions", ["entitlement_id"])
