"""Channels' accounts: what they hold, every movement, and bank transfers that wait for a second operator."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from services.settlement.tables.metadata import METADATA
from services.settlement.tables.partners import PARTNERS

# The one balance that is a row: a purchase must know it exactly, and only the channel's own purchases wait for each other.
CHANNELS = Table(
    "channels",
    METADATA,
    Column("channel_id", ForeignKey(PARTNERS.c.partner_id), primary_key=True),
    Column("currency", String(3), nullable=False),
    Column("balance_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("credit_limit_minor", BigInteger, nullable=False),
    Column("daily_spend_max_minor", BigInteger),
    Column("created_by", Uuid),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("balance_minor >= -credit_limit_minor", name="within_credit"),
    CheckConstraint("credit_limit_minor >= 0", name="credit_not_negative"),
    CheckConstraint("daily_spend_max_minor > 0", name="daily_spend_positive"),
)

CHANNEL_ENTRIES = Table(
    "channel_entries",
    METADATA,
    Column("entry_no", BigInteger, Identity(always=True), primary_key=True),
    Column("channel_id", ForeignKey(CHANNELS.c.channel_id), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("order_id", Uuid),
    Column("amount_minor", BigInteger, nullable=False),
    Column("balance_minor", BigInteger, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("subject_id", "kind", name="channel_entry_once"),
    CheckConstraint("amount_minor <> 0", name="moves_something"),
    CheckConstraint("(order_id IS NULL) = (kind = 'transfer')", name="order_is_named"),
    Index("ix_channel_entries_channel_id_entry_no", "channel_id", "entry_no"),
    Index("ix_channel_entries_channel_id_at", "channel_id", "at"),
    Index("ix_channel_entries_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
)

CHANNEL_TRANSFERS = Table(
    "channel_transfers",
    METADATA,
    Column("transfer_id", Uuid, primary_key=True),
    Column("channel_id", ForeignKey(CHANNELS.c.channel_id), nullable=False),
    # The bank's number of the transfer: one is booked once.
    Column("reference", String(100), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),  # negative: money that was sent back
    Column("note", String(500), nullable=False),
    Column("state", String(20), nullable=False),
    Column("proposed_by", Uuid, nullable=False),
    Column("proposed_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", Uuid),
    Column("decided_at", DateTime(timezone=True)),
    CheckConstraint("amount_minor <> 0", name="moves_something"),
    CheckConstraint("state IN ('proposed', 'confirmed', 'rejected')", name="state_known"),
    CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="decided_by_somebody"),
    CheckConstraint("state <> 'confirmed' OR decided_by <> proposed_by", name="four_eyes"),
    # A rejected one was a mistake: its number may come again.
    Index(
        "uq_channel_transfers_reference",
        "channel_id",
        "reference",
        unique=True,
        postgresql_where=text("state <> 'rejected'"),
    ),
)
