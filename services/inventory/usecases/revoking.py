"""Take components back for a refund, as far as they were not used."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.delivery import (
    Delivery,
    DeliveryFacts,
    DeliveryState,
    RefundOrder,
    RevokeDecision,
    RevokeVerdict,
    UnitFacts,
    check_move,
    decide_revoke,
    restocked_units,
)
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.shipping import ShipmentState
from services.inventory.domain.stock import StockMoves
from services.inventory.repository import (
    deliveries,
    entitlements,
    gifting,
    restocking,
    seats,
    shipping,
    stock,
    supply,
)
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import get_logger

log = get_logger(__name__)


@dataclass(slots=True)
class _Plan:
    """What a batch of refunds changes, gathered for statements over all of it."""

    moves: StockMoves
    revoked: list[tuple[UUID, UUID]] = field(default_factory=list)
    waiting: list[tuple[UUID, UUID]] = field(default_factory=list)
    cancelled: list[UUID] = field(default_factory=list)
    unsent: list[UUID] = field(default_factory=list)
    units: list[UUID] = field(default_factory=list)
    restock: list[UUID] = field(default_factory=list)


async def revoke(uow: UnitOfWork, refunds: Sequence[RefundOrder], *, now: datetime) -> None:
    """Take these components back, or say why not.

    What was never reserved is written down as revoked, and what it holds is free again. Cards that nobody has seen go
    back to the shelf; those that were seen are lost. A top-up that may be with the supplier is answered for when the
    supplier's word is known. Asked again for a component that is revoked already, the answer is the same again.
    """
    wanted = {refund.component_id: refund for refund in refunds}
    plan = _Plan(moves=stock.stock_moves(uow))
    voided = await deliveries.void_deliveries(uow, list(wanted.values()), now=now)
    await stock.take_holds(uow, list(voided))
    for component_id in voided:
        announce_revoked(uow, wanted[component_id], now=now)
    known = await deliveries.lock_deliveries(uow, sorted(wanted.keys() - voided))
    if known:
        facts = await deliveries.lock_refund_facts(uow, known, now=now)
        for delivery in known:
            _decide(uow, plan, delivery, facts[delivery.component_id], wanted[delivery.component_id], now=now)
    await _write(uow, plan, now=now)


def _decide(
    uow: UnitOfWork,
    plan: _Plan,
    delivery: Delivery,
    facts: DeliveryFacts,
    refund: RefundOrder,
    *,
    now: datetime,
) -> None:
    decision = decide_revoke(facts)
    pair = (delivery.component_id, refund.refund_id)
    if decision.verdict is RevokeVerdict.REFUSE and decision.reason is not None:
        announce(
            uow,
            events.card_revoke_refused(delivery, refund_id=refund.refund_id, reason=decision.reason),
            now=now,
        )
    elif decision.verdict is RevokeVerdict.WAIT:
        plan.waiting.append(pair)
        log.info("revoke.waits_for_supplier", order_id=delivery.order_id, component_id=delivery.component_id)
    else:
        if delivery.state is not DeliveryState.REVOKED:
            check_move(delivery.state, DeliveryState.REVOKED)
        _plan_revoke(plan, delivery, facts, decision)
        plan.revoked.append(pair)
        announce_revoked(uow, refund, units=facts.units, restocked=restocked_units(facts, decision), now=now)


def _plan_revoke(plan: _Plan, delivery: Delivery, facts: DeliveryFacts, decision: RevokeDecision) -> None:
    active = {unit.entitlement_id for unit in facts.units if unit.state is EntitlementState.ACTIVE}
    plan.units.extend(entitlement_id for entitlement_id in decision.revoke if entitlement_id in active)
    plan.restock.extend(entitlement_id for entitlement_id in decision.restock if entitlement_id in active)
    if delivery.state is DeliveryState.AWAITING_SUPPLIER:
        plan.cancelled.append(delivery.component_id)
        give_back_units(plan.moves, delivery)
    if delivery.state is DeliveryState.AWAITING_SHIPMENT:
        plan.unsent.append(delivery.component_id)
        give_back_units(plan.moves, delivery)


def give_back_units(moves: StockMoves, delivery: Delivery) -> None:
    """A supplier has not delivered after all, or nothing was sent: the units can be sold again."""
    if delivery.quantity is not None:
        moves.take_back(delivery.sku_id, delivery.quantity)


def announce_revoked(
    uow: UnitOfWork,
    refund: RefundOrder,
    *,
    units: Sequence[UnitFacts] = (),
    restocked: Sequence[UnitFacts] = (),
    now: datetime,
) -> None:
    """Say that nothing of the component can be used any more, and what the cards cost that are on the shelf again."""
    announce(uow, events.card_revoked(refund, units=units, restocked=restocked), now=now)


async def _write(uow: UnitOfWork, plan: _Plan, *, now: datetime) -> None:
    if plan.revoked:
        await deliveries.mark_revoked(uow, plan.revoked)
    if plan.waiting:
        await deliveries.want_refund(uow, plan.waiting)
        await supply.want_cancel(uow, [component_id for component_id, _ in plan.waiting])
    if plan.cancelled:
        await supply.cancel_tasks(uow, plan.cancelled, now=now)
    if plan.unsent:
        await shipping.end(uow, plan.unsent, state=ShipmentState.CANCELLED, ended_by="refund", now=now)
    if plan.units:
        await entitlements.revoke_entitlements(uow, plan.units, restocked=plan.restock, now=now)
        await gifting.take_back(uow, plan.units, now=now)
    if plan.restock:
        await restocking.restock(uow, plan.restock)
        await seats.free_seats(uow, plan.restock)
