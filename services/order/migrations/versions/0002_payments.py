"""Payments, refunds, and what providers said that could not be true."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _payment_anomalies()
    _payments()
    _refunds()
    _refund_parts()


def downgrade() -> None:
    for table in (
        "refund_parts",
        "refunds",
        "payments",
        "payment_anomalies",
    ):
        op.drop_table(table)


def _payment_anomalies() -> None:
    op.create_table(
        "payment_anomalies",
        sa.Column("anomaly_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("payment_no", sa.Text(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("anomaly_id", name=op.f("pk_payment_anomalies")),
        sa.UniqueConstraint(
            "provider", "code", "payment_no", "hour", name=op.f("uq_payment_anomalies_provider_code_payment_no_hour")
        ),
    )


def _payments() -> None:
    op.create_table(
        "payments",
        sa.Column("payment_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_trade_no", sa.Text(), nullable=True),
        sa.Column("fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_query_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("refunded_minor = 0 OR status = 'paid'", name=op.f("ck_payments_refunds_need_money")),
        sa.CheckConstraint("status IN ('pending', 'paid', 'closed')", name=op.f("ck_payments_status_known")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint(
            "refunded_minor >= 0 AND refunded_minor <= amount_minor", name=op.f("ck_payments_refunds_within_payment")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_payments_order_id")),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payments")),
        sa.UniqueConstraint("order_id", "idempotency_key", name=op.f("uq_payments_order_id_idempotency_key")),
    )
    op.create_index(
        "ix_payments_next_query_at",
        "payments",
        ["next_query_at"],
        unique=False,
        postgresql_where=sa.text("next_query_at IS NOT NULL"),
    )


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('buyer', 'not_fulfilled', 'risk_denied', 'operator', 'paid_late', 'paid_twice')",
            name=op.f("ck_refunds_reason_known"),
        ),
        sa.CheckConstraint(
            "status IN ('revoking', 'sending', 'refunded', 'review', 'dismissed')", name=op.f("ck_refunds_status_known")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_refunds_amount_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_refunds_order_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.payment_id"], name=op.f("fk_refunds_payment_id")),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refunds")),
    )
    op.create_index(
        "ix_refunds_in_review", "refunds", ["requested_at"], unique=False, postgresql_where=sa.text("status = 'review'")
    )
    op.create_index(
        "ix_refunds_next_try_at",
        "refunds",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("next_try_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_refunds_order_id"), "refunds", ["order_id"], unique=False)


def _refund_parts() -> None:
    op.create_table(
        "refund_parts",
        sa.Column("refund_id", sa.UUID(), nullable=False),
        sa.Column("component_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "status IN ('revoking', 'reversed', 'refunded', 'review', 'dismissed')",
            name=op.f("ck_refund_parts_status_known"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_refund_parts_amount_not_negative")),
        sa.ForeignKeyConstraint(["refund_id"], ["refunds.refund_id"], name=op.f("fk_refund_parts_refund_id")),
        sa.PrimaryKeyConstraint("refund_id", "component_id", name=op.f("pk_refund_parts")),
    )
    op.create_index(
        "uq_refund_parts_component_id",
        "refund_parts",
        ["component_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'dismissed'"),
    )
