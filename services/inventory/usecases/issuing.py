"""Issue what was paid for: claim cards for many orders at once, or leave an order for the supplier."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import DeliveryState, RejectReason
from services.inventory.domain.issuing import (
    Assignment,
    ClaimedCard,
    Entitlement,
    Reservation,
    assign,
    count_missing,
    count_wanted,
)
from services.inventory.domain.stock import StockMoves
from services.inventory.domain.supply import out_order_no
from services.inventory.repository import cards, deliveries, entitlements, keys, stock, supply
from services.inventory.repository.supply import ChosenOffer, NewTask
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter, get_logger

log = get_logger(__name__)

TASKS_CHANNEL = "supplier_tasks"
"""The doorbell of the job that calls suppliers."""

_ISSUED = Counter("components_issued_total", "Components delivered", ["kind"])
_REJECTED = Counter("components_rejected_total", "Components that could not be had", ["reason"])


@dataclass(slots=True)
class _Outcome:
    """What a batch comes to, gathered for statements over all of it."""

    moves: StockMoves
    rejected: list[tuple[Reservation, RejectReason]] = field(default_factory=list)
    units: list[Entitlement] = field(default_factory=list)
    issued: list[tuple[Reservation, tuple[Entitlement, ...]]] = field(default_factory=list)
    tasks: list[NewTask] = field(default_factory=list)


async def reserve(uow: UnitOfWork, reservations: Sequence[Reservation], *, now: datetime) -> None:
    """Deliver these components, each all of its units or none, and say of each what became of it.

    What an order holds is there for it. Without a hold (a payment that came late) a component is served if enough is
    free. A component that was dealt with before is not delivered again: its outcome is said once more.
    """
    wanted = {reservation.component_id: reservation for reservation in reservations}
    opened = await deliveries.open_deliveries(uow, list(wanted.values()), now=now)
    await _repeat_outcomes(uow, [wanted[component_id] for component_id in wanted.keys() - opened], now=now)
    fresh = [reservation for component_id, reservation in wanted.items() if component_id in opened]
    if not fresh:
        return
    outcome = _Outcome(moves=stock.stock_moves(uow))
    line_ids = {reservation.line_id for reservation in fresh}
    held = await stock.take_holds(uow, [reservation.component_id for reservation in fresh], line_ids=line_ids)
    served = await _pass_stock(uow, fresh, held, outcome)
    card_keys = [reservation for reservation in served if reservation.kind is SkuKind.CARD_KEY]
    if card_keys:
        await _issue_cards(uow, card_keys, outcome, now=now)
    top_ups = [reservation for reservation in served if reservation.kind is SkuKind.DIRECT_TOP_UP]
    if top_ups:
        await _order_top_ups(uow, top_ups, outcome)
    await _write(uow, outcome, now=now)


async def _pass_stock(
    uow: UnitOfWork, fresh: Sequence[Reservation], held: set[UUID], outcome: _Outcome
) -> list[Reservation]:
    """Those that may have stock: all with a hold, and of the others as many as the free stock serves."""
    unheld = [reservation for reservation in fresh if reservation.component_id not in held]
    if not unheld:
        return list(fresh)
    free = await stock.lock_stock(uow, list({reservation.sku_id for reservation in unheld}))
    refused: set[UUID] = set()
    for reservation in unheld:
        left = free.get(reservation.sku_id, 0)
        if left is None:
            continue
        if left < reservation.quantity:
            reason = RejectReason.OUT_OF_STOCK if reservation.sku_id in free else RejectReason.SKU_UNKNOWN
            outcome.rejected.append((reservation, reason))
            refused.add(reservation.component_id)
        else:
            free[reservation.sku_id] = left - reservation.quantity
    return [reservation for reservation in fresh if reservation.component_id not in refused]


async def _issue_cards(
    uow: UnitOfWork, reservations: Sequence[Reservation], outcome: _Outcome, *, now: datetime
) -> None:
    assignment = await _claim(uow, reservations, now=now)
    for reservation in reservations:
        given = assignment.given.get(reservation.component_id)
        if given is None:
            outcome.rejected.append((reservation, RejectReason.OUT_OF_STOCK))
            continue
        units = tuple(_entitlement(reservation, card) for card in given)
        outcome.units.extend(units)
        outcome.issued.append((reservation, units))
        outcome.moves.sell(reservation.sku_id, reservation.quantity)
    if assignment.left_over:
        await cards.put_back(uow, assignment.left_over)


async def _claim(uow: UnitOfWork, reservations: Sequence[Reservation], *, now: datetime) -> Assignment:
    """Cards that others are just taking are passed over at first; before anything counts as sold out they are waited for."""
    wanted = count_wanted(reservations)
    claimed = await cards.claim_cards(uow, wanted, now=now)
    missing = count_missing(wanted, claimed)
    if missing:
        claimed += await cards.claim_cards(uow, missing, now=now, wait=True)
        short = count_missing(wanted, claimed)
        if short:
            log.warning("stock.short", skus={str(sku_id): quantity for sku_id, quantity in short.items()})
    return assign(reservations, claimed)


async def _order_top_ups(uow: UnitOfWork, reservations: Sequence[Reservation], outcome: _Outcome) -> None:
    offers = await supply.choose_offers(uow, list({reservation.sku_id for reservation in reservations}))
    masks = await keys.find_masks(uow, [reservation.component_id for reservation in reservations])
    for reservation in reservations:
        offer = offers.get(reservation.sku_id)
        reason = _objection(reservation, offer, told=reservation.component_id in masks)
        if offer is None or reason is not None:
            outcome.rejected.append((reservation, reason or RejectReason.NO_SUPPLIER))
            continue
        outcome.moves.sell(reservation.sku_id, reservation.quantity)
        outcome.tasks.append(
            NewTask(
                task_id=new_id(),
                component_id=reservation.component_id,
                supplier_id=offer.supplier_id,
                out_order_no=out_order_no(reservation.component_id),
                supplier_sku=offer.supplier_sku,
                quantity=reservation.quantity,
                cost_minor=offer.cost_minor * reservation.quantity,
            )
        )


def _objection(reservation: Reservation, offer: ChosenOffer | None, *, told: bool) -> RejectReason | None:
    if offer is None:
        return RejectReason.NO_SUPPLIER
    if not told:
        return RejectReason.BUYER_FIELDS_MISSING
    if offer.guarded and offer.cost_minor * reservation.quantity > reservation.amount_minor:
        return RejectReason.PRICE_GUARD
    return None


async def _write(uow: UnitOfWork, outcome: _Outcome, *, now: datetime) -> None:
    """Everything that the batch came to, but the counters, which follow before the commit."""
    if outcome.units:
        await entitlements.give_entitlements(uow, outcome.units, now=now)
    if outcome.rejected:
        await deliveries.reject_deliveries(
            uow, [(reservation.component_id, reason) for reservation, reason in outcome.rejected]
        )
    if outcome.tasks:
        await deliveries.set_suppliers(uow, [(task.component_id, task.supplier_id) for task in outcome.tasks])
        await supply.add_tasks(uow, outcome.tasks, now=now)
        uow.after_commit(lambda: uow.database.ring(TASKS_CHANNEL))
    issued = [
        events.card_issued(component, units, supplier_id=None, issued_at=now) for component, units in outcome.issued
    ]
    rejected = [events.card_rejected(component, reason) for component, reason in outcome.rejected]
    announce(uow, *issued, *rejected, now=now)
    uow.after_commit(lambda: _count(outcome))


def _count(outcome: _Outcome) -> None:
    if outcome.issued:
        _ISSUED.labels(SkuKind.CARD_KEY.value).inc(len(outcome.issued))
    for _, reason in outcome.rejected:
        _REJECTED.labels(reason.value).inc()


async def _repeat_outcomes(uow: UnitOfWork, reservations: Sequence[Reservation], *, now: datetime) -> None:
    """Somebody asks again for what was decided before, because the answer seems not to have arrived: say it again."""
    if not reservations:
        return
    known = {
        delivery.component_id: delivery
        for delivery in await deliveries.find_deliveries(uow, [entry.component_id for entry in reservations])
    }
    issued = [entry for entry in reservations if known[entry.component_id].state is DeliveryState.ISSUED]
    units = await entitlements.find_entitlements(
        uow,
        order_ids=[entry.order_id for entry in issued],
        component_ids=[entry.component_id for entry in issued],
    )
    for entry in issued:
        own = [unit for unit in units if unit.component_id == entry.component_id]
        delivery = known[entry.component_id]
        issued_at = delivery.issued_at or now
        announce(uow, events.card_issued(entry, own, supplier_id=delivery.supplier_id, issued_at=issued_at), now=now)
    for entry in reservations:
        reason = known[entry.component_id].reason
        if known[entry.component_id].state is DeliveryState.REJECTED and reason is not None:
            announce(uow, events.card_rejected(entry, reason), now=now)
    log.info("reserve.repeated", components=len(reservations), issued=len(issued))


def _entitlement(reservation: Reservation, card: ClaimedCard) -> Entitlement:
    return Entitlement(
        entitlement_id=new_id(),
        component_id=reservation.component_id,
        order_id=reservation.order_id,
        member_id=reservation.member_id,
        sku_id=reservation.sku_id,
        card_id=card.card_id,
        masked=card.masked,
        cost_minor=card.cost_minor,
        expires_at=card.expires_at,
    )
