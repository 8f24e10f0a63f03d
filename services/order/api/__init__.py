"""The order service over HTTP."""

from services.order.api import (
    channel_goods,
    channel_orders,
    channel_webhooks,
    checkout,
    internal,
    messages,
    operators,
    orders,
    payments,
    quotes,
    refunds,
    stream,
    ticket_desk,
    tickets,
)
from services.order.api.problems import PROBLEMS

ROUTERS = (
    quotes.router,
    checkout.router,
    orders.router,
    stream.router,
    payments.router,
    refunds.router,
    channel_orders.router,
    channel_goods.router,
    channel_webhooks.router,
    operators.router,
    messages.router,
    tickets.router,
    ticket_desk.router,
    internal.router,
)

__all__ = ["PROBLEMS", "ROUTERS"]
