"""Where channels hear, and what is to be told them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KINDS = "'order.fulfilled', 'order.refunded', 'component.rejected', 'product.changed', 'stock.changed'"


def upgrade() -> None:
    _endpoints()
    _messages()


def downgrade() -> None:
    op.drop_table("webhook_messages")
    op.drop_table("channel_webhooks")


def _endpoints() -> None:
    op.create_table(
        "channel_webhooks",
        sa.Column("channel_id", sa.UUID(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_key", sa.LargeBinary(), nullable=False),
        sa.Column("secret_kek_version", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.channel_id"], name=op.f("fk_channel_webhooks_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_webhooks")),
    )


def _messages() -> None:
    op.create_table(
        "webhook_messages",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("channel_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_webhook_messages_kind_known")),
        sa.CheckConstraint("state IN ('due', 'delivered', 'dead')", name=op.f("ck_webhook_messages_state_known")),
        sa.CheckConstraint("(state = 'due') = (ended_at IS NULL)", name=op.f("ck_webhook_messages_ended_when_over")),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channel_webhooks.channel_id"], name=op.f("fk_webhook_messages_channel_id")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_webhook_messages")),
    )
    _index("ix_webhook_messages_due", ["channel_id", "next_try_at"], "state = 'due'")
    _index("ix_webhook_messages_ended_at", ["ended_at"], "ended_at IS NOT NULL")
    subject = ["channel_id", "kind", "subject_id"]
    goods = "kind IN ('product.changed', 'stock.changed')"
    _index("uq_webhook_messages_once", subject, goods.replace("IN", "NOT IN"), unique=True)
    _index("uq_webhook_messages_coalesced", subject, f"state = 'due' AND {goods}", unique=True)


def _index(name: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    op.create_index(name, "webhook_messages", columns, unique=unique, postgresql_where=sa.text(where))
