"""Watch how suppliers fare, and keep new orders from one that does not answer.

Counts and circuits stand in the database, because the answers are written there anyway, in one transaction for many:
all replicas agree, a new one knows what the others learnt, and an operator's hand is felt at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from services.inventory.domain.health import (
    WINDOW,
    Calls,
    Circuit,
    CircuitState,
    Outcome,
    begin_probe,
    close,
    judge,
    lets_order_through,
    open_by_hand,
)
from services.inventory.domain.supply import LeasedTask, Step, SupplierUnknownError
from services.inventory.repository import health
from shared.database import UnitOfWork
from shared.observability import Counter, Gauge, Histogram, get_logger

log = get_logger(__name__)

CALLS_KEPT = timedelta(days=1)

_CALLS = Counter("supplier_calls_total", "Calls to suppliers by how they ended", ["supplier", "outcome"])
_CALL_SECONDS = Histogram("supplier_call_seconds", "How long calls to suppliers take", ["supplier"])
_CIRCUIT = Gauge(
    "supplier_circuit_open", "1 while orders are kept from a supplier, 0.5 while it is tried", ["supplier"]
)
_CIRCUIT_CHANGES = Counter("supplier_circuit_changes_total", "Changes of suppliers' circuits", ["supplier", "state"])

_CIRCUIT_VALUES = {CircuitState.CLOSED: 0.0, CircuitState.HALF_OPEN: 0.5, CircuitState.OPEN: 1.0}


@dataclass(frozen=True, slots=True)
class Call:
    """A call that ended."""

    supplier_id: UUID
    outcome: Outcome
    latency_ms: int


async def hold_back(uow: UnitOfWork, leased: Sequence[LeasedTask], *, now: datetime) -> list[LeasedTask]:
    """Mark new orders that their supplier's circuit keeps away; of a half-open one a single order goes through."""
    placing = [entry for entry in leased if entry.step is Step.PLACE]
    if not placing:
        return list(leased)
    circuits = await health.lock_cut_circuits(uow, list({entry.supplier_id for entry in placing}))
    passed: list[LeasedTask] = []
    for entry in leased:
        circuit = circuits.get(entry.supplier_id)
        if circuit is None or entry.step is not Step.PLACE:
            passed.append(entry)
        elif lets_order_through(circuit, now=now):
            circuits[entry.supplier_id] = await _save(uow, begin_probe(circuit, now=now))
            passed.append(entry)
        else:
            passed.append(replace(entry, held_back=True))
    return passed


async def note_calls(uow: UnitOfWork, calls: Sequence[Call], *, now: datetime) -> None:
    """Count calls, and open or close the circuits that they decide."""
    if not calls:
        return
    counts = _count(calls)
    await health.count_calls(uow, counts, now=now)
    uow.after_commit(lambda: _show(calls))
    lost = {supplier_id for supplier_id, count in counts.items() if count.lost}
    judged = sorted(lost | await health.find_cut(uow, list(counts)))
    if not judged:
        return
    for supplier_id, circuit in (await health.lock_circuits(uow, judged)).items():
        mine = counts[supplier_id]
        window = await health.read_window(uow, supplier_id, since=max(now - WINDOW, circuit.changed_at or now - WINDOW))
        after = judge(circuit, window, answered=mine.total - mine.lost, lost=mine.lost, now=now)
        if after is not circuit:
            await _save(uow, after)


async def set_circuit(uow: UnitOfWork, supplier_id: UUID, *, closed: bool, reason: str, now: datetime) -> None:
    """An operator keeps orders from a supplier, or lets them flow again.

    :raises SupplierUnknownError: there is no such supplier.
    """
    circuit = (await health.lock_circuits(uow, [supplier_id])).get(supplier_id)
    if circuit is None:
        raise SupplierUnknownError(f"there is no supplier {supplier_id}")
    changed = close(circuit, reason, by_hand=True, now=now) if closed else open_by_hand(circuit, reason, now=now)
    await _save(uow, changed)


async def forget_calls(uow: UnitOfWork, *, now: datetime) -> None:
    """Counts older than a day serve nobody."""
    await health.prune_calls(uow, before=now - CALLS_KEPT)


async def _save(uow: UnitOfWork, circuit: Circuit) -> Circuit:
    await health.save_circuit(uow, circuit)
    uow.after_commit(lambda: _tell(circuit))
    return circuit


def _tell(circuit: Circuit) -> None:
    log.warning(
        "supplier.circuit_changed",
        supplier_id=circuit.supplier_id,
        state=circuit.state.value,
        by_hand=circuit.by_hand,
        reason=circuit.reason,
        trips=circuit.trips,
        until=circuit.until,
    )
    supplier = str(circuit.supplier_id)
    _CIRCUIT_CHANGES.labels(supplier, circuit.state.value).inc()
    _CIRCUIT.labels(supplier).set(_CIRCUIT_VALUES[circuit.state])


def _count(calls: Iterable[Call]) -> Mapping[UUID, Calls]:
    counts: dict[UUID, Calls] = {}
    for call in calls:
        so_far = counts.get(call.supplier_id, Calls())
        counts[call.supplier_id] = Calls(
            answered=so_far.answered + (call.outcome is Outcome.ANSWERED),
            failed=so_far.failed + (call.outcome is Outcome.FAILED),
            not_understood=so_far.not_understood + (call.outcome is Outcome.NOT_UNDERSTOOD),
            unreachable=so_far.unreachable + (call.outcome is Outcome.UNREACHABLE),
            latency_ms_sum=so_far.latency_ms_sum + call.latency_ms,
            latency_ms_max=max(so_far.latency_ms_max, call.latency_ms),
        )
    return counts


def _show(calls: Iterable[Call]) -> None:
    for call in calls:
        _CALLS.labels(str(call.supplier_id), call.outcome.value).inc()
        _CALL_SECONDS.labels(str(call.supplier_id)).observe(call.latency_ms / 1_000)
