"""What others tell about an order: issued, rejected, shared, released. Sets of facts, one statement to read, one to write.

Topics are not ordered against each other: every step asks the state, never who came first.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from services.order.domain import purchase as moves
from services.order.domain.refunds import RefundReason
from services.order.domain.states import ComponentStatus
from services.order.events import inventory_reserve
from services.order.repository.orders import Told, lock_orders, save_orders
from services.order.usecases.changes import Changes
from services.order.usecases.refunds import SYSTEM, begin_refunds
from shared.contracts import CardIssuedV1, CardRejectedV1, RiskDeniedV1, RiskReleasedV1, SettlementSplitV1
from shared.database import UnitOfWork
from shared.messaging import announce


async def note_issued(uow: UnitOfWork, issued: Sequence[CardIssuedV1], *, now: datetime) -> None:
    """Components are delivered.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in issued]))
    told = {}
    for fact in issued:
        changes.step(fact.order_id, partial(moves.issue, component_id=fact.component_id, now=now))
        told[fact.component_id] = Told(
            issued={"entitlement_ids": [str(each) for each in fact.entitlement_ids], "masked": list(fact.masked)}
        )
    await save_orders(uow, changes.pairs, now=now, told=told)
    announce(uow, *changes.milestones, now=now)


async def note_split(uow: UnitOfWork, split: Sequence[SettlementSplitV1], *, now: datetime) -> None:
    """The money of components is shared, perhaps before we heard of their issue.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in split]))
    for fact in split:
        changes.step(fact.order_id, partial(moves.split, component_id=fact.component_id, now=now))
    await save_orders(uow, changes.pairs, now=now)
    announce(uow, *changes.milestones, now=now)


async def note_rejected(uow: UnitOfWork, rejected: Sequence[CardRejectedV1], *, now: datetime) -> None:
    """Components cannot be had: their money goes back by the path of any refund.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in rejected]))
    going_back = []
    told = {}
    for fact in rejected:
        before = changes[fact.order_id]
        after = changes.step(fact.order_id, partial(moves.reject, component_id=fact.component_id, now=now))
        told[fact.component_id] = Told(reason=fact.reason)
        if after is not before:
            going_back.append((fact.order_id, fact.component_id))
    await save_orders(uow, changes.pairs, now=now, told=told)
    await begin_refunds(uow, changes, going_back, reason=RefundReason.NOT_FULFILLED, requested_by=SYSTEM, now=now)
    announce(uow, *changes.milestones, now=now)


async def note_released(uow: UnitOfWork, released: Sequence[RiskReleasedV1], *, now: datetime) -> None:
    """Risk lets held orders go: they are released for issue.

    :raises OrderNotFoundError: one is of an order we never had.
    """
    order_ids = [fact.order_id for fact in released if fact.order_id is not None]
    changes = Changes(await lock_orders(uow, order_ids))
    for order_id in order_ids:
        changes.step(order_id, partial(moves.release, now=now))
    await save_orders(uow, changes.pairs, now=now)
    reserves = [inventory_reserve(after) for _, after in changes.pairs if after.reserving]
    announce(uow, *reserves, now=now)


async def note_denied(uow: UnitOfWork, denied: Sequence[RiskDeniedV1], *, now: datetime) -> None:
    """Risk refuses held orders: the money goes back.

    :raises OrderNotFoundError: one is of an order we never had.
    """
    order_ids = [fact.order_id for fact in denied if fact.order_id is not None]
    changes = Changes(await lock_orders(uow, order_ids))
    going_back = []
    for order_id in order_ids:
        before = changes[order_id]
        after = changes.step(order_id, partial(moves.deny, now=now))
        going_back += [
            (order_id, new.component_id)
            for old, new in zip(before.components, after.components, strict=True)
            if new is not old and new.status is ComponentStatus.REVOKING
        ]
    await save_orders(uow, changes.pairs, now=now)
    await begin_refunds(uow, changes, going_back, reason=RefundReason.RISK_DENIED, requested_by=SYSTEM, now=now)
