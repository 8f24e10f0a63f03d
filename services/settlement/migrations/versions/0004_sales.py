"""Sold components with their redemptions, and partners' statements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _components()
    _redemptions()
    _statements()


def downgrade() -> None:
    for table in ("statements", "redemptions", "components"):
        op.drop_table(table)


def _components() -> None:
    op.create_table(
        "components",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=True),
        sa.Column("units", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("contract_version", sa.Integer(), nullable=True),
        sa.Column("contract_hash", sa.String(length=64), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accrued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("split_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("redeemed_units", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "paid_at IS NULL OR (sku_id IS NOT NULL AND units > 0 AND amount_minor >= 0 AND currency IS NOT NULL)",
            name=op.f("ck_components_paid_is_known"),
        ),
        sa.CheckConstraint("redeemed_units >= 0", name=op.f("ck_components_redeemed_counted")),
        sa.CheckConstraint(
            "split_at IS NULL OR (paid_at IS NOT NULL AND issued_at IS NOT NULL AND accrued_at IS NOT NULL)",
            name=op.f("ck_components_split_after_all_facts"),
        ),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_components")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_index("ix_components_order_id", "components", ["order_id"], unique=False)
    op.create_index(
        "ix_components_waiting",
        "components",
        ["seen_at"],
        unique=False,
        postgresql_where=sa.text("split_at IS NULL AND reversed_at IS NULL"),
    )


def _redemptions() -> None:
    op.create_table(
        "redemptions",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_redemptions")),
    )
    op.create_index("ix_redemptions_component_id", "redemptions", ["component_id"], unique=False)


def _statements() -> None:
    op.create_table(
        "statements",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("partner_name", sa.String(length=100), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("to_day", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("through_no", sa.BigInteger(), nullable=False),
        sa.Column("block_no", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.LargeBinary(), nullable=True),
        sa.Column("opening_payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("moved_payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_payable_minor", sa.BigInteger(), nullable=False),
        sa.Column("opening_deferred_minor", sa.BigInteger(), nullable=False),
        sa.Column("moved_deferred_minor", sa.BigInteger(), nullable=False),
        sa.Column("closing_deferred_minor", sa.BigInteger(), nullable=False),
        sa.Column("movements", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("files", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "opening_deferred_minor + moved_deferred_minor = closing_deferred_minor",
            name=op.f("ck_statements_deferred_ties"),
        ),
        sa.CheckConstraint(
            "opening_payable_minor + moved_payable_minor = closing_payable_minor",
            name=op.f("ck_statements_payable_ties"),
        ),
        sa.CheckConstraint(
            "revision = 0 OR through_no = 0 OR block_no IS NOT NULL", name=op.f("ck_statements_final_is_sealed")
        ),
        sa.CheckConstraint("to_day > from_day", name=op.f("ck_statements_half_open")),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.partner_id"], name=op.f("fk_statements_partner_id")),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_statements")),
    )
    op.create_index(
        "uq_statements_provisional",
        "statements",
        ["partner_id", "period", "currency", "through_no"],
        unique=True,
        postgresql_where=sa.text("revision = 0"),
    )
    op.create_index(
        "uq_statements_revision",
        "statements",
        ["partner_id", "period", "currency", "revision"],
        unique=True,
        postgresql_where=sa.text("revision > 0"),
    )
