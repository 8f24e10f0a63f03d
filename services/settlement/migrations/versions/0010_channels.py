"""Channels' accounts; journals that no order caused."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("journals", "order_id", nullable=True)
    _channels()
    _entries()
    _transfers()
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON channel_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("channel_transfers", "channel_entries", "channels"):
        op.drop_table(table)
    op.alter_column("journals", "order_id", nullable=False)


def _channels() -> None:
    op.create_table(
        "channels",
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credit_limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("daily_spend_max_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("balance_minor >= -credit_limit_minor", name=op.f("ck_channels_within_credit")),
        sa.CheckConstraint("credit_limit_minor >= 0", name=op.f("ck_channels_credit_not_negative")),
        sa.CheckConstraint("daily_spend_max_minor > 0", name=op.f("ck_channels_daily_spend_positive")),
        sa.ForeignKeyConstraint(["channel_id"], ["partners.partner_id"], name=op.f("fk_channels_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channels")),
    )


def _entries() -> None:
    op.create_table(
        "channel_entries",
        sa.Column("entry_no", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_channel_entries_moves_something")),
        sa.CheckConstraint("(order_id IS NULL) = (kind = 'transfer')", name=op.f("ck_channel_entries_order_is_named")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_channel_entries_channel_id")),
        sa.PrimaryKeyConstraint("entry_no", name=op.f("pk_channel_entries")),
        sa.UniqueConstraint("subject_id", "kind", name="channel_entry_once"),
    )
    op.create_index("ix_channel_entries_channel_id_entry_no", "channel_entries", ["channel_id", "entry_no"])
    op.create_index("ix_channel_entries_channel_id_at", "channel_entries", ["channel_id", "at"])
    op.create_index(
        "ix_channel_entries_order_id", "channel_entries", ["order_id"], postgresql_where=sa.text("order_id IS NOT NULL")
    )


def _transfers() -> None:
    op.create_table(
        "channel_transfers",
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=100), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_channel_transfers_moves_something")),
        sa.CheckConstraint(
            "state IN ('proposed', 'confirmed', 'rejected')", name=op.f("ck_channel_transfers_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_by IS NULL)", name=op.f("ck_channel_transfers_decided_by_somebody")
        ),
        sa.CheckConstraint(
            "state <> 'confirmed' OR decided_by <> proposed_by", name=op.f("ck_channel_transfers_four_eyes")
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_channel_transfers_channel_id")),
        sa.PrimaryKeyConstraint("transfer_id", name=op.f("pk_channel_transfers")),
    )
    op.create_index(
        "uq_channel_transfers_reference",
        "channel_transfers",
        ["channel_id", "reference"],
        unique=True,
        postgresql_where=sa.text("state <> 'rejected'"),
    )
