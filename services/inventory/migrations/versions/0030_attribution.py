"""Where and by whom a code was honoured."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("redemptions", sa.Column("terminal", sa.Text(), nullable=True))
    op.add_column("redemptions", sa.Column("cashier", sa.Text(), nullable=True, comment="the partner's own reference"))
    op.add_column("redemptions", sa.Column("channel", sa.Text(), nullable=True, comment="null: before it was kept"))
    op.create_check_constraint(
        op.f("ck_redemptions_channel_known"), "redemptions", "channel IN ('code', 'qr', 'batch')"
    )
    op.create_index("ix_redemptions_order_id", "redemptions", ["order_id"], unique=False)
    op.create_index("ix_redemptions_redeemed_at", "redemptions", ["redeemed_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_redemptions_redeemed_at", table_name="redemptions")
    op.drop_index("ix_redemptions_order_id", table_name="redemptions")
    op.drop_constraint(op.f("ck_redemptions_channel_known"), "redemptions", type_="check")
    op.drop_column("redemptions", "channel")
    op.drop_column("redemptions", "cashier")
    op.drop_column("redemptions", "terminal")
