"""How a supplier fares, and the circuit breaker that keeps orders from one that does not answer.

The breaker judges whether a supplier answers, not what: one that says `sold out` is well. Questions about orders that
are under way always go through; only new orders are kept away.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.supply import AnswerKind, SupplierAnswer

WINDOW = timedelta(seconds=60)
"""What is judged: the calls of this long."""

CALLS_MIN = 5
"""Fewer calls than this say nothing."""

LOST_SHARE_MAX_BP = 5_000
"""The circuit opens when this share of the calls got no answer that could be understood, in ten-thousandths."""

OPEN_FOR = timedelta(seconds=30)
OPEN_FOR_MAX = timedelta(minutes=10)
_DOUBLINGS_MAX = 5

PROBE_WITHIN = timedelta(seconds=30)
"""An order that shall find out whether a supplier is well again has this long; then another may."""

BASIS = 10_000


class CircuitState(StrEnum):
    """`closed`: orders flow. `open`: none does. `half_open`: one is on its way to find out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(StrEnum):
    """What a call says of the supplier's health. `failed` is an answer too: the order came to nothing."""

    ANSWERED = "answered"
    FAILED = "failed"
    NOT_UNDERSTOOD = "not_understood"
    UNREACHABLE = "unreachable"


HELD_BACK = SupplierAnswer(AnswerKind.NEVER_SENT, "circuit_open")
"""What an order gets instead of a call while the circuit is open."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """`until`: of an open one, when a probe may go out (None: not before a person closes it); of a half-open one, how
    long the probe has. `trips`: how often it opened since a supplier was last well.
    """

    supplier_id: UUID
    state: CircuitState
    by_hand: bool
    trips: int
    reason: str
    changed_at: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of a window, counted by outcome."""

    answered: int = 0
    failed: int = 0
    not_understood: int = 0
    unreachable: int = 0
    latency_ms_sum: int = 0
    latency_ms_max: int = 0

    @property
    def total(self) -> int:
        return self.answered + self.failed + self.not_understood + self.unreachable

    @property
    def lost(self) -> int:
        return self.not_understood + self.unreachable


def outcome_of(answer: SupplierAnswer) -> Outcome:
    """What a call's result says of the supplier."""
    if answer.kind is AnswerKind.NOT_UNDERSTOOD:
        return Outcome.NOT_UNDERSTOOD
    if answer.kind is AnswerKind.NEVER_SENT:
        return Outcome.UNREACHABLE
    if answer.kind in {AnswerKind.FAILED, AnswerKind.REFUSED}:
        return Outcome.FAILED
    return Outcome.ANSWERED


def new_circuit(supplier_id: UUID) -> Circuit:
    return Circuit(supplier_id, CircuitState.CLOSED, by_hand=False, trips=0, reason="", changed_at=None, until=None)


def lets_order_through(circuit: Circuit, *, now: datetime) -> bool:
    """Whether a new order may go to the supplier now; of a circuit that is not closed it is the one probe."""
    if circuit.state is CircuitState.CLOSED:
        return True
    return circuit.until is not None and now >= circuit.until


def begin_probe(circuit: Circuit, *, now: datetime) -> Circuit:
    """One order is let through to find out."""
    return replace(circuit, state=CircuitState.HALF_OPEN, until=now + PROBE_WITHIN, changed_at=now, reason="probing")


def judge(circuit: Circuit, calls: Calls, *, answered: int, lost: int, now: datetime) -> Circuit:
    """The circuit after some calls. `calls` is the window with them in it, counted from the circuit's last change.

    What a person opened stays open.
    """
    if circuit.state is CircuitState.HALF_OPEN and (answered or lost):
        return _trip(circuit, "probe_lost", now) if lost else close(circuit, "probe_answered", by_hand=False, now=now)
    if circuit.state is not CircuitState.CLOSED:
        return circuit
    if lost and calls.total >= CALLS_MIN and calls.lost * BASIS >= calls.total * LOST_SHARE_MAX_BP:
        return _trip(circuit, f"{calls.lost}_of_{calls.total}_calls_lost", now)
    return circuit


def close(circuit: Circuit, reason: str, *, by_hand: bool, now: datetime) -> Circuit:
    """Orders flow again, and what went before is forgotten."""
    return replace(
        circuit, state=CircuitState.CLOSED, by_hand=by_hand, trips=0, reason=reason, changed_at=now, until=None
    )


def open_by_hand(circuit: Circuit, reason: str, *, now: datetime) -> Circuit:
    """No order goes there until a person closes it."""
    return replace(circuit, state=CircuitState.OPEN, by_hand=True, reason=reason, changed_at=now, until=None)


def _trip(circuit: Circuit, reason: str, now: datetime) -> Circuit:
    pause = min(OPEN_FOR * (1 << min(circuit.trips, _DOUBLINGS_MAX)), OPEN_FOR_MAX)
    return replace(
        circuit,
        state=CircuitState.OPEN,
        by_hand=False,
        trips=circuit.trips + 1,
        reason=reason,
        changed_at=now,
        until=now + pause,
    )
