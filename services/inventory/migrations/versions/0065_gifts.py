"""Gifts of entitlements: who gave what to whom, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("skus", sa.Column("giftable", sa.Boolean(), nullable=True, comment="null: as its kind is"))
    op.add_column("entitlements", sa.Column("gift_id", sa.Uuid(), nullable=True))
    op.add_column(
        "entitlements",
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "gifts",
        sa.Column("gift_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("from_member_id", sa.Uuid(), nullable=False),
        sa.Column("to_member_id", sa.Uuid(), nullable=True),
        sa.Column("token_sha256", sa.LargeBinary(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'claimed', 'cancelled', 'declined', 'expired', 'taken_back')",
            name=op.f("ck_gifts_state_known"),
        ),
        sa.CheckConstraint("num_nulls(to_member_id, token_sha256) = 1", name=op.f("ck_gifts_named_or_by_link")),
        sa.CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name=op.f("ck_gifts_ended_has_moment")),
        sa.CheckConstraint("(state = 'claimed') = (claimed_by IS NOT NULL)", name=op.f("ck_gifts_claimed_by_somebody")),
        sa.CheckConstraint("claimed_by <> from_member_id", name=op.f("ck_gifts_not_to_self")),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_gifts_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("gift_id", name=op.f("pk_gifts")),
    )
    op.create_index("ix_gifts_entitlement_id", "gifts", ["entitlement_id"], unique=False)
    op.create_index("ix_gifts_from_member_id", "gifts", ["from_member_id", "gift_id"], unique=False)
    for name, columns, condition, is_unique in (
        ("ix_gifts_to_member_id", ["to_member_id", "gift_id"], "to_member_id IS NOT NULL", False),
        ("ix_gifts_claimed_by", ["claimed_by", "gift_id"], "claimed_by IS NOT NULL", False),
        ("ix_gifts_due", ["expires_at"], "state = 'pending'", False),
        ("uq_gifts_pending", ["entitlement_id"], "state = 'pending'", True),
        ("uq_gifts_token_sha256", ["token_sha256"], "token_sha256 IS NOT NULL", True),
    ):
        op.create_index(name, "gifts", columns, unique=is_unique, postgresql_where=sa.text(condition))


def downgrade() -> None:
    op.drop_table("gifts")
    op.drop_column("entitlements", "given_at")
    op.drop_column("entitlements", "gift_id")
    op.drop_column("skus", "giftable")
