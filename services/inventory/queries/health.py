"""How a supplier fares, for operators."""

from datetime import datetime
from uuid import UUID

from services.inventory.domain.health import BASIS, WINDOW, Calls, CircuitState, new_circuit
from services.inventory.repository import health
from services.inventory.schemas import SupplierHealthOut
from shared.database import UnitOfWork

_TASKS = """
SELECT count(task_id) AS open, count(task_id) FILTER (WHERE state = 'unknown') AS unknown
FROM suppliers supplier LEFT JOIN supplier_tasks task
     ON task.supplier_id = supplier.supplier_id AND task.state IN ('new', 'sent', 'unknown')
WHERE supplier.supplier_id = $1 GROUP BY supplier.supplier_id
"""


async def read_health(read: UnitOfWork, supplier_id: UUID, *, now: datetime) -> SupplierHealthOut | None:
    """None: there is no such supplier."""
    tasks = await read.raw.fetchrow(_TASKS, supplier_id)
    if tasks is None:
        return None
    circuit = await health.find_circuit(read, supplier_id) or new_circuit(supplier_id)
    calls = await health.read_window(read, supplier_id, since=now - WINDOW)
    return SupplierHealthOut(
        supplier_id=supplier_id,
        circuit=circuit.state,
        by_hand=circuit.by_hand,
        reason=circuit.reason,
        changed_at=circuit.changed_at,
        probe_after=circuit.until if circuit.state is CircuitState.OPEN else None,
        window_s=int(WINDOW.total_seconds()),
        calls=calls.total,
        answered=calls.answered,
        failed=calls.failed,
        not_understood=calls.not_understood,
        unreachable=calls.unreachable,
        success_rate_bp=_per_call(calls, calls.answered * BASIS),
        latency_ms_mean=_per_call(calls, calls.latency_ms_sum),
        latency_ms_max=calls.latency_ms_max,
        open_tasks=tasks["open"],
        unknown_tasks=tasks["unknown"],
    )


def _per_call(calls: Calls, amount: int) -> int | None:
    return amount // calls.total if calls.total else None
