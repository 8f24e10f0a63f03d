"""What is sent by hand, and seats at events."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

KINDS_BEFORE = (
    "kind IN ('card_key', 'direct_top_up', 'bundle', 'generated_key', 'redeem_link', 'cash_voucher', 'offline_qr')"
)
KINDS = (
    "kind IN ('card_key', 'direct_top_up', 'bundle', 'generated_key', 'redeem_link', 'cash_voucher', 'offline_qr',"
    " 'physical', 'event_seat')"
)
STATES_BEFORE = "state IN ('awaiting_supplier', 'issued', 'rejected', 'revoked')"
STATES = "state IN ('awaiting_supplier', 'awaiting_shipment', 'issued', 'rejected', 'revoked')"


def upgrade() -> None:
    _replace("skus", "kind_known", KINDS)
    _replace("deliveries", "kind_known", KINDS)
    _replace("deliveries", "state_known", STATES)
    _make_shipments()
    op.create_table(
        "personal_reads",
        sa.Column("read_id", sa.Uuid(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("buyers", sa.Integer(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("buyers >= 0", name=op.f("ck_personal_reads_buyers_not_negative")),
        sa.PrimaryKeyConstraint("read_id", name=op.f("pk_personal_reads")),
    )
    op.create_table(
        "seats",
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("entitlement_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("number > 0", name=op.f("ck_seats_number_positive")),
        sa.ForeignKeyConstraint(["sku_id"], ["skus.sku_id"], name=op.f("fk_seats_sku_id")),
        sa.PrimaryKeyConstraint("sku_id", "number", name=op.f("pk_seats")),
    )
    op.create_index("ix_seats_free", "seats", ["sku_id", "number"], postgresql_where=sa.text("entitlement_id IS NULL"))
    op.create_index(
        "uq_seats_entitlement_id",
        "seats",
        ["entitlement_id"],
        unique=True,
        postgresql_where=sa.text("entitlement_id IS NOT NULL"),
    )


def downgrade() -> None:
    for table in ("seats", "personal_reads", "shipments"):
        op.drop_table(table)
    _replace("deliveries", "state_known", STATES_BEFORE)
    _replace("deliveries", "kind_known", KINDS_BEFORE)
    _replace("skus", "kind_known", KINDS_BEFORE)


def _make_shipments() -> None:
    op.create_table(
        "shipments",
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("sku_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("ship_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking_no", sa.Text(), nullable=True),
        sa.Column("shipped_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True, comment="who said last that it was received, returned or lost"),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('awaiting', 'shipped', 'signed', 'returned', 'lost', 'cancelled')",
            name=op.f("ck_shipments_state_known"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipments_quantity_positive")),
        sa.CheckConstraint(
            "(state IN ('awaiting', 'cancelled')) = (shipped_at IS NULL) AND (shipped_at IS NULL) = (carrier IS NULL)"
            " AND (carrier IS NULL) = (tracking_no IS NULL)",
            name=op.f("ck_shipments_sent_is_told"),
        ),
        sa.CheckConstraint(
            "(state IN ('awaiting', 'shipped')) = (ended_at IS NULL)", name=op.f("ck_shipments_ended_has_moment")
        ),
        sa.ForeignKeyConstraint(["component_id"], ["deliveries.component_id"], name=op.f("fk_shipments_component_id")),
        sa.PrimaryKeyConstraint("component_id", name=op.f("pk_shipments")),
    )
    op.create_index("ix_shipments_order_id", "shipments", ["order_id"])
    op.create_index("ix_shipments_state", "shipments", ["state", "component_id"])
    op.create_index(
        "ix_shipments_member_id",
        "shipments",
        ["member_id", "component_id"],
        postgresql_where=sa.text("member_id IS NOT NULL"),
    )
    op.create_index(
        "ix_shipments_ship_before", "shipments", ["ship_before"], postgresql_where=sa.text("state = 'awaiting'")
    )
    op.create_index(
        "ix_shipments_shipped_at", "shipments", ["shipped_at"], postgresql_where=sa.text("state = 'shipped'")
    )


def _replace(table: str, name: str, condition: str) -> None:
    """Rows that are there fulfilled the narrower constraint: a table of millions is not read again."""
    op.drop_constraint(f"ck_{table}_{name}", table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition, postgresql_not_valid=True)
