"""What counts against purchase limits."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "limited_purchases",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("buyer", sa.Text(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("limit_in_all", sa.Integer(), nullable=True),
        sa.Column("limit_a_day", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_limited_purchases_quantity_positive")),
        sa.PrimaryKeyConstraint("order_id", "line_id", "buyer", name=op.f("pk_limited_purchases")),
    )
    op.create_index(
        "ix_limited_purchases_buyer",
        "limited_purchases",
        ["buyer", "sku_id"],
        unique=False,
        postgresql_where=sa.text("taken"),
    )
    op.create_index(
        "ix_limited_purchases_taken_at", "limited_purchases", ["taken_at"], unique=False, postgresql_using="brin"
    )


def downgrade() -> None:
    op.drop_table("limited_purchases")
