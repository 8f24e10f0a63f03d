"""Where questions are answered: the engine, the journal of what is not yet written down, and figures about both."""

import time
from collections import deque
from datetime import datetime
from typing import Final

from services.risk.domain.counters import SECOND
from services.risk.domain.decisions import Decision, Kind, Outcome, Question, microseconds
from services.risk.domain.engine import Engine
from services.risk.domain.windows import SlidingTotal
from shared.clock import new_id
from shared.observability import Counter, Histogram

PENDING_MAX: Final = 20_000
"""Allowed attempts that may wait to be written down: half a minute at any rate this service reaches."""

MINUTE: Final = 60 * SECOND
NEVER_CAPPED: Final = 1 << 62
LATENCIES_KEPT: Final = 1_000

_DECISIONS = Counter("risk_decisions_total", "Answers given", ["kind", "outcome"])
_SECONDS = Histogram(
    "risk_decision_seconds",
    "Time to decide in memory, without HTTP",
    buckets=(1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 2.5e-2),
)


class JournalFullError(Exception):
    """Too many answers wait to be written down: PostgreSQL does not keep up, and callers use their fail mode."""


class Desk:
    """Answers from memory, one question after another. `writer` names this process in what it writes down."""

    def __init__(self, engine: Engine, *, pending_max: int = PENDING_MAX) -> None:
        self.engine = engine
        self.writer = new_id()
        self.pending_max = pending_max
        self._pending: deque[Decision] = deque()
        self._last_minute = {outcome: SlidingTotal(MINUTE, NEVER_CAPPED) for outcome in Outcome}
        self._latencies_us: deque[float] = deque(maxlen=LATENCIES_KEPT)
        self._counted = {(kind, outcome): _DECISIONS.labels(kind, outcome) for kind in Kind for outcome in Outcome}

    def decide(self, question: Question, *, now: datetime) -> Decision:
        """Answer.

        :raises InvalidAddressError: the question's `ip` is no address.
        """
        started = time.perf_counter()
        decision = self.engine.decide(question, decision_id=new_id(), now=now)
        seconds = time.perf_counter() - started
        _SECONDS.observe(seconds)
        self._counted[question.kind, decision.outcome].inc()
        self._latencies_us.append(seconds * 1e6)
        self._last_minute[decision.outcome].add(microseconds(now), 1, None)
        return decision

    def defer(self, decision: Decision) -> None:
        """Have an allowed attempt written down soon.

        :raises JournalFullError: too many wait already; the answer is taken back.
        """
        if len(self._pending) >= self.pending_max:
            self.engine.forget(decision)
            raise JournalFullError(f"{self.pending_max} answers wait to be written down")
        self._pending.append(decision)

    def take_pending(self, at_most: int) -> list[Decision]:
        """The oldest answers that wait."""
        return [self._pending.popleft() for _ in range(min(at_most, len(self._pending)))]

    def put_back(self, decisions: list[Decision]) -> None:
        """They could not be written down: they wait again, first in the row."""
        self._pending.extendleft(reversed(decisions))

    @property
    def pending(self) -> int:
        """Answers that wait to be written down."""
        return len(self._pending)

    def last_minute(self, now: datetime) -> dict[Outcome, int]:
        """Answers given within the last minute."""
        return {outcome: total.observed(microseconds(now)) for outcome, total in self._last_minute.items()}

    def latency_us(self, share: float) -> float:
        """The quantile of the last thousand answers' time in memory, in microseconds; `share` is within [0, 1)."""
        ordered = sorted(self._latencies_us)
        return round(ordered[int(len(ordered) * share)], 1) if ordered else 0.0
