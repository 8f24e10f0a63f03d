"""After-sale tickets, and the messages that tell of them."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

ACTIVE = "status IN ('open', 'waiting_for_shop', 'waiting_for_buyer', 'replacing')"
OCCASION = "ck_messages_occasion_known"
BEFORE = "'fulfilled', 'unavailable', 'refunded', 'expiring'"
AFTER = f"{BEFORE}, 'ticket_answered', 'ticket_resolved'"


def upgrade() -> None:
    _know(AFTER)
    _tickets()
    _messages()
    _evidence()


def downgrade() -> None:
    for table in ("evidence_looks", "ticket_evidence", "ticket_messages", "tickets"):
        op.drop_table(table)
    _know(BEFORE)


def _know(occasions: str) -> None:
    op.drop_constraint(op.f(OCCASION), "messages", type_="check")
    op.create_check_constraint(op.f(OCCASION), "messages", f"occasion IN ({occasions})")


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("ticket_id", sa.UUID(), nullable=False),
        sa.Column("order_id", sa.UUID(), nullable=False),
        sa.Column("line_id", sa.UUID(), nullable=False),
        sa.Column("component_id", sa.UUID(), nullable=True),
        sa.Column("subject_id", sa.UUID(), nullable=False),
        sa.Column("entitlement_id", sa.UUID(), nullable=True),
        sa.Column("member_id", sa.UUID(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("step_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("step_tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refund_id", sa.UUID(), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=True),
        sa.Column("comment", sa.LargeBinary(), nullable=True),
        sa.Column("kek_version", sa.Integer(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("kind IN ('refund', 'replacement', 'question')", name=op.f("ck_tickets_kind_known")),
        sa.CheckConstraint(
            "reason IN ('invalid', 'already_used', 'wrong_goods', 'not_received', 'not_needed', 'other')",
            name=op.f("ck_tickets_reason_known"),
        ),
        sa.CheckConstraint(
            "status IN ('open', 'waiting_for_shop', 'waiting_for_buyer', 'replacing', 'resolved', 'closed')",
            name=op.f("ck_tickets_status_known"),
        ),
        sa.CheckConstraint(
            "resolution IN ('replacement', 'refund', 'refused')", name=op.f("ck_tickets_resolution_known")
        ),
        sa.CheckConstraint(f"resolution IS NULL OR NOT ({ACTIVE})", name=op.f("ck_tickets_one_outcome")),
        sa.CheckConstraint("(resolution = 'refund') = (refund_id IS NOT NULL)", name=op.f("ck_tickets_refund_named")),
        sa.CheckConstraint("score BETWEEN 1 AND 5", name=op.f("ck_tickets_score_in_range")),
        sa.ForeignKeyConstraint(
            ["order_id", "line_id"],
            ["order_lines.order_id", "order_lines.line_id"],
            name=op.f("fk_tickets_order_id_line_id_order_lines"),
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_tickets")),
    )
    op.create_index(op.f("ix_tickets_order_id"), "tickets", ["order_id"])
    op.create_index("uq_tickets_active", "tickets", ["subject_id"], unique=True, postgresql_where=sa.text(ACTIVE))
    op.create_index(
        "ix_tickets_status", "tickets", ["status", "due_at"], postgresql_where=sa.text("status <> 'closed'")
    )
    op.create_index("ix_tickets_step_at", "tickets", ["step_at"], postgresql_where=sa.text("step_at IS NOT NULL"))
    op.create_index(
        "ix_tickets_resolved_at", "tickets", ["resolved_at"], postgresql_where=sa.text("resolved_at IS NOT NULL")
    )


def _messages() -> None:
    op.create_table(
        "ticket_messages",
        sa.Column("message_id", sa.UUID(), nullable=False),
        sa.Column("ticket_id", sa.UUID(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("author IN ('buyer', 'shop', 'system')", name=op.f("ck_ticket_messages_author_known")),
        sa.CheckConstraint("(author = 'shop') = (operator IS NOT NULL)", name=op.f("ck_ticket_messages_shop_named")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.ticket_id"], name=op.f("fk_ticket_messages_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_ticket_messages")),
    )
    op.create_index(op.f("ix_ticket_messages_ticket_id"), "ticket_messages", ["ticket_id"])


def _evidence() -> None:
    op.create_table(
        "ticket_evidence",
        sa.Column("evidence_id", sa.UUID(), nullable=False),
        sa.Column("ticket_id", sa.UUID(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("size_bytes > 0", name=op.f("ck_ticket_evidence_not_empty")),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["tickets.ticket_id"], name=op.f("fk_ticket_evidence_ticket_id_tickets")
        ),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_ticket_evidence")),
    )
    op.create_index(op.f("ix_ticket_evidence_ticket_id"), "ticket_evidence", ["ticket_id"])
    op.create_table(
        "evidence_looks",
        sa.Column("look_id", sa.UUID(), nullable=False),
        sa.Column("evidence_id", sa.UUID(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["ticket_evidence.evidence_id"], name=op.f("fk_evidence_looks_evidence_id_ticket_evidence")
        ),
        sa.PrimaryKeyConstraint("look_id", name=op.f("pk_evidence_looks")),
    )
    op.create_index(op.f("ix_evidence_looks_evidence_id"), "evidence_looks", ["evidence_id"])
