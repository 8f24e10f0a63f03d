"""The order service over HTTP."""

from services.order.api import checkout, orders, payments
from services.order.api.problems import PROBLEMS

ROUTERS = (checkout.router, orders.router, payments.router)

__all__ = ["PROBLEMS", "ROUTERS"]
