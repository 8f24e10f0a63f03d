"""Where channels hear, and what is to be told them."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.order.domain.webhooks import MessageKind, MessageState
from services.order.tables.base import ID, METADATA, MOMENT, one_of

CHANNEL_WEBHOOKS = Table(
    "channel_webhooks",
    METADATA,
    Column("channel_id", ID, ForeignKey("channels.channel_id"), primary_key=True),
    Column("url", Text, nullable=False),
    # Under a data key of its own.
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("secret_key", LargeBinary, nullable=False),
    Column("secret_kek_version", Integer, nullable=False),
    # The operator's switch.
    Column("active", Boolean, nullable=False),
    # Since when nothing was taken, and when it was therefore given up.
    Column("failing_since", MOMENT),
    Column("disabled_at", MOMENT),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", MOMENT, nullable=False),
)

WEBHOOK_MESSAGES = Table(
    "webhook_messages",
    METADATA,
    Column("message_id", ID, primary_key=True),
    Column("channel_id", ID, ForeignKey("channel_webhooks.channel_id"), nullable=False),
    Column("kind", Text, nullable=False),
    # The order, refund, component, product or SKU it is about.
    Column("subject_id", ID, nullable=False),
    Column("content", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    # Grows when something newer is to be told under the same message.
    Column("edition", Integer, nullable=False, server_default=text("1")),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    Column("next_try_at", MOMENT, nullable=False),
    Column("last_error", Text, nullable=False, server_default=text("''")),
    Column("created_at", MOMENT, nullable=False),
    Column("ended_at", MOMENT),
    CheckConstraint(one_of("kind", MessageKind), name="kind_known"),
    CheckConstraint(one_of("state", MessageState), name="state_known"),
    CheckConstraint("(state = 'due') = (ended_at IS NULL)", name="ended_when_over"),
    Index("ix_webhook_messages_due", "channel_id", "next_try_at", postgresql_where=text("state = 'due'")),
    Index("ix_webhook_messages_dead", "channel_id", postgresql_where=text("state = 'dead'")),
    Index("ix_webhook_messages_ended_at", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    # An event of an order is one message; of goods one waits at a time.
    Index(
        "uq_webhook_messages_once",
        "channel_id",
        "kind",
        "subject_id",
        unique=True,
        postgresql_where=text("kind NOT IN ('product.changed', 'stock.changed')"),
    ),
    Index(
        "uq_webhook_messages_coalesced",
        "channel_id",
        "kind",
        "subject_id",
        unique=True,
        postgresql_where=text("state = 'due' AND kind IN ('product.changed', 'stock.changed')"),
    ),
)
