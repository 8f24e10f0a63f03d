"""Partners' statements: the figures; the lines are the ledger's postings up to `through_no`."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.settlement.tables.metadata import METADATA
from services.settlement.tables.partners import PARTNERS

STATEMENTS = Table(
    "statements",
    METADATA,
    Column("statement_id", Uuid, primary_key=True),
    Column("partner_id", ForeignKey(PARTNERS.c.partner_id), nullable=False),
    Column("partner_name", String(100), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("period", String(10), nullable=False),
    Column("from_day", Date, nullable=False),
    Column("to_day", Date, nullable=False),  # half-open: the first day after
    Column("revision", Integer, nullable=False),  # 0: provisional
    Column("through_no", BigInteger, nullable=False),
    Column("block_no", BigInteger),
    Column("block_hash", LargeBinary),
    Column("opening_payable_minor", BigInteger, nullable=False),
    Column("moved_payable_minor", BigInteger, nullable=False),
    Column("closing_payable_minor", BigInteger, nullable=False),
    Column("opening_deferred_minor", BigInteger, nullable=False),
    Column("moved_deferred_minor", BigInteger, nullable=False),
    Column("closing_deferred_minor", BigInteger, nullable=False),
    Column("movements", JSONB, nullable=False),
    Column("files", JSONB, nullable=False),  # by format: SHA-256 and size
    Column("drawn_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("opening_payable_minor + moved_payable_minor = closing_payable_minor", name="payable_ties"),
    CheckConstraint("opening_deferred_minor + moved_deferred_minor = closing_deferred_minor", name="deferred_ties"),
    CheckConstraint("to_day > from_day", name="half_open"),
    CheckConstraint("revision = 0 OR through_no = 0 OR block_no IS NOT NULL", name="final_is_sealed"),
)
Index(
    "uq_statements_revision",
    STATEMENTS.c.partner_id,
    STATEMENTS.c.period,
    STATEMENTS.c.currency,
    STATEMENTS.c.revision,
    unique=True,
    postgresql_where=STATEMENTS.c.revision > 0,
)
Index(
    "uq_statements_provisional",
    STATEMENTS.c.partner_id,
    STATEMENTS.c.period,
    STATEMENTS.c.currency,
    STATEMENTS.c.through_no,
    unique=True,
    postgresql_where=STATEMENTS.c.revision == 0,
)
