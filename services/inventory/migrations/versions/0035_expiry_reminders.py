"""Owners are reminded once before something ends."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entitlements", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_entitlements_to_remind",
        "entitlements",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("expires_at IS NOT NULL AND reminded_at IS NULL AND state = 'active'"),
    )


def downgrade() -> None:
    op.drop_index("ix_entitlements_to_remind", table_name="entitlements")
    op.drop_column("entitlements", "reminded_at")
