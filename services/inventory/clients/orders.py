"""Ask order which orders still need what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from shared.http import ServiceClient, ServiceRefusedError, ServiceUnavailableError

WITHIN_S = 5.0
"""Nobody waits for the answer: it may take its time."""


class OrdersUnavailableError(Exception):
    """Order does not say how its orders stand."""


@dataclass(frozen=True, slots=True)
class OrdersClient:
    """The order service's knowledge of its orders."""

    service: ServiceClient

    async def live(self, order_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the orders that are paid or can still be paid.

        :raises OrdersUnavailableError: order does not say.
        """
        question = {"order_ids": [str(order_id) for order_id in order_ids]}
        try:
            answer = await self.service.call(
                "POST", "/internal/live-orders", json=question, idempotent=True, timeout_s=WITHIN_S
            )
        except (ServiceUnavailableError, ServiceRefusedError) as error:
            raise OrdersUnavailableError(str(error)) from error
        return {UUID(order_id) for order_id in answer["order_ids"]}
