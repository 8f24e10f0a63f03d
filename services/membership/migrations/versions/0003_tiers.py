"""Tiers, standings and the spend they follow."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

FIRST_TABLE = "INSERT INTO tier_tables (version, created_by, created_at) VALUES (1, 'migration', now())"
FIRST_TIERS = """
INSERT INTO tiers (version, code, name, threshold_minor, price_bp)
VALUES (1, 'regular', '普通会员', 0, 10000),
       (1, 'silver', '银卡会员', 100000, 9500),
       (1, 'gold', '黄金会员', 500000, 9000),
       (1, 'platinum', '铂金会员', 2000000, 8500)
"""


def upgrade() -> None:
    _tier_tables()
    _standings()
    _tiers()
    _orders()
    _refunds()
    _spend_days()
    op.execute(FIRST_TABLE)
    op.execute(FIRST_TIERS)


def downgrade() -> None:
    for table in ("spend_days", "refunds", "orders", "tiers", "standings", "tier_tables"):
        op.drop_table(table)


def _tier_tables() -> None:
    op.create_table(
        "tier_tables",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_tier_tables")),
    )


def _standings() -> None:
    op.create_table(
        "standings",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("tier_code", sa.Text(), nullable=False),
        sa.Column("price_bp", sa.SmallInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("spend_minor", sa.BigInteger(), nullable=False),
        sa.Column("downgrade_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("table_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_standings_told_at_least_once")),
        sa.ForeignKeyConstraint(["member_id"], ["members.member_id"], name=op.f("fk_standings_member_id")),
        sa.ForeignKeyConstraint(["table_version"], ["tier_tables.version"], name=op.f("fk_standings_table_version")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_standings")),
        comment="What the others were last told of each member, and his spend within the window: the sum of spend_days.",
    )
    op.create_index(
        "ix_standings_downgrade_at",
        "standings",
        ["downgrade_at"],
        unique=False,
        postgresql_where=sa.text("downgrade_at IS NOT NULL"),
    )
    op.create_index("ix_standings_table_version", "standings", ["table_version"], unique=False)
    op.create_index("ix_standings_tier_code", "standings", ["tier_code"], unique=False)


def _tiers() -> None:
    op.create_table(
        "tiers",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("threshold_minor", sa.BigInteger(), nullable=False),
        sa.Column("price_bp", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "threshold_minor >= 0 AND price_bp > 0 AND price_bp <= 10000", name=op.f("ck_tiers_in_range")
        ),
        sa.ForeignKeyConstraint(["version"], ["tier_tables.version"], name=op.f("fk_tiers_version")),
        sa.PrimaryKeyConstraint("version", "code", name=op.f("pk_tiers")),
        sa.UniqueConstraint("version", "threshold_minor", name=op.f("uq_tiers_version_threshold_minor")),
    )


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True, comment="business day; empty while only its refund is known"),
        sa.Column("paid_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.CheckConstraint("paid_minor >= 0 AND refunded_minor >= 0", name=op.f("ck_orders_never_negative")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
        comment="What each order of the window has brought: the second wall against counting it twice.",
    )
    op.create_index("ix_orders_paid_on", "orders", ["paid_on"], unique=False)


def _refunds() -> None:
    op.create_table(
        "refunds",
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("refund_id", name=op.f("pk_refunds")),
    )
    op.create_index("ix_refunds_noted_at", "refunds", ["noted_at"], unique=False)


def _spend_days() -> None:
    op.create_table(
        "spend_days",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["standings.member_id"], name=op.f("fk_spend_days_member_id")),
        sa.PrimaryKeyConstraint("member_id", "day", name=op.f("pk_spend_days")),
        comment="Spend by business day, for as long as the day is within the window.",
    )
    op.create_index("ix_spend_days_day", "spend_days", ["day"], unique=False)
