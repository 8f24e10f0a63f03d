"""The double-entry ledger. Journals, postings, accounts and blocks are append-only by trigger.

A posting holds one amount with the account it debits and the account it credits, so it balances by construction.
Triggers of the first migration see that a journal is written whole in one statement, that its accounts exist and have
its currency, and that a writer has its transaction id before it draws a journal number (the seal relies on that).
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    Uuid,
)

from services.settlement.tables.metadata import METADATA

ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("account_id", Integer, Identity(always=True), primary_key=True),
    Column("code", String(120), nullable=False, unique=True),
    Column("kind", String(30), nullable=False),
    Column("owner", String(60)),
    Column("currency", String(3), nullable=False),
    CheckConstraint(
        "code ~ '^[a-z_]+:[A-Za-z0-9_.-]*:[A-Z]{3}$'", name="code_is_plain"
    ),  # the chain joins codes by signs
    CheckConstraint("code = kind || ':' || coalesce(owner, '') || ':' || currency", name="code_says_it"),
    Index("ix_accounts_owner_kind", "owner", "kind"),
)

# CACHE 1, PostgreSQL's default, must stay: a number handed out later is larger than every number handed out before.
JOURNAL_NUMBERS = Sequence("journal_numbers", metadata=METADATA)

JOURNALS = Table(
    "journals",
    METADATA,
    Column("journal_no", BigInteger, JOURNAL_NUMBERS, server_default=JOURNAL_NUMBERS.next_value(), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("order_id", Uuid),  # NULL where no order is the cause
    Column("component_id", Uuid),
    Column("currency", String(3), nullable=False),
    Column("lines", SmallInteger, nullable=False),
    Column("posted_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("subject_id", "kind", name="business_key"),
    CheckConstraint("lines >= 0", name="lines_counted"),
)
# Journals of a component are found by their business key; only those of a whole order need an index of their own.
Index("ix_journals_order_id", JOURNALS.c.order_id, postgresql_where=JOURNALS.c.component_id.is_(None))

# `posted_on` is the day of `posted_at` in Shanghai; `partner_id` and `party` mark a movement on a partner's account.
POSTINGS = Table(
    "postings",
    METADATA,
    Column("journal_no", BigInteger, primary_key=True, autoincrement=False),
    Column("line", SmallInteger, primary_key=True, autoincrement=False),
    Column("debit_account", Integer, nullable=False),
    Column("credit_account", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("posted_on", Date, nullable=False),
    Column("partner_id", Uuid),
    Column("party", String(10)),
    CheckConstraint("amount_minor > 0", name="moves_something"),
    CheckConstraint("debit_account <> credit_account", name="moves_somewhere"),
    CheckConstraint("line > 0", name="line_counts_from_one"),
)
Index(
    "ix_postings_partner_id_posted_on",
    POSTINGS.c.partner_id,
    POSTINGS.c.posted_on,
    POSTINGS.c.journal_no,
    POSTINGS.c.line,
    postgresql_where=POSTINGS.c.partner_id.is_not(None),
)

# A block seals the journals numbered in (from_no, to_no]; `leaves` holds their 32-byte hashes in order of number.
BLOCKS = Table(
    "blocks",
    METADATA,
    Column("block_no", BigInteger, primary_key=True, autoincrement=False),
    Column("from_no", BigInteger, nullable=False),
    Column("to_no", BigInteger, nullable=False, unique=True),
    Column("journals", Integer, nullable=False),
    Column("leaves", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(leaves) = 32 * journals AND journals > 0", name="a_leaf_each"),
    CheckConstraint("to_no > from_no AND block_no > 0", name="goes_forward"),
)

# What the sealed journals moved, by account and day, and by account: derived, written by the sealer alone, so that no
# balance is a row that writers would have to wait for.
ACCOUNT_DAYS = Table(
    "account_days",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("day", Date, primary_key=True),
    Column("debit_minor", BigInteger, nullable=False),
    Column("credit_minor", BigInteger, nullable=False),
    Column("last_no", BigInteger, nullable=False),
)

ACCOUNT_TOTALS = Table(
    "account_totals",
    METADATA,
    Column("account_id", Integer, primary_key=True, autoincrement=False),
    Column("debit_minor", BigInteger, nullable=False),
    Column("credit_minor", BigInteger, nullable=False),
)
