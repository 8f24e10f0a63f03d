"""What buyers are told, and where each message stands on its ways out. No address is kept here, and no text."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.order.domain.messages import ChannelName, DeliveryStatus, Occasion
from services.order.tables.base import ID, METADATA, MOMENT, one_of

MESSAGES = Table(
    "messages",
    METADATA,
    Column("message_id", ID, primary_key=True),
    Column("order_id", ID, ForeignKey("orders.order_id"), nullable=False),
    # Who reads it; NULL for the guest of the order.
    Column("member_id", ID),
    Column("occasion", Text, nullable=False),
    # What of the order it is about: a refund, an entitlement, else the order itself.
    Column("about", ID, nullable=False),
    Column("goods", ARRAY(Text), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("expires_at", MOMENT),
    Column("created_at", MOMENT, nullable=False),
    Column("read_at", MOMENT),
    # When to look for its ways out; NULL once they are known.
    Column("address_at", MOMENT),
    Column("address_tries", SmallInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("order_id", "occasion", "about"),
    CheckConstraint(one_of("occasion", Occasion), name="occasion_known"),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    Index("ix_messages_member_id", "member_id", "message_id", postgresql_where=text("member_id IS NOT NULL")),
    Index("ix_messages_unread", "member_id", postgresql_where=text("member_id IS NOT NULL AND read_at IS NULL")),
    Index("ix_messages_address_at", "address_at", postgresql_where=text("address_at IS NOT NULL")),
)

MESSAGE_DELIVERIES = Table(
    "message_deliveries",
    METADATA,
    Column("message_id", ID, ForeignKey("messages.message_id", ondelete="CASCADE"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    # When to try (again); a try that is under way is booked by moving this on.
    Column("due_at", MOMENT),
    Column("sent_at", MOMENT),
    # Why the last try came to nothing, as a short code.
    Column("failure", Text),
    PrimaryKeyConstraint("message_id", "channel"),
    CheckConstraint(one_of("channel", ChannelName), name="channel_known"),
    CheckConstraint(one_of("status", DeliveryStatus), name="status_known"),
    CheckConstraint("(due_at IS NOT NULL) = (status = 'waiting')", name="due_while_waiting"),
    Index("ix_message_deliveries_due_at", "channel", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_message_deliveries_given_up", "message_id", postgresql_where=text("status = 'given_up'")),
)
