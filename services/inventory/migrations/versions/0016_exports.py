"""Unsold codes leave the platform by four eyes, with codes among them by which the file can be told."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "card_exports",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column(
            "cards", sa.Integer(), nullable=True, comment="in the file, without those that were added to tell it"
        ),
        sa.Column("downloads", sa.Integer(), server_default="0", nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'ready') = (sealed IS NOT NULL)", name=op.f("ck_card_exports_ready_has_file")),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_card_exports_four_eyes")),
        sa.CheckConstraint(
            "state IN ('requested', 'ready', 'refused', 'expired')", name=op.f("ck_card_exports_state_known")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["card_batches.batch_id"], name=op.f("fk_card_exports_batch_id")),
        sa.ForeignKeyConstraint(["key_id"], ["data_keys.key_id"], name=op.f("fk_card_exports_key_id")),
        sa.PrimaryKeyConstraint("export_id", name=op.f("pk_card_exports")),
    )
    op.create_index("ix_card_exports_batch_id", "card_exports", ["batch_id", "export_id"], unique=False)
    op.create_index(
        "ix_card_exports_ready",
        "card_exports",
        ["decided_at"],
        unique=False,
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_table(
        "canaries",
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("octet_length(code_index) = 32", name=op.f("ck_canaries_code_index_is_hmac")),
        sa.ForeignKeyConstraint(["export_id"], ["card_exports.export_id"], name=op.f("fk_canaries_export_id")),
        sa.PrimaryKeyConstraint("code_index", name=op.f("pk_canaries")),
    )


def downgrade() -> None:
    op.drop_table("canaries")
    op.drop_table("card_exports")
