"""The points ledger: rules, accounts, accruals, entries, lots."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FIRST_RULE = """
INSERT INTO rules (version, points, per_minor, cost_minor, cost_points, effective_from, created_by, created_at)
VALUES (1, 1, 100, 1, 1, '2000-01-01T00:00:00Z', 'migration', now())
"""
REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the table % is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
"""
APPEND_ONLY = ("rules", "entries", "uses")


def upgrade() -> None:
    _accounts()
    _figures()
    _reversals()
    _rules()
    _accruals()
    _entries()
    _lots()
    _uses()
    _append_only()
    op.execute(FIRST_RULE)


def downgrade() -> None:
    for table in ("uses", "lots", "entries", "accruals", "rules", "reversals", "figures", "accounts"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("available", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("pending", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("debt", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("balance", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("available >= 0 AND pending >= 0 AND debt >= 0", name=op.f("ck_accounts_never_negative")),
        sa.CheckConstraint("balance = available + pending - debt", name=op.f("ck_accounts_balance_is_the_whole")),
        sa.CheckConstraint("debt = 0 OR available + pending = 0", name=op.f("ck_accounts_owes_only_with_nothing_left")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_accounts")),
    )


def _figures() -> None:
    op.create_table(
        "figures",
        sa.Column("single", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("measured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("debt", sa.BigInteger(), nullable=False),
        sa.Column("liability_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("single", name=op.f("ck_figures_one_row")),
        sa.PrimaryKeyConstraint("single", name=op.f("pk_figures")),
        comment="What all members together have, as a job last added it up.",
    )


def _reversals() -> None:
    op.create_table(
        "reversals",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("component_id", "refund_id", name=op.f("pk_reversals")),
        comment="Which refund has been answered for which component.",
    )


def _rules() -> None:
    op.create_table(
        "rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("per_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("cost_points", sa.BigInteger(), nullable=False),
        sa.Column("effective_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("cost_minor >= 0 AND cost_points > 0", name=op.f("ck_rules_cost_rate")),
        sa.CheckConstraint("points >= 0 AND per_minor > 0", name=op.f("ck_rules_earning_rate")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_rules")),
    )


def _accruals() -> None:
    op.create_table(
        "accruals",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("accrued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(points > 0) = (lot_id IS NOT NULL)", name=op.f("ck_accruals_points_have_a_lot")),
        sa.CheckConstraint("points >= 0 AND cost_minor >= 0", name=op.f("ck_accruals_never_negative")),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_accruals")),
        comment="One row per component that was issued or revoked: the second wall against counting it twice.",
    )


def _entries() -> None:
    op.create_table(
        "entries",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.Column("settled", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("component_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("operator", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points <> 0 AND sequence > 0", name=op.f("ck_entries_says_something")),
        sa.CheckConstraint("kind IN ('earn', 'reverse', 'expire', 'adjust')", name=op.f("ck_entries_known_kind")),
        sa.ForeignKeyConstraint(["member_id"], ["accounts.member_id"], name=op.f("fk_entries_member_id")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entries")),
        sa.UniqueConstraint("member_id", "sequence", name="uq_entries_member_sequence"),
        comment="Append-only ledger, in order per member. `settled`: went into debt at once; negative: became debt.",
    )
    op.create_index(
        "uq_entries_component_kind",
        "entries",
        ["component_id", "kind"],
        unique=True,
        postgresql_where=sa.text("component_id IS NOT NULL AND kind IN ('earn', 'reverse')"),
    )


def _lots() -> None:
    op.create_table(
        "lots",
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=True),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "remaining = 0 OR state IN ('pending', 'available')", name=op.f("ck_lots_ended_lots_are_empty")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'available', 'expired', 'reversed')", name=op.f("ck_lots_known_state")
        ),
        sa.CheckConstraint("granted > 0 AND remaining >= 0 AND expired >= 0", name=op.f("ck_lots_never_negative")),
        sa.CheckConstraint("remaining + expired <= granted", name=op.f("ck_lots_within_granted")),
        sa.ForeignKeyConstraint(["member_id"], ["accounts.member_id"], name=op.f("fk_lots_member_id")),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("pk_lots")),
    )
    op.create_index("ix_lots_open", "lots", ["member_id"], unique=False, postgresql_where=sa.text("remaining > 0"))
    op.create_index(
        "ix_lots_to_activate", "lots", ["available_at"], unique=False, postgresql_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "ix_lots_to_expire", "lots", ["expires_at"], unique=False, postgresql_where=sa.text("remaining > 0")
    )


def _uses() -> None:
    op.create_table(
        "uses",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_uses_takes_something")),
        sa.ForeignKeyConstraint(["entry_id"], ["entries.entry_id"], name=op.f("fk_uses_entry_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.lot_id"], name=op.f("fk_uses_lot_id")),
        sa.PrimaryKeyConstraint("entry_id", "lot_id", name=op.f("pk_uses")),
        comment="Which entry took how much of which lot: a lot's granted less its uses is what remains.",
    )
    op.create_index("ix_uses_lot_id", "uses", ["lot_id"], unique=False)


def _append_only() -> None:
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
