"""What the risk service keeps. Decisions and the audit trail are written once; rules and lists keep their history."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.database import metadata
from shared.http import idempotency_table
from shared.messaging import inbox_table, outbox_table, parked_table

METADATA = metadata("risk")

OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)
PARKED = parked_table(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("decision_id", Uuid, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("member_id", Uuid),
    Column("ip", String(45), nullable=False),
    Column("device", String(200)),
    Column("phone_hash", String(64)),
    Column("order_id", Uuid),
    Column("entitlement_id", Uuid),
    Column("amount_minor", BigInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("sku_ids", ARRAY(Uuid), nullable=False),
    Column("hits", JSONB, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("writer", Uuid, nullable=False, comment="the process that decided; the others count it too"),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("outcome in ('allow', 'review', 'challenge', 'deny')", name="outcome"),
    CheckConstraint("kind in ('checkout', 'reveal')", name="kind"),
    Index("ix_decisions_member_id", "member_id", "decision_id", postgresql_where=text("member_id is not null")),
    Index("ix_decisions_order_id", "order_id", postgresql_where=text("order_id is not null")),
    Index("ix_decisions_notable", "decision_id", postgresql_where=text("outcome <> 'allow'")),
    comment="decision_id is a UUIDv7: in its order the rows are in the order of time",
)

CASES = Table(
    "cases",
    METADATA,
    Column("case_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False, unique=True),
    Column("member_id", Uuid),
    Column("decision_id", Uuid),
    Column("reasons", ARRAY(Text), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("state", String(20), nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("decided_at", DateTime(timezone=True)),
    Column("decided_by", String(100)),
    Column("note", Text),
    CheckConstraint("state in ('open', 'released', 'denied', 'moot')", name="state"),
    CheckConstraint("(state = 'open') = (decided_at is null)", name="decided_once"),
    CheckConstraint("state not in ('released', 'denied') or note <> ''", name="verdict_has_note"),
    Index("ix_cases_open", "case_id", postgresql_where=text("state = 'open'")),
    Index("ix_cases_state", "state", "case_id"),
)

LIST_ENTRIES = Table(
    "list_entries",
    METADATA,
    Column("entry_id", Uuid, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("value", String(200), nullable=False),
    Column("action", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("removed_at", DateTime(timezone=True)),
    Column("revision", BigInteger, nullable=False, comment="grows with every change of any entry, in commit order"),
    CheckConstraint("kind in ('member', 'device', 'ip', 'cidr', 'phone_hash')", name="kind"),
    CheckConstraint("action in ('deny', 'review', 'allow')", name="action"),
    Index("uq_list_entries_kind_value", "kind", "value", unique=True, postgresql_where=text("removed_at is null")),
    Index("uq_list_entries_revision", "revision", unique=True),
)

RULE_SETS = Table(
    "rule_sets",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("rules", JSONB, nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", String(100), nullable=False),
    CheckConstraint("version > 0", name="version"),
)

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("member_id", Uuid, primary_key=True),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("ix_accounts_recorded_at", "recorded_at"),
    comment="young accounts only; old ones are pruned",
)

REVEALS = Table(
    "reveals",
    METADATA,
    Column("entitlement_id", Uuid, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("revealed_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False, server_default=text("now()")),
    Index("ix_reveals_recorded_at", "recorded_at"),
    comment="first reveals by members; pruned once they are older than any window",
)

AUDIT = Table(
    "audit_entries",
    METADATA,
    Column("entry_id", Uuid, primary_key=True),
    Column("action", String(40), nullable=False),
    Column("subject", String(100), nullable=False, comment="the case, list entry or rule set it was done to"),
    Column("operator", String(100), nullable=False),
    Column("note", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=False),
    Index("ix_audit_entries_subject", "subject", "entry_id"),
    comment="append-only: a trigger refuses to change or delete",
)
