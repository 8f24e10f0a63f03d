"""What is known of each sold component, and which of its units were redeemed, and undone again."""

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, Integer, String, Table, Uuid

from services.settlement.tables.metadata import METADATA

# The facts arrive by three topics in any order; each fills its columns once. `split_at` is set with the last of them.
COMPONENTS = Table(
    "components",
    METADATA,
    Column("component_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Column("sku_id", Uuid),
    Column("units", Integer),
    Column("amount_minor", BigInteger),
    Column("currency", String(3)),
    Column("contract_version", Integer),
    Column("contract_hash", String(64)),
    Column("paid_at", DateTime(timezone=True)),
    Column("issued_at", DateTime(timezone=True)),
    Column("accrued_at", DateTime(timezone=True)),
    Column("split_at", DateTime(timezone=True)),
    Column("reversed_at", DateTime(timezone=True)),
    Column("refund_id", Uuid),
    Column("redeemed_units", Integer, nullable=False, server_default="0"),
    CheckConstraint(
        "paid_at IS NULL OR (sku_id IS NOT NULL AND units > 0 AND amount_minor >= 0 AND currency IS NOT NULL)",
        name="paid_is_known",
    ),
    CheckConstraint(
        "split_at IS NULL OR (paid_at IS NOT NULL AND issued_at IS NOT NULL AND accrued_at IS NOT NULL)",
        name="split_after_all_facts",
    ),
    CheckConstraint("redeemed_units >= 0", name="redeemed_counted"),
    Index("ix_components_order_id", "order_id"),
    postgresql_with={"fillfactor": "50"},  # a row is filled in three updates: room keeps them in its page
)
Index(
    "ix_components_waiting",
    COMPONENTS.c.seen_at,
    postgresql_where=COMPONENTS.c.split_at.is_(None) & COMPONENTS.c.reversed_at.is_(None),
)

# Two facts of each redemption, in any order; it counts while only the first of them is there.
REDEMPTIONS = Table(
    "redemptions",
    METADATA,
    Column("redemption_id", Uuid, primary_key=True),
    Column("entitlement_id", Uuid, nullable=False),
    Column("component_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("partner_id", Uuid, nullable=False),
    Column("redeemed_at", DateTime(timezone=True)),
    Column("undone_at", DateTime(timezone=True)),
    CheckConstraint("redeemed_at IS NOT NULL OR undone_at IS NOT NULL", name="heard_of"),
    Index("ix_redemptions_component_id", "component_id"),
    Index("ix_redemptions_entitlement_id", "entitlement_id"),
)
