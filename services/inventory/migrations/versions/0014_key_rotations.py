"""A card may be sealed under another key than its batch's: while the batch moves to a new one.

The previous release reads a card by its batch's key alone. Begin no rotation before it is gone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cards", sa.Column("key_id", sa.Uuid(), nullable=True, comment="null: its batch's"))
    op.create_table(
        "key_rotations",
        sa.Column("rotation_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("old_key_id", sa.Uuid(), nullable=False),
        sa.Column("new_key_id", sa.Uuid(), nullable=False),
        sa.Column("after_card_id", sa.Uuid(), nullable=False),
        sa.Column("resealed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batches.batch_id"], name=op.f("fk_key_rotations_batch_id")),
        sa.PrimaryKeyConstraint("rotation_id", name=op.f("pk_key_rotations")),
    )
    op.create_index("ix_key_rotations_batch_id", "key_rotations", ["batch_id", "rotation_id"], unique=False)
    op.create_index(
        "uq_key_rotations_under_way",
        "key_rotations",
        ["batch_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("key_rotations")
    op.drop_column("cards", "key_id")
