"""Orders, their lines and components, claims of idempotency keys by checkouts, and what operators did."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.order.domain.states import ComponentStatus, OrderStatus
from services.order.tables.base import ID, METADATA, MOMENT, one_of

ORDERS = Table(
    "orders",
    METADATA,
    Column("order_id", ID, primary_key=True),
    Column("order_no", Text, nullable=False, unique=True),
    Column("member_id", ID),
    # The reseller who bought it; such an order has neither member nor contact.
    Column("channel_id", ID),
    # A guest's contact, sealed under a data key of its own; NULL for members.
    Column("contact_kek_version", Integer),
    Column("contact_key", LargeBinary),
    Column("contact", LargeBinary),
    Column("channel", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("list_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("adjustments", JSONB, nullable=False),
    Column("status", Text, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Column("held", Boolean, nullable=False),
    Column("risk_decision_id", ID),
    Column("payment_id", ID),
    Column("created_at", MOMENT, nullable=False),
    Column("pay_before", MOMENT, nullable=False),
    Column("paid_at", MOMENT),
    Column("cancelled_at", MOMENT),
    Column("fulfilled_at", MOMENT),
    Column("completed_at", MOMENT),
    # When the step the order stands at is overdue; NULL where nothing is waited for, or only for a person.
    Column("due_at", MOMENT),
    Column("nudges", SmallInteger, nullable=False, server_default=text("0")),
    # Grows with every change that a watcher of the order can see.
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("total_minor >= 0 AND total_minor <= list_minor", name="total_within_list"),
    CheckConstraint(one_of("status", OrderStatus), name="status_known"),
    CheckConstraint(
        "(paid_at IS NOT NULL) = (status NOT IN ('pending_payment', 'cancelled'))", name="paid_when_past_payment"
    ),
    CheckConstraint("member_id IS NOT NULL OR contact IS NOT NULL OR channel_id IS NOT NULL", name="somebody_s"),
    Index("ix_orders_member_id_order_id", "member_id", "order_id", postgresql_where=text("member_id IS NOT NULL")),
    Index("ix_orders_channel_id_order_id", "channel_id", "order_id", postgresql_where=text("channel_id IS NOT NULL")),
    Index("ix_orders_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_orders_nudged", "due_at", postgresql_where=text("nudges > 0")),
    Index("ix_orders_held", "paid_at", postgresql_where=text("status = 'held'")),
)

ORDER_LINES = Table(
    "order_lines",
    METADATA,
    Column("order_id", ID, ForeignKey("orders.order_id"), nullable=False),
    Column("line_id", ID, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("product_id", ID, nullable=False),
    Column("sku_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("list_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("order_id", "line_id"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("total_minor >= 0 AND total_minor <= list_minor", name="total_within_list"),
)

ORDER_COMPONENTS = Table(
    "order_components",
    METADATA,
    Column("order_id", ID, nullable=False),
    Column("component_id", ID, nullable=False),
    Column("line_id", ID, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("sku_id", ID, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("contract_id", ID),
    Column("contract_version", Integer, nullable=False),
    Column("contract_hash", Text),
    Column("status", Text, nullable=False),
    # {"entitlement_ids": [...], "masked": [...]}, as inventory announced them.
    Column("issued", JSONB),
    Column("issued_at", MOMENT),
    Column("split_at", MOMENT),
    Column("accept_substitutes", Boolean, nullable=False, server_default=text("true")),
    # Why inventory could not issue it, or would not take it back.
    Column("reason", Text),
    PrimaryKeyConstraint("order_id", "component_id"),
    ForeignKeyConstraint(["order_id", "line_id"], ["order_lines.order_id", "order_lines.line_id"]),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    CheckConstraint(one_of("status", ComponentStatus), name="status_known"),
    CheckConstraint("(contract_version = 0) = (contract_hash IS NULL)", name="contract_whole"),
)

CHECKOUTS = Table(
    "checkouts",
    METADATA,
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    # Minted with the first claim: whoever takes the claim over makes the same order and the same hold.
    Column("order_id", ID, nullable=False),
    Column("claimed_until", MOMENT, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("done", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("caller", "key"),
    Index("ix_checkouts_created_at", "created_at", postgresql_using="brin"),
)

RISK_QUESTIONS = Table(
    "risk_questions",
    METADATA,
    Column("order_id", ID, ForeignKey("orders.order_id"), primary_key=True),
    # As it was asked at checkout, with the buyer's address: forgotten with the answer.
    Column("question", JSONB, nullable=False),
    Column("next_ask_at", MOMENT, nullable=False, index=True),
    Column("asks", SmallInteger, nullable=False, server_default=text("0")),
)

OPERATOR_ACTIONS = Table(
    "operator_actions",
    METADATA,
    Column("action_id", ID, primary_key=True),
    Column("order_id", ID, nullable=False, index=True),
    Column("operator", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("detail", Text),
    Column("at", MOMENT, nullable=False),
)
