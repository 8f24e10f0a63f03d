"""After-sale tickets. What people write and show is sealed under a data key of the ticket's own."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from services.order.domain.tickets import Author, Resolution, TicketKind, TicketReason, TicketStatus
from services.order.tables.base import ID, METADATA, MOMENT, one_of

_ACTIVE = "status IN ('open', 'waiting_for_shop', 'waiting_for_buyer', 'replacing')"

TICKETS = Table(
    "tickets",
    METADATA,
    Column("ticket_id", ID, primary_key=True),
    Column("order_id", ID, nullable=False, index=True),
    Column("line_id", ID, nullable=False),
    Column("component_id", ID),
    # The component, else the line: one ticket at a time is open for it.
    Column("subject_id", ID, nullable=False),
    Column("entitlement_id", ID),
    Column("member_id", ID),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("opened_at", MOMENT, nullable=False),
    Column("due_at", MOMENT),
    Column("step_at", MOMENT),
    Column("step_tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("escalated_at", MOMENT),
    Column("assigned_to", Text),
    Column("resolution", Text),
    Column("resolved_by", Text),
    Column("resolved_at", MOMENT),
    Column("refund_id", ID),
    Column("score", SmallInteger),
    Column("comment", LargeBinary),
    Column("kek_version", Integer, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    ForeignKeyConstraint(["order_id", "line_id"], ["order_lines.order_id", "order_lines.line_id"]),
    CheckConstraint(one_of("kind", TicketKind), name="kind_known"),
    CheckConstraint(one_of("reason", TicketReason), name="reason_known"),
    CheckConstraint(one_of("status", TicketStatus), name="status_known"),
    CheckConstraint(one_of("resolution", Resolution), name="resolution_known"),
    CheckConstraint(f"resolution IS NULL OR NOT ({_ACTIVE})", name="one_outcome"),
    CheckConstraint("(resolution = 'refund') = (refund_id IS NOT NULL)", name="refund_named"),
    CheckConstraint("score BETWEEN 1 AND 5", name="score_in_range"),
    Index("uq_tickets_active", "subject_id", unique=True, postgresql_where=text(_ACTIVE)),
    Index("ix_tickets_status", "status", "due_at", postgresql_where=text("status <> 'closed'")),
    Index("ix_tickets_step_at", "step_at", postgresql_where=text("step_at IS NOT NULL")),
    Index("ix_tickets_resolved_at", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
)

TICKET_MESSAGES = Table(
    "ticket_messages",
    METADATA,
    Column("message_id", ID, primary_key=True),
    Column("ticket_id", ID, ForeignKey("tickets.ticket_id"), nullable=False, index=True),
    Column("author", Text, nullable=False),
    Column("operator", Text),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", MOMENT, nullable=False),
    CheckConstraint(one_of("author", Author), name="author_known"),
    CheckConstraint("(author = 'shop') = (operator IS NOT NULL)", name="shop_named"),
)

TICKET_EVIDENCE = Table(
    "ticket_evidence",
    METADATA,
    Column("evidence_id", ID, primary_key=True),
    Column("ticket_id", ID, ForeignKey("tickets.ticket_id"), nullable=False, index=True),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", MOMENT, nullable=False),
    CheckConstraint("size_bytes > 0", name="not_empty"),
)

# The audit of looks by operators: rows are only ever added.
EVIDENCE_LOOKS = Table(
    "evidence_looks",
    METADATA,
    Column("look_id", ID, primary_key=True),
    Column("evidence_id", ID, ForeignKey("ticket_evidence.evidence_id"), nullable=False, index=True),
    Column("operator", Text, nullable=False),
    Column("at", MOMENT, nullable=False),
)
