"""The order service's rows."""

from services.order.tables.base import METADATA
from services.order.tables.channels import CHANNEL_ORDERS, CHANNELS, SKU_STOCK
from services.order.tables.limits import LIMITED_PURCHASES
from services.order.tables.messages import MESSAGE_DELIVERIES, MESSAGES
from services.order.tables.orders import (
    CHECKOUTS,
    OPERATOR_ACTIONS,
    ORDER_COMPONENTS,
    ORDER_LINES,
    ORDERS,
    RISK_QUESTIONS,
)
from services.order.tables.payments import PAYMENT_ANOMALIES, PAYMENTS, REFUND_PARTS, REFUNDS
from services.order.tables.read_models import CONTRACTS, MEMBER_TIERS, PRODUCTS
from services.order.tables.tickets import EVIDENCE_LOOKS, TICKET_EVIDENCE, TICKET_MESSAGES, TICKETS
from services.order.tables.webhooks import CHANNEL_WEBHOOKS, WEBHOOK_MESSAGES
from shared.http import idempotency_table
from shared.messaging import inbox_table, outbox_table, parked_table

OUTBOX = outbox_table(METADATA)
INBOX = inbox_table(METADATA)
PARKED = parked_table(METADATA)
IDEMPOTENCY = idempotency_table(METADATA)

__all__ = [
    "CHANNELS",
    "CHANNEL_ORDERS",
    "CHANNEL_WEBHOOKS",
    "CHECKOUTS",
    "CONTRACTS",
    "EVIDENCE_LOOKS",
    "IDEMPOTENCY",
    "INBOX",
    "LIMITED_PURCHASES",
    "MEMBER_TIERS",
    "MESSAGES",
    "MESSAGE_DELIVERIES",
    "METADATA",
    "OPERATOR_ACTIONS",
    "ORDERS",
    "ORDER_COMPONENTS",
    "ORDER_LINES",
    "OUTBOX",
    "PARKED",
    "PAYMENTS",
    "PAYMENT_ANOMALIES",
    "PRODUCTS",
    "REFUNDS",
    "REFUND_PARTS",
    "RISK_QUESTIONS",
    "SKU_STOCK",
    "TICKETS",
    "TICKET_EVIDENCE",
    "TICKET_MESSAGES",
    "WEBHOOK_MESSAGES",
]
