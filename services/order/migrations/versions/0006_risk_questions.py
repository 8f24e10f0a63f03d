"""Questions that risk did not answer at checkout, kept until it has."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "risk_questions",
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("question", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("next_ask_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asks", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_risk_questions_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_risk_questions")),
    )
    op.create_index(op.f("ix_risk_questions_next_ask_at"), "risk_questions", ["next_ask_at"], unique=False)


def downgrade() -> None:
    op.drop_table("risk_questions")
