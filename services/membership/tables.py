"""What the membership service keeps. Phone, e-mail and one-time-password secrets are sealed; passwords and tokens hashed."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database import metadata
from shared.http import idempotency_table
from shared.messaging import inbox_table, outbox_table, parked_table

METADATA = metadata("membership")

OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)
PARKED = parked_table(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)

MEMBERS = Table(
    "members",
    METADATA,
    Column("member_id", Uuid, primary_key=True),
    Column("phone_index", LargeBinary),
    Column("phone_sealed", LargeBinary),
    Column("email_index", LargeBinary),
    Column("email_sealed", LargeBinary),
    Column("wechat_index", LargeBinary),
    Column("wechat_sealed", LargeBinary),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped_dek", LargeBinary, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("invite_code", Text, nullable=False),
    Column("invited_by", Uuid, ForeignKey("members.member_id")),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("phone_index"),
    UniqueConstraint("email_index"),
    UniqueConstraint("wechat_index"),
    UniqueConstraint("invite_code"),
    CheckConstraint("num_nonnulls(phone_index, email_index) > 0", name="can_be_found"),
    CheckConstraint("(phone_index IS NULL) = (phone_sealed IS NULL)", name="phone_whole"),
    CheckConstraint("(email_index IS NULL) = (email_sealed IS NULL)", name="email_whole"),
    CheckConstraint("(wechat_index IS NULL) = (wechat_sealed IS NULL)", name="wechat_whole"),
    Index("ix_members_registered_at", "registered_at"),
)

OPERATORS = Table(
    "operators",
    METADATA,
    Column("operator_id", Uuid, primary_key=True),
    Column("login", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped_dek", LargeBinary, nullable=False),
    Column("totp_sealed", LargeBinary, nullable=False),
    Column("totp_step", BigInteger, nullable=False, server_default="0", comment="the last 30 s step that was used"),
    Column("roles", ARRAY(Text), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("login"),
)

FAILED_ATTEMPTS = Table(
    "failed_attempts",
    METADATA,
    Column("account_index", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("locked_until", DateTime(timezone=True)),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Index("ix_failed_attempts_last_at", "last_at"),
    comment="By a blind index of whatever was given as the account, so that unknown accounts lock as known ones do.",
)

SESSIONS = Table(
    "sessions",
    METADATA,
    Column("session_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("end_reason", Text),
    CheckConstraint("kind IN ('buyer', 'operator')", name="known_kind"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ends_for_a_reason"),
    Index("ix_sessions_expires_at", "expires_at"),
)

REFRESH_TOKENS = Table(
    "refresh_tokens",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("session_id", Uuid, ForeignKey("sessions.session_id", ondelete="CASCADE"), nullable=False),
    Column("predecessor", LargeBinary),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("used_at", DateTime(timezone=True)),
    Column("salt", LargeBinary),
    CheckConstraint("salt IS NULL OR used_at IS NOT NULL", name="salt_of_used_ones"),
    Index("ix_refresh_tokens_session_id", "session_id"),
)

TIER_TABLES = Table(
    "tier_tables",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
)

TIERS = Table(
    "tiers",
    METADATA,
    Column("version", Integer, ForeignKey("tier_tables.version"), primary_key=True, autoincrement=False),
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("threshold_minor", BigInteger, nullable=False),
    Column("price_bp", SmallInteger, nullable=False),
    UniqueConstraint("version", "threshold_minor"),
    CheckConstraint("threshold_minor >= 0 AND price_bp > 0 AND price_bp <= 10000", name="in_range"),
)

STANDINGS = Table(
    "standings",
    METADATA,
    Column("member_id", Uuid, ForeignKey("members.member_id"), primary_key=True),
    Column("tier_code", Text, nullable=False),
    Column("price_bp", SmallInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("spend_minor", BigInteger, nullable=False),
    Column("downgrade_at", DateTime(timezone=True)),
    Column("table_version", Integer, ForeignKey("tier_tables.version"), nullable=False),
    CheckConstraint("sequence > 0", name="told_at_least_once"),
    Index("ix_standings_downgrade_at", "downgrade_at", postgresql_where=text("downgrade_at IS NOT NULL")),
    Index("ix_standings_table_version", "table_version"),
    Index("ix_standings_tier_code", "tier_code"),
    comment="What the others were last told of each member, and his spend within the window: the sum of spend_days.",
)

ORDERS = Table(
    "orders",
    METADATA,
    Column("order_id", Uuid, primary_key=True),
    Column("member_id", Uuid, nullable=False),
    Column("paid_on", Date, comment="business day; empty while only its refund is known"),
    Column("paid_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("held", Boolean, nullable=False),
    CheckConstraint("paid_minor >= 0 AND refunded_minor >= 0", name="never_negative"),
    Index("ix_orders_paid_on", "paid_on"),
    comment="What each order of the window has brought: the second wall against counting it twice.",
)

REFUNDS = Table(
    "refunds",
    METADATA,
    Column("refund_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("member_id", Uuid, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("noted_at", DateTime(timezone=True), nullable=False),
    Index("ix_refunds_noted_at", "noted_at"),
)

SPEND_DAYS = Table(
    "spend_days",
    METADATA,
    Column("member_id", Uuid, ForeignKey("standings.member_id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),
    Index("ix_spend_days_day", "day"),
    comment="Spend by business day, for as long as the day is within the window.",
)
