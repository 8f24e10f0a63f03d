"""Orders, their lines and components, checkouts, operators' actions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _checkouts()
    _operator_actions()
    _orders()
    _order_lines()
    _order_components()


def downgrade() -> None:
    for table in (
        "order_components",
        "order_lines",
        "orders",
        "operator_actions",
        "checkouts",
    ):
        op.drop_table(table)


def _checkouts() -> None:
    op.create_table(
        "checkouts",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_checkouts")),
    )
    op.create_index("ix_checkouts_created_at", "checkouts", ["created_at"], unique=False, postgresql_using="brin")


def _operator_actions() -> None:
    op.create_table(
        "operator_actions",
        sa.Column("action_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_operator_actions")),
    )
    op.create_index(op.f("ix_operator_actions_order_id"), "operator_actions", ["order_id"], unique=False)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("contact_kek_version", sa.Integer(), nullable=True),
        sa.Column("contact_key", sa.LargeBinary(), nullable=True),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("adjustments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("risk_decision_id", sa.UUID(), nullable=True),
        sa.Column("payment_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pay_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fulfilled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nudges", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "(paid_at IS NOT NULL) = (status NOT IN ('pending_payment', 'cancelled'))",
            name=op.f("ck_orders_paid_when_past_payment"),
        ),
        sa.CheckConstraint(
            "status IN ('pending_payment', 'paid', 'fulfilling', 'fulfilled', 'completed', 'cancelled', 'refunding', 'refunded', 'held')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint("member_id IS NOT NULL OR contact IS NOT NULL", name=op.f("ck_orders_somebody_s")),
        sa.CheckConstraint("total_minor >= 0 AND total_minor <= list_minor", name=op.f("ck_orders_total_within_list")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        sa.UniqueConstraint("order_no", name=op.f("uq_orders_order_no")),
    )
    op.create_index(
        "ix_orders_due_at", "orders", ["due_at"], unique=False, postgresql_where=sa.text("due_at IS NOT NULL")
    )
    op.create_index("ix_orders_held", "orders", ["paid_at"], unique=False, postgresql_where=sa.text("status = 'held'"))
    op.create_index(
        "ix_orders_member_id_order_id",
        "orders",
        ["member_id", "order_id"],
        unique=False,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index("ix_orders_nudged", "orders", ["due_at"], unique=False, postgresql_where=sa.text("nudges > 0"))


def _order_lines() -> None:
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("product_id", sa.UUID(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("list_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_lines_quantity_positive")),
        sa.CheckConstraint(
            "total_minor >= 0 AND total_minor <= list_minor", name=op.f("ck_order_lines_total_within_list")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_order_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "line_id", name=op.f("pk_order_lines")),
    )


def _order_components() -> None:
    op.create_table(
        "order_components",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("component_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("sku_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("contract_id", sa.UUID(), nullable=True),
        sa.Column("contract_version", sa.Integer(), nullable=False),
        sa.Column("contract_hash", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("issued", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("split_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'reserving', 'issued', 'rejected', 'settled', 'revoking', 'revoked', 'refunded', 'review')",
            name=op.f("ck_order_components_status_known"),
        ),
        sa.CheckConstraint(
            "(contract_version = 0) = (contract_hash IS NULL)", name=op.f("ck_order_components_contract_whole")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_order_components_amount_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_components_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.line_id"],
            name=op.f("fk_order_components_order_id_line_id"),
        ),
        sa.PrimaryKeyConstraint("order_id", "component_id", name=op.f("pk_order_components")),
    )
