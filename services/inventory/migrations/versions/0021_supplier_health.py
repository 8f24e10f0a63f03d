"""How suppliers fare: calls counted in slots of a few seconds, and a circuit breaker for each."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "supplier_calls",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("slot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("not_understood", sa.Integer(), nullable=False),
        sa.Column("unreachable", sa.Integer(), nullable=False),
        sa.Column("latency_ms_sum", sa.BigInteger(), nullable=False),
        sa.Column("latency_ms_max", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.supplier_id"], name=op.f("fk_supplier_calls_supplier_id")),
        sa.PrimaryKeyConstraint("supplier_id", "slot_at", name=op.f("pk_supplier_calls")),
    )
    op.create_table(
        "supplier_circuits",
        sa.Column("supplier_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("by_hand", sa.Boolean(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False, comment="how often it opened without a good probe between"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "until", sa.DateTime(timezone=True), nullable=True, comment="open: no probe before; probing: its time"
        ),
        sa.CheckConstraint("state IN ('closed', 'open', 'half_open')", name=op.f("ck_supplier_circuits_state_known")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["suppliers.supplier_id"], name=op.f("fk_supplier_circuits_supplier_id")
        ),
        sa.PrimaryKeyConstraint("supplier_id", name=op.f("pk_supplier_circuits")),
    )


def downgrade() -> None:
    op.drop_table("supplier_circuits")
    op.drop_table("supplier_calls")
