"""Suppliers and our orders with them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _suppliers()
    _supplier_skus()
    _supplier_tasks()


def downgrade() -> None:
    op.drop_table("supplier_tasks")
    op.drop_table("supplier_skus")
    op.drop_table("suppliers")


def _suppliers() -> None:
    op.create_table(
        "suppliers",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False, comment="who we are to them"),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.key_id"], name=op.f("fk_suppliers_key_id")),
        sa.PrimaryKeyConstraint("supplier_id", name=op.f("pk_suppliers")),
        sa.UniqueConstraint("name", name=op.f("uq_suppliers_name")),
    )


def _supplier_skus() -> None:
    op.create_table(
        "supplier_skus",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_sku", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False, comment="of one unit, in the SKU's currency"),
        sa.Column("priority", sa.SmallInteger(), server_default="1", nullable=False, comment="the lowest is asked"),
        sa.CheckConstraint("cost_minor >= 0", name=op.f("ck_supplier_skus_cost_not_negative")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_supplier_skus_sku_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.supplier_id"], name=op.f("fk_supplier_skus_supplier_id")),
        sa.PrimaryKeyConstraint("supplier_id", "sku_id", name=op.f("pk_supplier_skus")),
    )
    op.create_index("ix_supplier_skus_sku_id", "supplier_skus", ["sku_id"], unique=False)


def _supplier_tasks() -> None:
    op.create_table(
        "supplier_tasks",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column(
            "out_order_no", sa.Text(), nullable=False, comment="our number of the order, and the supplier's key of it"
        ),
        sa.Column("supplier_sku", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column(
            "cost_minor", sa.BigInteger(), nullable=False, comment="of all units: expected, then what was charged"
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("questions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cancel_wanted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("refused", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("last_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("supplier_order_no", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state IN ('new', 'sent', 'unknown')) = (due_at IS NOT NULL)", name=op.f("ck_supplier_tasks_open_is_due")
        ),
        sa.CheckConstraint(
            "(state IN ('new', 'sent', 'unknown')) = (ended_at IS NULL)",
            name=op.f("ck_supplier_tasks_ended_has_moment"),
        ),
        sa.CheckConstraint(
            "state IN ('new', 'sent', 'unknown', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_supplier_tasks_state_known"),
        ),
        sa.CheckConstraint("cost_minor >= 0", name=op.f("ck_supplier_tasks_cost_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_supplier_tasks_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["component_id"], ["deliveries.component_id"], name=op.f("fk_supplier_tasks_component_id")
        ),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.supplier_id"], name=op.f("fk_supplier_tasks_supplier_id")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_supplier_tasks")),
        sa.UniqueConstraint("component_id", name=op.f("uq_supplier_tasks_component_id")),
        sa.UniqueConstraint("out_order_no", name=op.f("uq_supplier_tasks_out_order_no")),
    )
    op.create_index(
        "ix_supplier_tasks_due",
        "supplier_tasks",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('new', 'sent', 'unknown')"),
    )
