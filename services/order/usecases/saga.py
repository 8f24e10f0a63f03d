"""What others tell about an order: issued, rejected, shared. Sets of facts, one statement to read, one to write.

Topics are not ordered against each other: every step asks the state, never who came first.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from services.order.domain import purchase as moves
from services.order.domain.refunds import RefundReason
from services.order.repository.orders import Told, lock_orders, save_orders
from services.order.usecases.changes import Changes
from services.order.usecases.messages import announce_milestones, tell_unavailable
from services.order.usecases.refunds import SYSTEM, begin_refunds
from services.order.usecases.webhooks import tell_rejected
from shared.contracts import CardIssuedV1, CardRejectedV1, SettlementSplitV1, ShipmentPromisedV1
from shared.database import UnitOfWork


async def note_issued(uow: UnitOfWork, issued: Sequence[CardIssuedV1], *, now: datetime) -> None:
    """Components are delivered.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in issued]))
    told = {}
    for fact in issued:
        changes.step(fact.order_id, partial(moves.issue, component_id=fact.component_id, now=now))
        told[fact.component_id] = Told(issued=_issued(fact))
    await save_orders(uow, changes.pairs, now=now, told=told)
    await announce_milestones(uow, changes, now=now)


async def note_promised(uow: UnitOfWork, promised: Sequence[ShipmentPromisedV1], *, now: datetime) -> None:
    """Components wait for somebody to send them.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in promised]))
    for fact in promised:
        changes.step(fact.order_id, partial(moves.promise, component_id=fact.component_id, now=now))
    await save_orders(uow, changes.pairs, now=now)
    await announce_milestones(uow, changes, now=now)


async def note_split(uow: UnitOfWork, split: Sequence[SettlementSplitV1], *, now: datetime) -> None:
    """The money of components is shared, perhaps before we heard of their issue.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in split]))
    for fact in split:
        changes.step(fact.order_id, partial(moves.split, component_id=fact.component_id, now=now))
    await save_orders(uow, changes.pairs, now=now)
    await announce_milestones(uow, changes, now=now)


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
    refunds = await begin_refunds(
        uow, changes, going_back, reason=RefundReason.NOT_FULFILLED, requested_by=SYSTEM, now=now
    )
    await tell_unavailable(uow, changes, refunds, now=now)
    refused = {component_id for _, component_id in going_back}
    await tell_rejected(uow, changes, [fact for fact in rejected if fact.component_id in refused], now=now)
    await announce_milestones(uow, changes, now=now)


def _issued(fact: CardIssuedV1) -> dict[str, object]:
    """What the owner sees of it; where something else was delivered, what it is."""
    seen: dict[str, object] = {
        "entitlement_ids": [str(each) for each in fact.entitlement_ids],
        "masked": list(fact.masked),
    }
    if fact.delivered_sku_id is not None:
        seen |= {"sku_id": str(fact.delivered_sku_id), "name": fact.delivered_name}
    return seen
