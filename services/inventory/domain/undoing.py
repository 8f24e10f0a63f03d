"""Undoing a redemption (撤销核销): by its partner within a window, by an operator at any time."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState


class RedemptionUnknownError(Exception):
    """There is no such redemption, or it is another partner's."""


class RedemptionUndoneError(Exception):
    """The redemption was undone before."""


class UndoTooLateError(Exception):
    """The partner's time to undo it is over; operators still can."""


class UndoRefusedError(Exception):
    """What was redeemed could not be used any more, so it is not given back."""


class UndoneBy(StrEnum):
    """Whose word undid a redemption."""

    PARTNER = "partner"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Undo:
    """Who undoes a redemption, and why; for the audit."""

    by: UndoneBy
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class UndoFacts:
    """A redemption with its entitlement, locked. `quantity` is of the whole component; `within` None: no rule of its own."""

    redemption_id: UUID
    partner_id: UUID
    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    member_id: UUID | None
    sku_id: UUID
    quantity: int
    redeemed_at: datetime
    undone: bool
    state: EntitlementState
    expires_at: datetime | None
    within: timedelta | None


def check_undo(facts: UndoFacts, by: UndoneBy, *, within: timedelta, now: datetime) -> None:
    """Whether the redemption may be undone now. `within` counts from the redemption where its SKU says nothing; 0 is never.

    :raises RedemptionUndoneError: it was undone before.
    :raises UndoRefusedError: the entitlement has expired, or is not redeemed any more.
    :raises UndoTooLateError: the partner's time is over.
    """
    if facts.undone:
        raise RedemptionUndoneError("this redemption was undone before")
    if facts.state is not EntitlementState.REDEEMED:
        raise UndoRefusedError("what was redeemed was taken back from its buyer")
    if facts.expires_at is not None and facts.expires_at <= now:
        raise UndoRefusedError("what was redeemed has expired since")
    window = within if facts.within is None else facts.within
    if by is UndoneBy.PARTNER and (not window or now - facts.redeemed_at >= window):
        raise UndoTooLateError("the time in which this redemption could be undone is over")
