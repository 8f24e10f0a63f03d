"""Purchase limits: counted before an order is made, given back when it comes to nothing, taken up again if paid late."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.order.domain.limits import LOST_AFTER, PurchaseLimitError, Taking, check_limits
from services.order.domain.orders import Order
from services.order.domain.states import ComponentStatus
from services.order.repository import limits
from shared.database import UnitOfWork

LOOK_BACK = timedelta(days=2)
"""As long as the key of a checkout is kept: what is older was looked at often enough."""


async def take_limits(uow: UnitOfWork, takings: Sequence[Taking], *, now: datetime) -> None:
    """Count what an order is about to buy. Said again for the same order, it counts once.

    :raises PurchaseLimitError: its buyer would have more than one may.
    """
    check_limits(takings, await limits.lock_taken(uow, takings))
    await limits.take(uow, takings, now=now)


async def drop_limits(uow: UnitOfWork, order_id: UUID) -> None:
    """The checkout came to nothing."""
    await limits.drop(uow, order_id)


async def give_back_orders(uow: UnitOfWork, order_ids: Collection[UUID]) -> None:
    """These orders were cancelled."""
    if order_ids:
        await limits.give_back(uow, order_ids)


async def give_back_refunded(uow: UnitOfWork, orders: Sequence[Order]) -> None:
    """Of these orders something was refunded: lines of which nothing is left count no more."""
    left = {
        part.line_id for order in orders for part in order.components if part.status is not ComponentStatus.REFUNDED
    }
    gone = {part.line_id for order in orders for part in order.components} - left
    if gone:
        await limits.give_back(uow, [order.order_id for order in orders], line_ids=gone)


async def take_up_again(uow: UnitOfWork, order_ids: Collection[UUID], *, now: datetime) -> set[UUID]:
    """Cancelled orders are paid after all: count them again. Answers those whose buyers have had their share since."""
    barred: set[UUID] = set()
    by_order: dict[UUID, list[Taking]] = {}
    known = await limits.given_back(uow, order_ids) if order_ids else []
    await limits.lock_taken(uow, known)  # all names at once, in their order
    for taking in known:
        by_order.setdefault(taking.order_id, []).append(taking)
    for order_id, takings in sorted(by_order.items()):
        try:
            await take_limits(uow, takings, now=now)
        except PurchaseLimitError:
            barred.add(order_id)
    return barred


async def forget_lost(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Checkouts that died count no more; answers how many lines that took."""
    return await limits.forget_lost(uow, since=now - LOOK_BACK, before=now - LOST_AFTER, limit=limit)
