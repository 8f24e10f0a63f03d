"""Buyers are told what happened: written with the state that it tells of, sent later by jobs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from services.order.domain.messages import TRIES_MAX, ChannelName, DeliveryStatus, Notice, Occasion, next_try_at
from services.order.domain.orders import Order
from services.order.domain.refunds import PartStatus, Refund
from services.order.domain.states import ComponentStatus
from services.order.repository import messages
from services.order.repository.messages import DueDelivery, Outcome, Unaddressed
from services.order.usecases.changes import Changes, OrderNotFoundError
from services.order.usecases.webhooks import tell_fulfilled
from shared.contracts import EntitlementExpiringV1
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter

__all__ = [
    "NO_ADDRESS",
    "DueDelivery",
    "MessageUnknownError",
    "Outcome",
    "Unaddressed",
    "announce_milestones",
    "failed",
    "given_up",
    "note_expiring",
    "postpone",
    "read_message",
    "record_tries",
    "record_ways",
    "send_again",
    "sent",
    "take_due",
    "take_unaddressed",
    "tell_refunded",
    "tell_unavailable",
]

NO_ADDRESS = "no_address"
"""Why nothing was tried: the address is not there any more."""

_GONE = frozenset({ComponentStatus.REJECTED, ComponentStatus.REFUNDED})

_DELIVERED = Counter("message_deliveries_total", "Tries to deliver messages", ["channel", "outcome"])


class MessageUnknownError(Exception):
    """There is no such message, or it is somebody else's."""


async def announce_milestones(uow: UnitOfWork, changes: Changes, *, now: datetime) -> None:
    """Announce what has become true of these orders, and tell buyers, and channels, whose goods are there.

    Buyers' codes do not wait for a parcel of the same order to be told of.
    """
    announce(uow, *changes.milestones, now=now)
    await tell_fulfilled(uow, changes, now=now)
    ready = [new for old, new in changes.pairs if new.is_there and not old.is_there]
    await _tell(uow, [_fulfilled(order) for order in ready if _told_by_us(order)], now=now)


async def tell_unavailable(uow: UnitOfWork, orders: Changes, refunds: Sequence[Refund], *, now: datetime) -> None:
    """Something of these orders could not be had: each refund says what."""
    ours = [(orders[refund.order_id], refund) for refund in refunds if _told_by_us(orders[refund.order_id])]
    notices = [_of_refund(order, refund, Occasion.UNAVAILABLE) for order, refund in ours]
    await _tell(uow, notices, now=now)


async def tell_refunded(uow: UnitOfWork, orders: Changes, refunds: Sequence[Refund], *, now: datetime) -> None:
    """The money of these refunds is on its way."""
    ours = [(orders[refund.order_id], refund) for refund in refunds if _told_by_us(orders[refund.order_id])]
    notices = [_of_refund(order, refund, Occasion.REFUNDED) for order, refund in ours]
    await _tell(uow, [notice for notice in notices if notice.amount_minor > 0], now=now)


async def note_expiring(uow: UnitOfWork, expiring: Sequence[EntitlementExpiringV1], *, now: datetime) -> None:
    """Something ends soon: whoever has it now is told, the buyer or the member it was given to.

    :raises OrderNotFoundError: one is of an order we never had.
    """
    names = await messages.component_names(
        uow,
        order_ids=[fact.order_id for fact in expiring],
        component_ids=[fact.component_id for fact in expiring],
    )
    notices = []
    for fact in expiring:
        name = names.get((fact.order_id, fact.component_id))
        if name is None:
            raise OrderNotFoundError(str(fact.order_id))
        notices.append(
            Notice(
                order_id=fact.order_id,
                member_id=fact.member_id,
                occasion=Occasion.EXPIRING,
                about=fact.entitlement_id,
                goods=(name,),
                expires_at=fact.expires_at,
            )
        )
    await _tell(uow, notices, now=now)


async def take_unaddressed(uow: UnitOfWork, *, now: datetime, limit: int) -> list[Unaddressed]:
    """Messages whose ways out are to be found now."""
    return await messages.take_unaddressed(uow, now=now, limit=limit)


