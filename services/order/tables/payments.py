"""Payments, refunds, and what providers said that could not be true."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from services.order.domain.payments import PaymentStatus
from services.order.domain.refunds import PartStatus, RefundReason, RefundStatus
from services.order.tables.base import ID, METADATA, MOMENT, one_of

PAYMENTS = Table(
    "payments",
    METADATA,
    # Its hex form is the number the provider knows the payment by.
    Column("payment_id", ID, primary_key=True),
    Column("order_id", ID, ForeignKey("orders.order_id"), nullable=False),
    Column("provider", Text, nullable=False),
    # As agreed, which is what the order costs; once paid, as the money came.
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("outcome", Text),
    Column("idempotency_key", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("paid_at", MOMENT),
    Column("provider_trade_no", Text),
    Column("fee_minor", BigInteger, nullable=False, server_default=text("0")),
    # What refunds have asked back so far, sent or not: never more than came in.
    Column("refunded_minor", BigInteger, nullable=False, server_default=text("0")),
    # When to ask the provider about it, should its notify not come; NULL once settled.
    Column("next_query_at", MOMENT),
    Column("queries", SmallInteger, nullable=False, server_default=text("0")),
    UniqueConstraint("order_id", "idempotency_key"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("refunded_minor >= 0 AND refunded_minor <= amount_minor", name="refunds_within_payment"),
    CheckConstraint("refunded_minor = 0 OR status = 'paid'", name="refunds_need_money"),
    CheckConstraint(one_of("status", PaymentStatus), name="status_known"),
    Index("ix_payments_next_query_at", "next_query_at", postgresql_where=text("next_query_at IS NOT NULL")),
)

REFUNDS = Table(
    "refunds",
    METADATA,
    # Its hex form is the number the provider knows the refund by.
    Column("refund_id", ID, primary_key=True),
    Column("order_id", ID, ForeignKey("orders.order_id"), nullable=False, index=True),
    # NULL for what cost nothing.
    Column("payment_id", ID, ForeignKey("payments.payment_id")),
    Column("reason", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", MOMENT, nullable=False),
    Column("ended_at", MOMENT),
    # When the provider is to be asked to send the money, or asked whether it did.
    Column("next_try_at", MOMENT),
    Column("tries", SmallInteger, nullable=False, server_default=text("0")),
    Column("note", Text),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    CheckConstraint(one_of("status", RefundStatus), name="status_known"),
    CheckConstraint(one_of("reason", RefundReason), name="reason_known"),
    Index("ix_refunds_next_try_at", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")),
    Index("ix_refunds_in_review", "requested_at", postgresql_where=text("status = 'review'")),
)

REFUND_PARTS = Table(
    "refund_parts",
    METADATA,
    Column("refund_id", ID, ForeignKey("refunds.refund_id"), nullable=False),
    Column("component_id", ID, nullable=False),
    Column("sku_id", ID, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    PrimaryKeyConstraint("refund_id", "component_id"),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    CheckConstraint(one_of("status", PartStatus), name="status_known"),
    # The last guard against giving the money for one component back twice.
    Index("uq_refund_parts_component_id", "component_id", unique=True, postgresql_where=text("status <> 'dismissed'")),
)

PAYMENT_ANOMALIES = Table(
    "payment_anomalies",
    METADATA,
    Column("anomaly_id", ID, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("code", Text, nullable=False),
    # The payment's number where the signature held; empty where nothing in the message can be believed.
    Column("payment_no", Text, nullable=False),
    Column("hour", MOMENT, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("first_at", MOMENT, nullable=False),
    Column("last_at", MOMENT, nullable=False),
    Column("excerpt", Text, nullable=False),
    # One row an hour for each kind, so that a flood of forged messages does not fill the disk.
    UniqueConstraint("provider", "code", "payment_no", "hour"),
)
