"""Which voucher a redemption was made by: each counts once."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("redemptions", sa.Column("voucher_nonce", sa.Uuid(), nullable=True))
    op.create_index(
        "uq_redemptions_voucher_nonce",
        "redemptions",
        ["voucher_nonce"],
        unique=True,
        postgresql_where=sa.text("voucher_nonce IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_redemptions_voucher_nonce", table_name="redemptions")
    op.drop_column("redemptions", "voucher_nonce")
