"""Channels' terms, and orders of theirs that an account would not pay."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from services.order.domain import purchase as moves
from services.order.domain.channels import ChannelOrder, Terms
from services.order.domain.states import OrderStatus
from services.order.events import order_cancelled
from services.order.repository import channels
from services.order.repository.orders import lock_orders, save_orders
from services.order.repository.payments import close_payments
from services.order.usecases import limits
from services.order.usecases.changes import Changes
from services.order.usecases.webhooks import tell_stock
from shared.contracts import StockChangedV1
from shared.database import UnitOfWork
from shared.messaging import announce


async def agree_terms(uow: UnitOfWork, terms: Terms, *, changed_by: str, now: datetime) -> None:
    """From now on the channel buys on these terms."""
    await channels.keep_terms(uow, terms, changed_by=changed_by, now=now)


async def end_unpaid(uow: UnitOfWork, order: ChannelOrder, *, caller: str, now: datetime) -> None:
    """The account would not pay: the order ends at once, and its number is free. One that is paid meanwhile stays."""
    changes = Changes(await lock_orders(uow, [order.order_id]))
    if changes[order.order_id].status is not OrderStatus.PENDING_PAYMENT:
        return
    ended = changes.step(order.order_id, partial(moves.cancel, now=now))
    await save_orders(uow, changes.pairs, now=now)
    await close_payments(uow, [order.order_id])
    await limits.give_back_orders(uow, [order.order_id])
    await channels.free_number(uow, order, caller=caller)
    announce(uow, order_cancelled(ended, reason="account_refused"), now=now)


async def learn_stock(uow: UnitOfWork, changed: Sequence[StockChangedV1], *, now: datetime) -> None:
    """What is left of SKUs; an older version than the one that is known is ignored."""
    newer = await channels.keep_stock(uow, [(fact.sku_id, fact.version, fact.available) for fact in changed])
    await tell_stock(uow, newer, now=now)
