"""What suppliers list and what is left with them: prices, stock, balance, and what a change of price leads to."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "supplier_skus",
        sa.Column("price_rule", sa.Text(), server_default="alert", nullable=False, comment="when its cost changes"),
    )
    op.add_column("supplier_skus", sa.Column("margin_bp", sa.Integer(), nullable=True, comment="of reprice"))
    op.add_column("supplier_skus", sa.Column("stock", sa.Integer(), nullable=True, comment="as the supplier says"))
    op.create_check_constraint(
        op.f("ck_supplier_skus_price_rule_known"), "supplier_skus", "price_rule IN ('alert', 'pause', 'reprice')"
    )
    op.create_check_constraint(
        op.f("ck_supplier_skus_reprice_has_margin"), "supplier_skus", "price_rule <> 'reprice' OR margin_bp IS NOT NULL"
    )
    op.add_column("suppliers", sa.Column("sync_due_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("suppliers", sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("suppliers", sa.Column("pushed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("suppliers", sa.Column("balance_minor", sa.BigInteger(), nullable=True))
    op.add_column("suppliers", sa.Column("low_balance_minor", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for column in ("low_balance_minor", "balance_minor", "pushed_at", "synced_at", "sync_due_at"):
        op.drop_column("suppliers", column)
    op.drop_constraint(op.f("ck_supplier_skus_reprice_has_margin"), "supplier_skus")
    op.drop_constraint(op.f("ck_supplier_skus_price_rule_known"), "supplier_skus")
    for column in ("stock", "margin_bp", "price_rule"):
        op.drop_column("supplier_skus", column)
