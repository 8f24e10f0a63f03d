"""What the points service keeps. Entries, uses and rules are append-only: a trigger refuses to change or delete them.

`rule_version` has no foreign key: rules are never deleted, and checking it would have every batch lock the one rule's row.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database import metadata
from shared.http import idempotency_table
from shared.messaging import inbox_table, outbox_table, parked_table

METADATA = metadata("points")

OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)
PARKED = parked_table(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)

RULES = Table(
    "rules",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("points", BigInteger, nullable=False),
    Column("per_minor", BigInteger, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("cost_points", BigInteger, nullable=False),
    Column("effective_from", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("points >= 0 AND per_minor > 0", name="earning_rate"),
    CheckConstraint("cost_minor >= 0 AND cost_points > 0", name="cost_rate"),
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("member_id", Uuid, primary_key=True),
    Column("available", BigInteger, nullable=False, server_default="0"),
    Column("pending", BigInteger, nullable=False, server_default="0"),
    Column("debt", BigInteger, nullable=False, server_default="0"),
    Column("balance", BigInteger, nullable=False, server_default="0"),
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("available >= 0 AND pending >= 0 AND debt >= 0", name="never_negative"),
    CheckConstraint("balance = available + pending - debt", name="balance_is_the_whole"),
    CheckConstraint("debt = 0 OR available + pending = 0", name="owes_only_with_nothing_left"),
)

ACCRUALS = Table(
    "accruals",
    METADATA,
    Column("component_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("member_id", Uuid),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("rule_version", Integer),
    Column("lot_id", Uuid),
    Column("accrued_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    CheckConstraint("points >= 0 AND cost_minor >= 0", name="never_negative"),
    CheckConstraint("(points > 0) = (lot_id IS NOT NULL)", name="points_have_a_lot"),
    comment="One row per component that was issued or revoked: the second wall against counting it twice.",
)

REVERSALS = Table(
    "reversals",
    METADATA,
    Column("component_id", Uuid, primary_key=True),
    Column("refund_id", Uuid, primary_key=True),
    Column("reversed_at", DateTime(timezone=True), nullable=False),
    comment="Which refund has been answered for which component.",
)

ENTRIES = Table(
    "entries",
    METADATA,
    Column("entry_id", Uuid, primary_key=True),
    Column("member_id", Uuid, ForeignKey("accounts.member_id"), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("settled", BigInteger, nullable=False),
    Column("lot_id", Uuid),
    Column("order_id", Uuid),
    Column("component_id", Uuid),
    Column("refund_id", Uuid),
    Column("rule_version", Integer),
    Column("amount_minor", BigInteger),
    Column("reason", Text),
    Column("operator", Text),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("member_id", "sequence", name="uq_entries_member_sequence"),
    CheckConstraint("points <> 0 AND sequence > 0", name="says_something"),
    CheckConstraint("kind IN ('earn', 'reverse', 'expire', 'adjust')", name="known_kind"),
    Index(
        "uq_entries_component_kind",
        "component_id",
        "kind",
        unique=True,
        postgresql_where=text("component_id IS NOT NULL AND kind IN ('earn', 'reverse')"),
    ),
    comment="Append-only ledger, in order per member. `settled`: went into debt at once; negative: became debt.",
)

LOTS = Table(
    "lots",
    METADATA,
    Column("lot_id", Uuid, primary_key=True),
    Column("member_id", Uuid, ForeignKey("accounts.member_id"), nullable=False),
    Column("component_id", Uuid),
    Column("granted", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False),
    Column("available_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("granted > 0 AND remaining >= 0 AND expired >= 0", name="never_negative"),
    CheckConstraint("remaining + expired <= granted", name="within_granted"),
    CheckConstraint("remaining = 0 OR state IN ('pending', 'available')", name="ended_lots_are_empty"),
    CheckConstraint("state IN ('pending', 'available', 'expired', 'reversed')", name="known_state"),
    Index("ix_lots_open", "member_id", postgresql_where=text("remaining > 0")),
    Index("ix_lots_to_activate", "available_at", postgresql_where=text("state = 'pending'")),
    Index("ix_lots_to_expire", "expires_at", postgresql_where=text("remaining > 0")),
)

FIGURES = Table(
    "figures",
    METADATA,
    Column("single", Boolean, primary_key=True, server_default="true"),
    Column("measured_at", DateTime(timezone=True), nullable=False),
    Column("accounts", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("liability_minor", BigInteger, nullable=False),
    CheckConstraint("single", name="one_row"),
    comment="What all members together have, as a job last added it up.",
)

USES = Table(
    "uses",
    METADATA,
    Column("entry_id", Uuid, ForeignKey("entries.entry_id"), primary_key=True),
    Column("lot_id", Uuid, ForeignKey("lots.lot_id"), primary_key=True),
    Column("points", BigInteger, nullable=False),
    CheckConstraint("points > 0", name="takes_something"),
    Index("ix_uses_lot_id", "lot_id"),
    comment="Which entry took how much of which lot: a lot's granted less its uses is what remains.",
)
