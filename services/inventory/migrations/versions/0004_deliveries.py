"""What became of each component; the audit of reveals refuses to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
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
CREATE TRIGGER reveals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON reveals
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""


def upgrade() -> None:
    _deliveries()
    _entitlements()
    _reveals()
    _redemptions()
    op.execute(REFUSE)
    op.execute(GUARD)


def downgrade() -> None:
    op.drop_table("redemptions")
    op.drop_table("reveals")
    op.drop_table("entitlements")
    op.drop_table("deliveries")
    op.execute("DROP FUNCTION refuse_change")


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("line_id", sa.Uuid(), nullable=True),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=True, comment="null: revoked before it was ever reserved"),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="of a rejection"),
        sa.Column("supplier_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('card_key', 'direct_top_up', 'bundle')", name=op.f("ck_deliveries_kind_known")),
        sa.CheckConstraint("state <> 'issued' OR issued_at IS NOT NULL", name=op.f("ck_deliveries_issued_has_moment")),
        sa.CheckConstraint(
            "state = 'revoked' OR (line_id IS NOT NULL AND kind IS NOT NULL AND quantity IS NOT NULL)",
            name=op.f("ck_deliveries_complete"),
        ),
        sa.CheckConstraint(
            "state IN ('awaiting_supplier', 'issued', 'rejected', 'revoked')", name=op.f("ck_deliveries_state_known")
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_deliveries_amount_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_deliveries_quantity_positive")),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_deliveries")),
        postgresql_with={"fillfactor": "90"},
    )
    op.create_index(
        "ix_deliveries_unsettled",
        "deliveries",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'awaiting_supplier'"),
    )


def _entitlements() -> None:
    op.create_table(
        "entitlements",
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "restocked",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="the card went back to the shelf unseen",
        ),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_revealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reveals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'redeemed') = (redeemed_at IS NOT NULL)", name=op.f("ck_entitlements_redeemed_has_moment")
        ),
        sa.CheckConstraint(
            "(state = 'revoked') = (revoked_at IS NOT NULL)", name=op.f("ck_entitlements_revoked_has_moment")
        ),
        sa.CheckConstraint(
            "NOT restocked OR (state = 'revoked' AND reveals = 0)", name=op.f("ck_entitlements_only_unseen_restocked")
        ),
        sa.CheckConstraint("state IN ('active', 'redeemed', 'revoked')", name=op.f("ck_entitlements_state_known")),
        sa.CheckConstraint(
            "(first_revealed_at IS NULL) = (reveals = 0)", name=op.f("ck_entitlements_revealed_is_counted")
        ),
        sa.ForeignKeyConstraint(
            ["component_id"], ["deliveries.component_id"], name=op.f("fk_entitlements_component_id")
        ),
        sa.PrimaryKeyConstraint("entitlement_id", name=op.f("pk_entitlements")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index(
        "ix_entitlements_member_id",
        "entitlements",
        ["member_id", "entitlement_id"],
        unique=False,
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index("ix_entitlements_order_id", "entitlements", ["order_id"], unique=False)
    op.create_index(
        "uq_entitlements_card_id", "entitlements", ["card_id"], unique=True, postgresql_where=sa.text("NOT restocked")
    )


def _reveals() -> None:
    op.create_table(
        "reveals",
        sa.Column("reveal_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=True),
        sa.Column("decision_id", sa.Uuid(), nullable=True),
        sa.Column("revealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_reveals_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("reveal_id", name=op.f("pk_reveals")),
    )
    op.create_index("ix_reveals_entitlement_id", "reveals", ["entitlement_id"], unique=False)


def _redemptions() -> None:
    op.create_table(
        "redemptions",
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("store", sa.Text(), nullable=True),
        sa.Column("masked", sa.Text(), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entitlement_id"], ["entitlements.entitlement_id"], name=op.f("fk_redemptions_entitlement_id")
        ),
        sa.PrimaryKeyConstraint("redemption_id", name=op.f("pk_redemptions")),
        sa.UniqueConstraint("entitlement_id", name=op.f("uq_redemptions_entitlement_id")),
    )
    op.create_index("ix_redemptions_partner_id", "redemptions", ["partner_id", "redemption_id"], unique=False)
