"""A case: a paid order that waits for a word. Released or denied once; a time-out decides nothing.

Where risk was only late, its own answer is the word, unless it is one that wants a person to look.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from services.risk.domain.decisions import Answer, Outcome


class CaseState(StrEnum):
    """`moot`: the order was refunded, or its time was over, before anybody decided."""

    OPEN = "open"
    RELEASED = "released"
    DENIED = "denied"
    MOOT = "moot"


class Verdict(StrEnum):
    """What can be said of an open case."""

    RELEASE = "release"
    DENY = "deny"
    DROP = "drop"


MOVES: Final[dict[tuple[CaseState, Verdict], CaseState]] = {
    (CaseState.OPEN, Verdict.RELEASE): CaseState.RELEASED,
    (CaseState.OPEN, Verdict.DENY): CaseState.DENIED,
    (CaseState.OPEN, Verdict.DROP): CaseState.MOOT,
}
"""Every move there is; what is not here is refused."""

OF_ITSELF: Final[dict[Outcome, Verdict]] = {Outcome.ALLOW: Verdict.RELEASE, Outcome.DENY: Verdict.DENY}
"""What needs no person."""

SYSTEM: Final = "system"
JUDGED_LATE: Final = "risk was late: this is its own answer to the checkout"


class CaseClosedError(Exception):
    """The case was decided before. `extra` tells how."""

    def __init__(self, state: CaseState) -> None:
        super().__init__(f"the case is {state}")
        self.extra = {"state": str(state)}


class CaseNotFoundError(Exception):
    """There is no such case."""


@dataclass(frozen=True, slots=True)
class Case:
    """One held order. `decision_id` is None when risk was not asked in time and the order was held for that.

    Open after `due_at` it is overdue, and stays in the queue: waiting too long must not favour the thief.
    """

    case_id: UUID
    order_id: UUID
    member_id: UUID | None
    decision_id: UUID | None
    reasons: tuple[str, ...]
    amount_minor: int
    currency: str
    state: CaseState
    opened_at: datetime
    due_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None

    def decided(self, verdict: Verdict, *, by: str, note: str, now: datetime) -> "Case":
        """The case after a word on it.

        :raises CaseClosedError: it was decided before.
        """
        state = MOVES.get((self.state, verdict))
        if state is None:
            raise CaseClosedError(self.state)
        return replace(self, state=state, decided_at=now, decided_by=by, note=note)

    def judged(self, answer: Answer, *, now: datetime) -> "Case":
        """The open case after risk's own answer, which names its reasons and, where it can be, is the word on it."""
        case = replace(self, decision_id=answer.decision_id, reasons=answer.reasons or self.reasons)
        verdict = OF_ITSELF.get(answer.outcome)
        return case if verdict is None else case.decided(verdict, by=SYSTEM, note=JUDGED_LATE, now=now)
