"""Batches are frozen, thawed and voided by operators, who are written down."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

GUARD = """
CREATE TRIGGER batch_actions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON batch_actions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.add_column("card_batches", sa.Column("state", sa.Text(), server_default="active", nullable=False))
    op.create_check_constraint(
        op.f("ck_card_batches_state_known"), "card_batches", "state IN ('active', 'frozen', 'void')"
    )
    op.create_table(
        "frozen_cards",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("use_no", sa.SmallInteger(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batches.batch_id"], name=op.f("fk_frozen_cards_batch_id")),
        sa.PrimaryKeyConstraint("batch_id", "card_id", "use_no", name=op.f("pk_frozen_cards")),
    )
    op.create_table(
        "batch_actions",
        sa.Column("action_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False, comment="uses of cards that it moved"),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False, comment="of these"),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batches.batch_id"], name=op.f("fk_batch_actions_batch_id")),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_batch_actions")),
    )
    op.create_index("ix_batch_actions_batch_id", "batch_actions", ["batch_id", "action_id"], unique=False)
    op.execute(GUARD)


def downgrade() -> None:
    op.drop_table("batch_actions")
    op.drop_table("frozen_cards")
    op.drop_constraint(op.f("ck_card_batches_state_known"), "card_batches", type_="check")
    op.drop_column("card_batches", "state")
