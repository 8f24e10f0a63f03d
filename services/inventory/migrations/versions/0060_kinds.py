"""Fulfilment kinds: generated keys, redeem links, cash vouchers and QR codes, and what a SKU's kind has to know of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0060"
down_revision = "0042"
branch_labels = None
depends_on = None

KINDS_BEFORE = "kind IN ('card_key', 'direct_top_up', 'bundle')"
KINDS = "kind IN ('card_key', 'direct_top_up', 'bundle', 'generated_key', 'redeem_link', 'cash_voucher', 'offline_qr')"


def upgrade() -> None:
    op.add_column(
        "skus",
        sa.Column(
            "goods",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="what its kind has to know of it",
        ),
    )
    op.add_column("skus", sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_skus_ends_at",
        "skus",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ends_at IS NOT NULL AND expired_at IS NULL"),
    )
    _know(KINDS)


def downgrade() -> None:
    _know(KINDS_BEFORE)
    op.drop_index("ix_skus_ends_at", "skus")
    op.drop_column("skus", "ends_at")
    op.drop_column("skus", "goods")


def _know(kinds: str) -> None:
    """Rows that are there fulfilled the narrower constraint: a table of millions is not read again."""
    for table in ("skus", "deliveries"):
        op.drop_constraint(f"ck_{table}_kind_known", table)
        op.create_check_constraint(op.f(f"ck_{table}_kind_known"), table, kinds, postgresql_not_valid=True)
