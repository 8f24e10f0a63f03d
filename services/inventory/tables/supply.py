"""Suppliers, what they supply, and our orders with them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.inventory.domain.supply import OPEN_STATES, TaskState
from services.inventory.domain.syncing import PriceRule
from services.inventory.tables.base import METADATA, id_column, moment_column, one_of

SUPPLIERS = Table(
    "suppliers",
    METADATA,
    id_column("supplier_id", primary_key=True),
    Column("name", Text, nullable=False),
    Column("base_url", Text, nullable=False),
    Column("merchant_id", Text, nullable=False, comment="who we are to them"),
    id_column("key_id", ForeignKey("data_keys.key_id")),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("wire", JSONB, comment="how it is spoken to; null: as we would"),
    moment_column("sync_due_at", nullable=True),
    moment_column("synced_at", nullable=True),
    moment_column("pushed_at", nullable=True),
    Column("balance_minor", BigInteger),
    Column("low_balance_minor", BigInteger),
    moment_column("created_at"),
    UniqueConstraint("name"),
)

SUPPLIER_SKUS = Table(
    "supplier_skus",
    METADATA,
    id_column("supplier_id", ForeignKey("suppliers.supplier_id")),
    id_column("sku_id", ForeignKey("skus.sku_id")),
    Column("supplier_sku", Text, nullable=False),
    Column("cost_minor", BigInteger, nullable=False, comment="of one unit, in the SKU's currency"),
    Column("priority", SmallInteger, nullable=False, server_default="1", comment="the lowest is asked"),
    Column("weight", SmallInteger, nullable=False, server_default="1", comment="share among equal priorities"),
    Column("paused_reason", Text, comment="null: bought from"),
    Column("price_rule", Text, nullable=False, server_default="alert", comment="when its cost changes"),
    Column("margin_bp", Integer, comment="of reprice"),
    Column("stock", Integer, comment="as the supplier says"),
    PrimaryKeyConstraint("supplier_id", "sku_id"),
    CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
    CheckConstraint("weight > 0", name="weight_positive"),
    one_of("price_rule", PriceRule, name="price_rule_known"),
    CheckConstraint("price_rule <> 'reprice' OR margin_bp IS NOT NULL", name="reprice_has_margin"),
    Index("ix_supplier_skus_sku_id", "sku_id"),
)

SUPPLIER_TASKS = Table(
    "supplier_tasks",
    METADATA,
    id_column("task_id", primary_key=True),
    id_column("component_id", ForeignKey("deliveries.component_id")),
    id_column("supplier_id", ForeignKey("suppliers.supplier_id")),
    Column("out_order_no", Text, nullable=False, comment="our number of the order, and the supplier's key of it"),
    Column("supplier_sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("cost_minor", BigInteger, nullable=False, comment="of all units: expected, then what was charged"),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("questions", Integer, nullable=False, server_default="0"),
    Column("cancel_wanted", Boolean, nullable=False, server_default="false"),
    Column("refused", Boolean, nullable=False, server_default="false"),
    Column("tries", SmallInteger, nullable=False, server_default="1"),
    Column("reached", Boolean, nullable=False, server_default="true"),
    Column("last_reason", Text, nullable=False, server_default=""),
    Column("supplier_order_no", Text),
    moment_column("sent_at", nullable=True),
    moment_column("due_at", nullable=True),
    id_column("lease", nullable=True),
    moment_column("created_at"),
    moment_column("ended_at", nullable=True),
    one_of("state", TaskState, name="state_known"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("cost_minor >= 0", name="cost_not_negative"),
    CheckConstraint("(state IN ('new', 'sent', 'unknown')) = (due_at IS NOT NULL)", name="open_is_due"),
    CheckConstraint("(state IN ('new', 'sent', 'unknown')) = (ended_at IS NULL)", name="ended_has_moment"),
    UniqueConstraint("out_order_no"),
    UniqueConstraint("component_id"),
)
Index(
    "ix_supplier_tasks_due",
    SUPPLIER_TASKS.c.due_at,
    postgresql_where=SUPPLIER_TASKS.c.state.in_(sorted(state.value for state in OPEN_STATES)),
)

# What became of an order with the suppliers it was with before the present one. Rows are only ever added.
SUPPLIER_TRIES = Table(
    "supplier_tries",
    METADATA,
    id_column("task_id", ForeignKey("supplier_tasks.task_id")),
    Column("number", SmallInteger, nullable=False),
    id_column("supplier_id", ForeignKey("suppliers.supplier_id")),
    Column("out_order_no", Text, nullable=False),
    Column("supplier_order_no", Text),
    Column("attempts", Integer, nullable=False),
    Column("questions", Integer, nullable=False),
    Column("last_reason", Text, nullable=False),
    moment_column("sent_at", nullable=True),
    moment_column("ended_at"),
    PrimaryKeyConstraint("task_id", "number"),
)