async def record_ways(uow: UnitOfWork, found: Mapping[UUID, Sequence[ChannelName]], *, now: datetime) -> None:
    """The ways by which each message goes out; none where it stays in the inbox, or nobody can be reached."""
    if found:
        await messages.add_deliveries(uow, found, now=now)


async def postpone(uow: UnitOfWork, unknown: Sequence[Unaddressed], *, now: datetime) -> None:
    """Nobody could say how these can be reached: ask again, less and less often."""
    if unknown:
        await messages.postpone_addressing(
            uow, {each.message_id: next_try_at(tries=each.tries, now=now) for each in unknown}
        )


async def take_due(uow: UnitOfWork, channel: ChannelName, *, now: datetime, limit: int) -> list[DueDelivery]:
    """Letters to be sent by one channel now, for this caller alone while the lease lasts."""
    return await messages.take_due(uow, channel, now=now, limit=limit)


def sent(due: DueDelivery) -> Outcome:
    """The provider has taken it."""
    return Outcome(due.letter.message_id, due.tries, DeliveryStatus.SENT)


def given_up(due: DueDelivery, *, failure: str) -> Outcome:
    """It will not be taken, however often it is tried; without an address there is nothing to try."""
    status = DeliveryStatus.NO_ADDRESS if failure == NO_ADDRESS else DeliveryStatus.GIVEN_UP
    return Outcome(due.letter.message_id, due.tries, status, failure=failure)


def failed(due: DueDelivery, *, failure: str, now: datetime) -> Outcome:
    """It was not taken this time: tried again, until it was tried often enough."""
    if due.tries >= TRIES_MAX:
        return given_up(due, failure=failure)
    return Outcome(
        due.letter.message_id,
        due.tries,
        DeliveryStatus.WAITING,
        due_at=next_try_at(tries=due.tries - 1, now=now),
        failure=failure,
    )


async def record_tries(uow: UnitOfWork, channel: ChannelName, outcomes: Sequence[Outcome], *, now: datetime) -> None:
    """Write down what a batch of tries came to."""
    await messages.record_outcomes(uow, channel, outcomes, now=now)
    for outcome in outcomes:
        _DELIVERED.labels(channel.value, outcome.status.value).inc()


async def send_again(uow: UnitOfWork, message_id: UUID, *, now: datetime) -> UUID:
    """A person decided that a message goes out once more, by every way there is; answers its order.

    :raises MessageUnknownError: there is no such message.
    """
    order_id = await messages.send_again(uow, message_id, now=now)
    if order_id is None:
        raise MessageUnknownError(str(message_id))
    return order_id


async def read_message(uow: UnitOfWork, *, member_id: UUID, message_id: UUID | None, now: datetime) -> None:
    """The member has read a message, or all of them (None).

    :raises MessageUnknownError: there is none, or it is somebody else's, which is not told apart.
    """
    if message_id is not None and not await messages.is_own(uow, member_id=member_id, message_id=message_id):
        raise MessageUnknownError(str(message_id))
    await messages.mark_read(uow, member_id=member_id, message_id=message_id, now=now)


def _told_by_us(order: Order) -> bool:
    """A reseller tells its buyers itself: we do not know them."""
    return order.channel_id is None


async def _tell(uow: UnitOfWork, notices: Sequence[Notice], *, now: datetime) -> None:
    if notices:
        await messages.add_messages(uow, notices, now=now)


def _fulfilled(order: Order) -> Notice:
    goods = tuple(part.name for part in order.components if part.issued_at is not None and part.status not in _GONE)
    return Notice(order.order_id, order.member_id, Occasion.FULFILLED, order.order_id, goods)


def _of_refund(order: Order, refund: Refund, occasion: Occasion) -> Notice:
    parts = [part for part in refund.parts if occasion is Occasion.UNAVAILABLE or part.status is PartStatus.REFUNDED]
    return Notice(
        order_id=order.order_id,
        member_id=order.member_id,
        occasion=occasion,
        about=refund.refund_id,
        goods=tuple(order.component(part.component_id).name for part in parts),
        amount_minor=sum(part.amount_minor for part in parts) if refund.parts else refund.amount_minor,
        currency=refund.currency,
    )
