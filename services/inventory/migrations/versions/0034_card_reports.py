"""Cards that are said not to work, and what replaced them."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "card_reports",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False, comment="of the reported card: to be charged back"),
        sa.Column("fault", sa.Text(), nullable=False),
        sa.Column("reported_by", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("new_card_id", sa.Uuid(), nullable=True),
        sa.Column("new_cost_minor", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "fault IN ('invalid', 'already_used', 'wrong_goods')", name=op.f("ck_card_reports_fault_known")
        ),
        sa.CheckConstraint("state IN ('open', 'replaced', 'refused')", name=op.f("ck_card_reports_state_known")),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_card_reports_decided_has_moment")),
        sa.CheckConstraint("(state = 'open') = (decided_by IS NULL)", name=op.f("ck_card_reports_decided_has_decider")),
        sa.CheckConstraint(
            "(state = 'replaced') = (new_card_id IS NOT NULL)", name=op.f("ck_card_reports_replaced_has_card")
        ),
        sa.CheckConstraint(
            "(new_card_id IS NULL) = (new_cost_minor IS NULL)", name=op.f("ck_card_reports_new_card_has_cost")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batches.batch_id"], name=op.f("fk_card_reports_batch_id")),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_card_reports_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_card_reports")),
        sa.UniqueConstraint("card_id", name=op.f("uq_card_reports_card_id")),
        sa.UniqueConstraint("new_card_id", name=op.f("uq_card_reports_new_card_id")),
    )
    op.create_index("ix_card_reports_state", "card_reports", ["state", "report_id"], unique=False)
    op.create_index("ix_card_reports_batch_id", "card_reports", ["batch_id", "report_id"], unique=False)
    op.create_index("ix_card_reports_reported_by", "card_reports", ["reported_by", "reported_at"], unique=False)
    op.create_index("ix_card_reports_entitlement_id", "card_reports", ["entitlement_id"], unique=False)


def downgrade() -> None:
    op.drop_table("card_reports")
