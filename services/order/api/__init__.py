"""The order service over HTTP."""

from services.order.api import checkout, internal, operators, orders, payments, quotes, refunds, stream
from services.order.api.problems import PROBLEMS

ROUTERS = (
    quotes.router,
    checkout.router,
    orders.router,
    stream.router,
    payments.router,
    refunds.router,
    operators.router,
    internal.router,
)

__all__ = ["PROBLEMS", "ROUTERS"]
