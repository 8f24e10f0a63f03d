"""The tables of the risk service; its audit trail refuses to be changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""
GUARD = """
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_accounts")),
        comment="young accounts only; old ones are pruned",
    )
    op.create_index("ix_accounts_recorded_at", "accounts", ["recorded_at"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column(
            "subject", sa.String(length=100), nullable=False, comment="the case, list entry or rule set it was done to"
        ),
        sa.Column("operator", sa.String(length=100), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_entries")),
        comment="append-only: a trigger refuses to change or delete",
    )
    op.create_index("ix_audit_entries_subject", "audit_entries", ["subject", "entry_id"], unique=False)
    op.create_table(
        "cases",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("reasons", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=100), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_at is null)", name=op.f("ck_cases_decided_once")),
        sa.CheckConstraint("state in ('open', 'released', 'denied', 'moot')", name=op.f("ck_cases_state")),
        sa.CheckConstraint("state not in ('released', 'denied') or note <> ''", name=op.f("ck_cases_verdict_has_note")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_cases")),
        sa.UniqueConstraint("order_id", name=op.f("uq_cases_order_id")),
    )
    op.create_index("ix_cases_open", "cases", ["case_id"], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_index("ix_cases_state", "cases", ["state", "case_id"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("device", sa.String(length=200), nullable=True),
        sa.Column("phone_hash", sa.String(length=64), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("sku_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("hits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("writer", sa.Uuid(), nullable=False, comment="the process that decided; the others count it too"),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('checkout', 'reveal')", name=op.f("ck_decisions_kind")),
        sa.CheckConstraint("outcome in ('allow', 'review', 'challenge', 'deny')", name=op.f("ck_decisions_outcome")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decisions")),
        comment="decision_id is a UUIDv7: in its order the rows are in the order of time",
    )
    op.create_index(
        "ix_decisions_member_id",
        "decisions",
        ["member_id", "decision_id"],
        unique=False,
        postgresql_where=sa.text("member_id is not null"),
    )
    op.create_index(
        "ix_decisions_notable",
        "decisions",
        ["decision_id"],
        unique=False,
        postgresql_where=sa.text("outcome <> 'allow'"),
    )
    op.create_index(
        "ix_decisions_order_id",
        "decisions",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id is not null"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "list_entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "revision", sa.BigInteger(), nullable=False, comment="grows with every change of any entry, in commit order"
        ),
        sa.CheckConstraint("action in ('deny', 'review', 'allow')", name=op.f("ck_list_entries_action")),
        sa.CheckConstraint(
            "kind in ('member', 'device', 'ip', 'cidr', 'phone_hash')", name=op.f("ck_list_entries_kind")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_list_entries")),
    )
    op.create_index(
        "uq_list_entries_kind_value",
        "list_entries",
        ["kind", "value"],
        unique=True,
        postgresql_where=sa.text("removed_at is null"),
    )
    op.create_index("uq_list_entries_revision", "list_entries", ["revision"], unique=True)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("dataschema", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_unpublished", "outbox", ["id"], unique=False, postgresql_where=sa.text("published_at IS NULL")
    )
    op.create_table(
        "outbox_positions",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("last_offset", sa.BigInteger(), nullable=False),
        sa.Column("cluster_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("topic", "partition", name=op.f("pk_outbox_positions")),
    )
    op.create_table(
        "outbox_refill",
        sa.Column("id", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("next_id", sa.BigInteger(), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_outbox_refill_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_refill")),
    )
    op.create_table(
        "parked_records",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("record_offset", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("dataschema", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('parked', 'waiting', 'replayed', 'skipped')", name=op.f("ck_parked_records_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_records")),
    )
    op.create_index(
        "ix_parked_records_open",
        "parked_records",
        ["consumer", "topic", "key", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('parked', 'waiting')"),
    )
    op.create_table(
        "reveals",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_reveals")),
        comment="first reveals by members; pruned once they are older than any window",
    )
    op.create_index("ix_reveals_recorded_at", "reveals", ["recorded_at"], unique=False)
    op.create_table(
        "rule_sets",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_rule_sets_version")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rule_sets")),
    )
    op.execute(REFUSE)
    op.execute(GUARD)


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_entries_append_only ON audit_entries")
    op.execute("DROP FUNCTION refuse_change()")
    op.drop_table("rule_sets")
    op.drop_index("ix_reveals_recorded_at", table_name="reveals")
    op.drop_table("reveals")
    op.drop_index(
        "ix_parked_records_open",
        table_name="parked_records",
        postgresql_where=sa.text("state IN ('parked', 'waiting')"),
    )
    op.drop_table("parked_records")
    op.drop_table("outbox_refill")
    op.drop_table("outbox_positions")
    op.drop_index("ix_outbox_unpublished", table_name="outbox", postgresql_where=sa.text("published_at IS NULL"))
    op.drop_table("outbox")
    op.drop_index("uq_list_entries_revision", table_name="list_entries")
    op.drop_index(
        "uq_list_entries_kind_value", table_name="list_entries", postgresql_where=sa.text("removed_at is null")
    )
    op.drop_table("list_entries")
    op.drop_table("inbox")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_index("ix_decisions_order_id", table_name="decisions", postgresql_where=sa.text("order_id is not null"))
    op.drop_index("ix_decisions_notable", table_name="decisions", postgresql_where=sa.text("outcome <> 'allow'"))
    op.drop_index("ix_decisions_member_id", table_name="decisions", postgresql_where=sa.text("member_id is not null"))
    op.drop_table("decisions")
    op.drop_index("ix_cases_state", table_name="cases")
    op.drop_index("ix_cases_open", table_name="cases", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("cases")
    op.drop_index("ix_audit_entries_subject", table_name="audit_entries")
    op.drop_table("audit_entries")
    op.drop_index("ix_accounts_recorded_at", table_name="accounts")
    op.drop_table("accounts")
