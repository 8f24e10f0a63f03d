"""A set of orders under work: each is changed step by step, and written once."""

from collections.abc import Callable, Iterator, Mapping
from uuid import UUID

from services.order.domain.orders import Order
from services.order.events import milestones
from shared.contracts import Event


class OrderNotFoundError(Exception):
    """There is no such order, or it is not the caller's."""


class Changes:
    """Orders as they were locked, and as they are by now."""

    def __init__(self, orders: Mapping[UUID, Order]) -> None:
        self._before = orders
        self._now = dict(orders)

    def __getitem__(self, order_id: UUID) -> Order:
        """The order as it is by now.

        :raises OrderNotFoundError: it was not among those locked.
        """
        order = self._now.get(order_id)
        if order is None:
            raise OrderNotFoundError(str(order_id))
        return order

    def __setitem__(self, order_id: UUID, order: Order) -> None:
        self._now[order_id] = order

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._now)

    def step(self, order_id: UUID, move: Callable[[Order], Order]) -> Order:
        """Change one order.

        :raises OrderNotFoundError: it was not among those locked.
        """
        order = self._now[order_id] = move(self[order_id])
        return order

    @property
    def pairs(self) -> list[tuple[Order, Order]]:
        """Before and after of those that have changed."""
        return [
            (before, self._now[order_id])
            for order_id, before in self._before.items()
            if self._now[order_id] is not before
        ]

    @property
    def milestones(self) -> list[Event]:
        """What has become true for the first time."""
        return [event for before, after in self.pairs for event in milestones(before, after)]
