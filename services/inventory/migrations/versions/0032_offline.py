"""Vouchers for stores without a network, and the conflicts of their lists."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_redemptions_channel_known"), "redemptions", type_="check")
    op.create_check_constraint(
        op.f("ck_redemptions_channel_known"), "redemptions", "channel IN ('code', 'qr', 'batch', 'offline')"
    )
    op.create_table(
        "offline_vouchers",
        sa.Column("nonce", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("expires_at > issued_at", name=op.f("ck_offline_vouchers_lasts")),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_offline_vouchers_entitlement_id")
        ),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.key_id"], name=op.f("fk_offline_vouchers_key_id")),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_offline_vouchers")),
    )
    op.create_index(
        "ix_offline_vouchers_entitlement_id", "offline_vouchers", ["entitlement_id", "expires_at"], unique=False
    )
    op.create_table(
        "redemption_conflicts",
        sa.Column("conflict_id", sa.Uuid(), nullable=False),
        sa.Column("nonce", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("store", sa.Text(), nullable=True),
        sa.Column("terminal", sa.Text(), nullable=True),
        sa.Column("cashier", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('redeemed', 'accepted_twice', 'taken_back', 'expired')",
            name=op.f("ck_redemption_conflicts_reason_known"),
        ),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_redemption_conflicts_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("conflict_id", name=op.f("pk_redemption_conflicts")),
    )
    op.create_index(
        "ix_redemption_conflicts_recorded_at", "redemption_conflicts", ["recorded_at", "conflict_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("redemption_conflicts")
    op.drop_table("offline_vouchers")
    op.drop_constraint(op.f("ck_redemptions_channel_known"), "redemptions", type_="check")
    op.create_check_constraint(
        op.f("ck_redemptions_channel_known"), "redemptions", "channel IN ('code', 'qr', 'batch')"
    )
