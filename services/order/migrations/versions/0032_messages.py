"""What buyers are told, and where it stands on its ways out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("about", sa.UUID(), nullable=False),
        sa.Column("goods", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_messages_amount_not_negative")),
        sa.CheckConstraint(
            "occasion IN ('fulfilled', 'unavailable', 'refunded', 'expiring')",
            name=op.f("ck_messages_occasion_known"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_messages_order_id_orders")),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_messages")),
        sa.UniqueConstraint("order_id", "occasion", "about", name=op.f("uq_messages_order_id_occasion_about")),
    )
    op.create_index(
        "ix_messages_member_id",
        "messages",
        ["member_id", "message_id"],
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index(
        "ix_messages_unread",
        "messages",
        ["member_id"],
        postgresql_where=sa.text("member_id IS NOT NULL AND read_at IS NULL"),
    )
    op.create_index(
        "ix_messages_address_at", "messages", ["address_at"], postgresql_where=sa.text("address_at IS NOT NULL")
    )
    op.create_table(
        "message_deliveries",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('mini_program', 'sms', 'email')", name=op.f("ck_message_deliveries_channel_known")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'sent', 'given_up', 'no_address')", name=op.f("ck_message_deliveries_status_known")
        ),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (status = 'waiting')", name=op.f("ck_message_deliveries_due_while_waiting")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.message_id"],
            name=op.f("fk_message_deliveries_message_id_messages"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("message_id", "channel", name=op.f("pk_message_deliveries")),
    )
    op.create_index(
        "ix_message_deliveries_due_at",
        "message_deliveries",
        ["channel", "due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_message_deliveries_given_up",
        "message_deliveries",
        ["message_id"],
        postgresql_where=sa.text("status = 'given_up'"),
    )


def downgrade() -> None:
    op.drop_table("message_deliveries")
    op.drop_table("messages")
