"""Refunds: begun, answered for by inventory and settlement, ended by the provider's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from services.order.domain import refunds as refunding
from services.order.domain import returns as moves
from services.order.domain.orders import Order
from services.order.domain.payments import Payment
from services.order.domain.refunds import Refund, RefundPart, RefundReason, RefundStatus
from services.order.events import order_refunded, refund_requested, surplus_refunded
from services.order.repository.orders import Told, lock_orders, save_orders
from services.order.repository.refunds import DueRefund, add_refunds, lock_refunds, save_refunds, take_due_refunds
from services.order.usecases.changes import Changes, OrderNotFoundError
from services.order.usecases.limits import give_back_refunded
from services.order.usecases.messages import announce_milestones, tell_refunded
from services.order.usecases.webhooks import tell_refunds
from shared.clock import new_id
from shared.contracts import CardRevokedV1, CardRevokeRefusedV1, Event, SettlementReversedV1
from shared.database import UnitOfWork
from shared.messaging import announce

__all__ = [
    "SYSTEM",
    "DueRefund",
    "NothingToRefundError",
    "RefundWanted",
    "begin_refunds",
    "dismiss_part",
    "note_reversed",
    "note_revoke_refused",
    "note_revoked",
    "record_money_refused",
    "record_money_sent",
    "refund_of_payment",
    "request_refund",
    "send_again",
    "take_due_refunds",
]

SYSTEM = "system"


class NothingToRefundError(Exception):
    """No component was named, or none is left."""


@dataclass(frozen=True, slots=True)
class RefundWanted:
    """What is to be taken back: by line, these components of it (None: whatever of the line can be); None: of the order."""

    order_id: UUID
    lines: Mapping[UUID, Sequence[UUID] | None] | None
    reason: RefundReason
    requested_by: str
    note: str | None = None


async def begin_refunds(
    uow: UnitOfWork,
    orders: Changes,
    going_back: Sequence[tuple[UUID, UUID]],
    *,
    reason: RefundReason,
    requested_by: str,
    now: datetime,
    note: str | None = None,
) -> list[Refund]:
    """Write and announce one refund per order, for components (order id, component id) that are on their way back."""
    by_order: dict[UUID, list[UUID]] = {}
    for order_id, component_id in going_back:
        by_order.setdefault(order_id, []).append(component_id)
    refunds = [
        _refund(orders[order_id], component_ids, reason=reason, requested_by=requested_by, now=now, note=note)
        for order_id, component_ids in by_order.items()
    ]
    if refunds:
        await add_refunds(uow, refunds)
        announce(uow, *(refund_requested(orders[refund.order_id], refund) for refund in refunds), now=now)
    return refunds


async def request_refund(uow: UnitOfWork, wanted: RefundWanted, *, now: datetime) -> Refund:
    """Begin to take components back because somebody asked.

    :raises OrderNotFoundError: no such order.
    :raises NotPaidError: it is not paid.
    :raises UnknownComponentError: a line or component is not in it.
    :raises NotRefundableError: a named component is refunded, on its way back, or waits for a person.
    :raises NothingToRefundError: nothing was named, or nothing is left.
    """
    changes = Changes(await lock_orders(uow, [wanted.order_id]))
    order = changes[wanted.order_id]
    component_ids = moves.select_for_refund(order, wanted.lines)
    if not component_ids:
        raise NothingToRefundError("nothing of it can be given back")
    changes.step(wanted.order_id, partial(moves.begin_refund, component_ids=component_ids, now=now))
    await save_orders(uow, changes.pairs, now=now)
    going_back = [(wanted.order_id, component_id) for component_id in component_ids]
    refunds = await begin_refunds(
        uow, changes, going_back, reason=wanted.reason, requested_by=wanted.requested_by, now=now, note=wanted.note
    )
    await announce_milestones(uow, changes, now=now)
    return refunds[0]


def refund_of_payment(payment: Payment, *, reason: RefundReason, now: datetime) -> Refund:
    """The refund of a payment that bought nothing."""
    return Refund(
        refund_id=new_id(),
        order_id=payment.order_id,
        payment_id=payment.payment_id,
        reason=reason,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        status=RefundStatus.SENDING,
        parts=(),
        requested_by=SYSTEM,
        requested_at=now,
    )


async def note_revoked(uow: UnitOfWork, revoked: Sequence[CardRevokedV1], *, now: datetime) -> None:
    """The goods are back.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in revoked]))
    for fact in revoked:
        changes.step(fact.order_id, partial(moves.revoke, component_id=fact.component_id, now=now))
    await save_orders(uow, changes.pairs, now=now)


