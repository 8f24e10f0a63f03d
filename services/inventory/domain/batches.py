"""The life of a batch: sold from, frozen while something is looked into, void for good."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class BatchState(StrEnum):
    """What may be done with the unsold cards of a batch. What buyers own stays theirs in every state."""

    ACTIVE = "active"
    FROZEN = "frozen"
    VOID = "void"


MOVES = {
    BatchState.ACTIVE: frozenset({BatchState.FROZEN, BatchState.VOID}),
    BatchState.FROZEN: frozenset({BatchState.ACTIVE, BatchState.VOID}),
    BatchState.VOID: frozenset[BatchState](),
}


class BatchAction(StrEnum):
    """What an operator did to a batch, in the audit."""

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    VOID = "void"
    PRIORITISE = "prioritise"
    ROTATE = "rotate"
    REQUEST_EXPORT = "request_export"
    APPROVE_EXPORT = "approve_export"
    REFUSE_EXPORT = "refuse_export"
    DOWNLOAD_EXPORT = "download_export"


class BatchUnknownError(Exception):
    """There is no such batch."""


class BatchMoveError(Exception):
    """The batch is not in a state from which that can be done."""


class BatchBusyError(Exception):
    """Its cards are coming or going at this very moment; a moment later it can be done."""


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """A batch, locked. `last_card_id` is the highest of its cards' ids, all of which are above the batch's own."""

    batch_id: UUID
    sku_id: UUID
    state: BatchState
    last_card_id: UUID


def check_batch_move(state: BatchState, to: BatchState) -> None:
    """:raises BatchMoveError: a batch does not go from there to there."""
    if to not in MOVES[state]:
        raise BatchMoveError(f"a batch that is {state.value} does not become {to.value}")
