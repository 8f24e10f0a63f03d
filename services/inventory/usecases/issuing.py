"""Issue what was paid for: many orders at once, each component all of its units, something in its stead, or none."""

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.inventory import events
from services.inventory.domain.delivery import RejectReason
from services.inventory.domain.issuing import Reservation
from services.inventory.domain.kinds import Source
from services.inventory.domain.substitutes import SUBSTITUTED_FOR, Substitute
from services.inventory.repository import deliveries, entitlements, shipping, stock, substitutes, supply
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.minting import store
from services.inventory.usecases.repeating import repeat_outcomes
from services.inventory.usecases.serving import Outcome, serve
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import Counter, get_logger

log = get_logger(__name__)

TASKS_CHANNEL = "supplier_tasks"
"""The doorbell of the job that calls suppliers."""

_ISSUED = Counter("components_issued_total", "Components delivered", ["kind"])
_REJECTED = Counter("components_rejected_total", "Components that could not be had", ["reason"])
_SUBSTITUTED = Counter("components_substituted_total", "Components for which something else was delivered")


async def reserve(uow: UnitOfWork, reservations: Sequence[Reservation], *, sealer: CardSealer, now: datetime) -> None:
    """Deliver these components, each all of its units or none, and say of each what became of it.

    What an order holds is there for it. Without a hold (a payment that came late) a component is served if enough is
    free. A component that was dealt with before is not delivered again: its outcome is said once more.
    """
    wanted = {reservation.component_id: reservation for reservation in reservations}
    opened = await deliveries.open_deliveries(uow, list(wanted.values()), now=now)
    await repeat_outcomes(uow, [wanted[component_id] for component_id in wanted.keys() - opened], now=now)
    fresh = [reservation for component_id, reservation in wanted.items() if component_id in opened]
    if not fresh:
        return
    outcome = Outcome(moves=stock.stock_moves(uow))
    line_ids = {reservation.line_id for reservation in fresh}
    held = await stock.take_holds(uow, [reservation.component_id for reservation in fresh], line_ids=line_ids)
    await serve(uow, fresh, opened, held=held, outcome=outcome, sealer=sealer, now=now)
    await _substitute(uow, outcome, sealer=sealer, now=now)
    await _write(uow, outcome, now=now)


async def serve_instead(
    uow: UnitOfWork, failed: Sequence[Reservation], *, sealer: CardSealer, now: datetime
) -> set[UUID]:
    """Deliver what stands in for components that their suppliers failed to deliver; answers those that nothing stands in for.

    Nothing is ordered from a supplier again: what the first one says late would not be told from what the next one does.
    """
    outcome = Outcome(moves=stock.stock_moves(uow))
    outcome.rejected = [(reservation, RejectReason.SUPPLIER_FAILED) for reservation in failed]
    await _substitute(uow, outcome, sealer=sealer, now=now, from_suppliers=False)
    left = {reservation.component_id for reservation, _ in outcome.rejected}
    outcome.rejected = []
    await _write(uow, outcome, now=now)
    return left


async def _substitute(
    uow: UnitOfWork, outcome: Outcome, *, sealer: CardSealer, now: datetime, from_suppliers: bool = True
) -> None:
    """Where something cannot be had, and its SKU and its buyer allow it, the first is delivered that stands in for it.

    What stands in is not stood in for itself: the buyer was shown one step.
    """
    open_to = [
        entry
        for entry, reason in outcome.rejected
        if entry.accept_substitutes and entry.ordered_sku_id is None and reason in SUBSTITUTED_FOR
    ]
    if not open_to:
        return
    named = await substitutes.find_substitutes(uow, list({entry.sku_id for entry in open_to}))
    queues = {
        entry.component_id: [
            each for each in named.get(entry.sku_id, ()) if from_suppliers or each.source is not Source.SUPPLIER
        ]
        for entry in open_to
    }
    while tried := {
        entry.component_id: queues[entry.component_id].pop(0) for entry in open_to if queues[entry.component_id]
    }:
        before, outcome.rejected = outcome.rejected, []
        await serve(
            uow,
            [_instead(entry, tried[entry.component_id]) for entry in open_to if entry.component_id in tried],
            {component_id: substitute.source for component_id, substitute in tried.items()},
            held=set(),
            outcome=outcome,
            sealer=sealer,
            now=now,
        )
        failed = {entry.component_id for entry, _ in outcome.rejected}
        served = tried.keys() - failed
        outcome.instead.update({component_id: tried[component_id] for component_id in served})
        outcome.rejected = [(entry, reason) for entry, reason in before if entry.component_id not in served]
        open_to = [entry for entry in open_to if entry.component_id not in served]


def _instead(reservation: Reservation, substitute: Substitute) -> Reservation:
    return replace(reservation, sku_id=substitute.sku_id, kind=substitute.kind, ordered_sku_id=reservation.sku_id)


async def _write(uow: UnitOfWork, outcome: Outcome, *, now: datetime) -> None:
    """Everything that the batch came to, but the counters, which follow before the commit."""
    if outcome.instead:
        await deliveries.substitute(uow, list(outcome.instead.items()), now=now)
        log.info("components.substituted", components=len(outcome.instead))
    for minted in outcome.minted:
        await store(uow, minted, now=now)
    if outcome.units:
        await entitlements.give_entitlements(uow, outcome.units, now=now)
    if outcome.found:
        await deliveries.mark_issued(uow, outcome.found, now=now)
    if outcome.rejected:
        await deliveries.reject_deliveries(
            uow, [(reservation.component_id, reason) for reservation, reason in outcome.rejected]
        )
    if outcome.tasks:
        await deliveries.set_suppliers(uow, [(task.component_id, task.supplier_id) for task in outcome.tasks])
        await supply.add_tasks(uow, outcome.tasks, now=now)
        uow.after_commit(lambda: uow.database.ring(TASKS_CHANNEL))
    if outcome.promised:
        await shipping.add_shipments(uow, outcome.promised, now=now)
    issued = [
        events.card_issued(
            component, units, supplier_id=None, issued_at=now, name=_name_of(outcome.instead, component.component_id)
        )
        for component, units in outcome.issued
    ]
    rejected = [events.card_rejected(component, reason) for component, reason in outcome.rejected]
    promised = [events.shipment_promised(component, promise) for component, promise in outcome.promised]
    announce(uow, *issued, *rejected, *promised, now=now)
    uow.after_commit(lambda: _count(outcome))


def _name_of(instead: Mapping[UUID, Substitute], component_id: UUID) -> str | None:
    return instead[component_id].name if component_id in instead else None


def _count(outcome: Outcome) -> None:
    for kind, components in Tally(component.kind.value for component, _ in outcome.issued).items():
        _ISSUED.labels(kind).inc(components)
    if outcome.instead:
        _SUBSTITUTED.inc(len(outcome.instead))
    for _, reason in outcome.rejected:
        _REJECTED.labels(reason.value).inc()
