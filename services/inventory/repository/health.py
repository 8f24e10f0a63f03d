"""How suppliers fare: calls by slot, and circuits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.health import Calls, Circuit, CircuitState
from shared.database import UnitOfWork

SLOT_S = 5
"""Calls are counted together for this long: a supplier's minute is a dozen rows, whatever it is asked."""

_COUNT = f"""
INSERT INTO supplier_calls AS slot (supplier_id, slot_at, answered, failed, not_understood, unreachable, latency_ms_sum,
                                    latency_ms_max)
SELECT supplier_id, date_bin('{SLOT_S} seconds', $1, 'epoch'), answered, failed, not_understood, unreachable,
       latency_ms_sum, latency_ms_max
FROM unnest($2::uuid[], $3::int[], $4::int[], $5::int[], $6::int[], $7::bigint[], $8::int[])
     AS wanted (supplier_id, answered, failed, not_understood, unreachable, latency_ms_sum, latency_ms_max)
ORDER BY supplier_id
ON CONFLICT (supplier_id, slot_at) DO UPDATE SET
    answered = slot.answered + excluded.answered, failed = slot.failed + excluded.failed,
    not_understood = slot.not_understood + excluded.not_understood, unreachable = slot.unreachable + excluded.unreachable,
    latency_ms_sum = slot.latency_ms_sum + excluded.latency_ms_sum,
    latency_ms_max = greatest(slot.latency_ms_max, excluded.latency_ms_max)
"""  # noqa: S608  # composed of the constant above

_WINDOW = """
SELECT coalesce(sum(answered), 0)::int AS answered, coalesce(sum(failed), 0)::int AS failed,
       coalesce(sum(not_understood), 0)::int AS not_understood, coalesce(sum(unreachable), 0)::int AS unreachable,
       coalesce(sum(latency_ms_sum), 0)::bigint AS latency_ms_sum, coalesce(max(latency_ms_max), 0) AS latency_ms_max
FROM supplier_calls WHERE supplier_id = $1 AND slot_at >= $2
"""

_CIRCUIT = "SELECT supplier_id, state, by_hand, trips, reason, changed_at, until FROM supplier_circuits"
_FIND = f"{_CIRCUIT} WHERE supplier_id = $1"
_LOCK_CUT = f"{_CIRCUIT} WHERE supplier_id = ANY($1::uuid[]) AND state <> 'closed' ORDER BY supplier_id FOR UPDATE"
_LOCK = f"{_CIRCUIT} WHERE supplier_id = ANY($1::uuid[]) ORDER BY supplier_id FOR UPDATE"

_CUT = "SELECT supplier_id FROM supplier_circuits WHERE supplier_id = ANY($1::uuid[]) AND state <> 'closed'"

_OPEN_ACCOUNTS = """
INSERT INTO supplier_circuits (supplier_id, state, by_hand, trips, reason)
SELECT supplier_id, 'closed', false, 0, '' FROM suppliers WHERE supplier_id = ANY($1::uuid[]) ORDER BY supplier_id
ON CONFLICT DO NOTHING
"""

_SAVE = """
UPDATE supplier_circuits SET state = $2, by_hand = $3, trips = $4, reason = $5, changed_at = $6, until = $7
WHERE supplier_id = $1
"""

_PRUNE = "DELETE FROM supplier_calls WHERE slot_at < $1"


async def count_calls(uow: UnitOfWork, counts: Mapping[UUID, Calls], *, now: datetime) -> None:
    """Add calls that just ended to their suppliers' present slots."""
    calls = list(counts.values())
    await uow.raw.execute(
        _COUNT,
        now,
        list(counts),
        [each.answered for each in calls],
        [each.failed for each in calls],
        [each.not_understood for each in calls],
        [each.unreachable for each in calls],
        [each.latency_ms_sum for each in calls],
        [each.latency_ms_max for each in calls],
    )


async def read_window(uow: UnitOfWork, supplier_id: UUID, *, since: datetime) -> Calls:
    """The calls in slots that began no earlier than that."""
    row = await uow.raw.fetchrow(_WINDOW, supplier_id, since)
    return Calls(**row) if row else Calls()


async def find_cut(uow: UnitOfWork, supplier_ids: Sequence[UUID]) -> set[UUID]:
    """Those whose circuits are not closed, without a lock."""
    return {row["supplier_id"] for row in await uow.raw.fetch(_CUT, supplier_ids)}


async def find_circuit(uow: UnitOfWork, supplier_id: UUID) -> Circuit | None:
    """A supplier's circuit, without a lock; None: it was never other than closed."""
    row = await uow.raw.fetchrow(_FIND, supplier_id)
    return None if row is None else _circuit(row)


async def lock_cut_circuits(uow: UnitOfWork, supplier_ids: Sequence[UUID]) -> dict[UUID, Circuit]:
    """Those that are not closed, locked. Normally there is none, and nothing is locked."""
    return {row["supplier_id"]: _circuit(row) for row in await uow.raw.fetch(_LOCK_CUT, supplier_ids)}


async def lock_circuits(uow: UnitOfWork, supplier_ids: Sequence[UUID]) -> dict[UUID, Circuit]:
    """The circuits of suppliers that exist, locked in the order of the ids."""
    await uow.raw.execute(_OPEN_ACCOUNTS, supplier_ids)
    return {row["supplier_id"]: _circuit(row) for row in await uow.raw.fetch(_LOCK, supplier_ids)}


async def save_circuit(uow: UnitOfWork, circuit: Circuit) -> None:
    await uow.raw.execute(
        _SAVE,
        circuit.supplier_id,
        circuit.state.value,
        circuit.by_hand,
        circuit.trips,
        circuit.reason,
        circuit.changed_at,
        circuit.until,
    )


async def prune_calls(uow: UnitOfWork, *, before: datetime) -> None:
    """Forget slots that nobody judges or looks at any more."""
    await uow.raw.execute(_PRUNE, before)


def _circuit(row: asyncpg.Record) -> Circuit:
    return Circuit(
        supplier_id=row["supplier_id"],
        state=CircuitState(row["state"]),
        by_hand=row["by_hand"],
        trips=row["trips"],
        reason=row["reason"],
        changed_at=row["changed_at"],
        until=row["until"],
    )