async def note_revoke_refused(uow: UnitOfWork, refused: Sequence[CardRevokeRefusedV1], *, now: datetime) -> None:
    """The goods were used: these wait for a person, and what else their refunds hold goes on.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in refused]))
    before = await lock_refunds(uow, [fact.refund_id for fact in refused])
    refunds = dict(before)
    told = {}
    for fact in refused:
        changes.step(fact.order_id, partial(moves.refuse_revoke, component_id=fact.component_id, now=now))
        told[fact.component_id] = Told(reason=fact.reason)
        refund = refunds.get(fact.refund_id)
        if refund is not None:
            refunds[fact.refund_id] = refunding.refuse_part(refund, component_id=fact.component_id, now=now)
    await _save(uow, changes, before, refunds, told=told, now=now)


async def note_reversed(uow: UnitOfWork, undone: Sequence[SettlementReversedV1], *, now: datetime) -> None:
    """Points and shares are back: once all of a refund is answered for, its money may go.

    :raises OrderNotFoundError: one is of an order we never had.
    :raises UnknownComponentError: one is not in its order.
    """
    changes = Changes(await lock_orders(uow, [fact.order_id for fact in undone]))
    before = await lock_refunds(uow, [fact.refund_id for fact in undone])
    refunds = dict(before)
    for fact in undone:
        # Settlement speaks after inventory, but its topic may be read first.
        changes.step(fact.order_id, partial(moves.revoke, component_id=fact.component_id, now=now))
        refund = refunds.get(fact.refund_id)
        if refund is not None:
            refunds[fact.refund_id] = refunding.reverse_part(refund, component_id=fact.component_id, now=now)
    await _save(uow, changes, before, refunds, told={}, now=now)


async def record_money_sent(
    uow: UnitOfWork, sent: Mapping[UUID, UUID], *, provider_of: Mapping[UUID, str], now: datetime
) -> None:
    """Providers have sent the money of these refunds. `sent` is order id by refund id, `provider_of` by refund id."""
    changes = Changes(await lock_orders(uow, sent.values()))
    before = await lock_refunds(uow, sent)
    refunds = {
        refund_id: refunding.money_sent(refund, now=now) if refund.status is RefundStatus.SENDING else refund
        for refund_id, refund in before.items()
    }
    await _save(uow, changes, before, refunds, told={}, now=now, provider_of=provider_of)


async def record_money_refused(uow: UnitOfWork, refused: Mapping[UUID, UUID], *, note: str, now: datetime) -> None:
    """A provider will not send the money of these refunds: a person has to look. Order id by refund id."""
    await lock_orders(uow, refused.values())
    before = await lock_refunds(uow, refused)
    changes = [
        (refund, refunding.money_refused(refund)) for refund in before.values() if refund.status is RefundStatus.SENDING
    ]
    await save_refunds(uow, changes, now=now, note=note)


async def send_again(uow: UnitOfWork, *, order_id: UUID, refund_id: UUID, now: datetime) -> Refund:
    """A person decided that the provider, which refused, is to be asked again.

    :raises OrderNotFoundError: no such order, or no such refund of it.
    :raises RefundNotInReviewError: no provider refused it.
    """
    before = await _lock_refund(uow, order_id=order_id, refund_id=refund_id)
    after = refunding.send_again(before)
    await save_refunds(uow, [(before, after)], now=now)
    return after


async def dismiss_part(
    uow: UnitOfWork, *, order_id: UUID, refund_id: UUID, component_id: UUID, now: datetime
) -> Refund:
    """A person decided that the component, which was used, is not refunded.

    :raises OrderNotFoundError: no such order, or no such refund of it.
    :raises RefundNotInReviewError: nobody was asked.
    """
    changes = Changes(await lock_orders(uow, [order_id]))
    before = await _lock_refund(uow, order_id=order_id, refund_id=refund_id)
    after = refunding.dismiss_part(before, component_id=component_id, now=now)
    changes.step(order_id, partial(moves.dismiss_review, component_id=component_id, now=now))
    await _save(uow, changes, {refund_id: before}, {refund_id: after}, told={}, now=now)
    return after


async def _lock_refund(uow: UnitOfWork, *, order_id: UUID, refund_id: UUID) -> Refund:
    """The order's refund, both locked.

    :raises OrderNotFoundError: no such order, or no such refund of it.
    """
    await lock_orders(uow, [order_id])
    refund = (await lock_refunds(uow, [refund_id])).get(refund_id)
    if refund is None or refund.order_id != order_id:
        raise OrderNotFoundError(f"{refund_id} of {order_id}")
    return refund


async def _save(
    uow: UnitOfWork,
    changes: Changes,
    before: Mapping[UUID, Refund],
    after: Mapping[UUID, Refund],
    *,
    told: Mapping[UUID, Told],
    now: datetime,
    provider_of: Mapping[UUID, str] | None = None,
) -> None:
    """Write orders and refunds; a refund that has just ended takes its components to their end and is announced."""
    changed = [(before[refund_id], refund) for refund_id, refund in after.items() if refund is not before[refund_id]]
    ended = [
        new for old, new in changed if new.status is RefundStatus.REFUNDED and old.status is not RefundStatus.REFUNDED
    ]
    announced = [_end(changes, refund, provider=(provider_of or {}).get(refund.refund_id), now=now) for refund in ended]
    await save_orders(uow, changes.pairs, now=now, told=told)
    await save_refunds(uow, changed, now=now)
    await give_back_refunded(uow, [changes[refund.order_id] for refund in ended if refund.parts])
    announce(uow, *announced, now=now)
    await announce_milestones(uow, changes, now=now)
    await tell_refunded(uow, changes, ended, now=now)
    await tell_refunds(uow, changes, announced, now=now)


def _end(changes: Changes, refund: Refund, *, provider: str | None, now: datetime) -> Event:
    """Take the components of a refund whose money is back to their end; one without any was of money that bought nothing."""
    if not refund.parts:
        return surplus_refunded(changes[refund.order_id], refund, provider=provider, refunded_at=now)
    parts = [part for part in refund.parts if part.status is refunding.PartStatus.REFUNDED]
    back = [part.component_id for part in parts]
    order = changes.step(refund.order_id, partial(moves.refund, component_ids=back, now=now))
    return order_refunded(order, refund, paid_parts=parts, provider=provider, refunded_at=now)


def _refund(
    order: Order,
    component_ids: Sequence[UUID],
    *,
    reason: RefundReason,
    requested_by: str,
    now: datetime,
    note: str | None,
) -> Refund:
    parts = tuple(
        RefundPart(component.component_id, component.sku_id, component.amount_minor)
        for component in map(order.component, component_ids)
    )
    return Refund(
        refund_id=new_id(),
        order_id=order.order_id,
        payment_id=order.payment_id,
        reason=reason,
        currency=order.currency,
        amount_minor=sum(part.amount_minor for part in parts),
        status=RefundStatus.REVOKING,
        parts=parts,
        requested_by=requested_by,
        requested_at=now,
        note=note,
    )
