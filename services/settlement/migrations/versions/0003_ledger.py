"""The double-entry ledger and the chain over it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE journal_numbers")
    _accounts()
    _journals()
    _postings()
    _blocks()
    _account_days()
    _account_totals()


def downgrade() -> None:
    for table in ("account_totals", "account_days", "blocks", "postings", "journals", "accounts"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE journal_numbers")


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "code = kind || ':' || coalesce(owner, '') || ':' || currency", name=op.f("ck_accounts_code_says_it")
        ),
        sa.CheckConstraint("code ~ '^[a-z_]+:[A-Za-z0-9_.-]*:[A-Z]{3}$'", name=op.f("ck_accounts_code_is_plain")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("code", name=op.f("uq_accounts_code")),
    )
    op.create_index("ix_accounts_owner_kind", "accounts", ["owner", "kind"], unique=False)


def _journals() -> None:
    op.create_table(
        "journals",
        sa.Column("journal_no", sa.BigInteger(), server_default=sa.text("nextval('journal_numbers')"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("lines", sa.SmallInteger(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("lines >= 0", name=op.f("ck_journals_lines_counted")),
        sa.PrimaryKeyConstraint("journal_no", name=op.f("pk_journals")),
        sa.UniqueConstraint("subject_id", "kind", name="business_key"),
    )
    op.create_index(
        "ix_journals_order_id", "journals", ["order_id"], unique=False, postgresql_where=sa.text("component_id IS NULL")
    )


def _postings() -> None:
    op.create_table(
        "postings",
        sa.Column("journal_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("debit_account", sa.Integer(), nullable=False),
        sa.Column("credit_account", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("party", sa.String(length=10), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_postings_moves_something")),
        sa.CheckConstraint("debit_account <> credit_account", name=op.f("ck_postings_moves_somewhere")),
        sa.CheckConstraint("line > 0", name=op.f("ck_postings_line_counts_from_one")),
        sa.PrimaryKeyConstraint("journal_no", "line", name=op.f("pk_postings")),
    )
    op.create_index(
        "ix_postings_partner_id_posted_on",
        "postings",
        ["partner_id", "posted_on", "journal_no", "line"],
        unique=False,
        postgresql_where=sa.text("partner_id IS NOT NULL"),
    )


def _blocks() -> None:
    op.create_table(
        "blocks",
        sa.Column("block_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("from_no", sa.BigInteger(), nullable=False),
        sa.Column("to_no", sa.BigInteger(), nullable=False),
        sa.Column("journals", sa.Integer(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("octet_length(leaves) = 32 * journals AND journals > 0", name=op.f("ck_blocks_a_leaf_each")),
        sa.CheckConstraint("to_no > from_no AND block_no > 0", name=op.f("ck_blocks_goes_forward")),
        sa.PrimaryKeyConstraint("block_no", name=op.f("pk_blocks")),
        sa.UniqueConstraint("to_no", name=op.f("uq_blocks_to_no")),
    )


def _account_days() -> None:
    op.create_table(
        "account_days",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("debit_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.Column("last_no", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "day", name=op.f("pk_account_days")),
    )


def _account_totals() -> None:
    op.create_table(
        "account_totals",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("debit_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_totals")),
    )
