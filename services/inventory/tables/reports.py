"""Cards that are said not to work, and what replaced them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

from services.inventory.domain.reports import Fault, ReportState
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

# Each card is reported once by each who owns a use of it. Rows stay: they are what is charged back to the batch and whoever sold it to us.
CARD_REPORTS = Table(
    "card_reports",
    METADATA,
    id_column("report_id", primary_key=True),
    id_column("entitlement_id", ForeignKey("entitlements.entitlement_id")),
    id_column("card_id"),
    id_column("batch_id", ForeignKey("card_batches.batch_id")),
    id_column("sku_id"),
    Column("cost_minor", BigInteger, nullable=False, comment="of the reported card: to be charged back"),
    Column("fault", Text, nullable=False),
    Column("reported_by", Text, nullable=False),
    moment_column("reported_at"),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    moment_column("decided_at", nullable=True),
    id_column("new_card_id", nullable=True),
    Column("new_cost_minor", BigInteger),
    Column(
        "uses_dropped",
        SmallInteger,
        nullable=False,
        server_default="0",
        comment="of the reported card, never to be sold",
    ),
    one_of("fault", Fault, name="fault_known"),
    one_of("state", ReportState, name="state_known"),
    CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_moment"),
    CheckConstraint("(state = 'open') = (decided_by IS NULL)", name="decided_has_decider"),
    CheckConstraint("(state = 'replaced') = (new_card_id IS NOT NULL)", name="replaced_has_card"),
    CheckConstraint("(new_card_id IS NULL) = (new_cost_minor IS NULL)", name="new_card_has_cost"),
    UniqueConstraint("card_id", "entitlement_id"),
    Index("ix_card_reports_state", "state", "report_id"),
    Index("ix_card_reports_batch_id", "batch_id", "report_id"),
    Index("ix_card_reports_reported_by", "reported_by", "reported_at"),
    Index("ix_card_reports_entitlement_id", "entitlement_id"),
)
