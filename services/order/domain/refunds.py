"""A refund: first goods, points and shares come back, then the provider sends the money."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class RefundReason(StrEnum):
    """Who wanted it, or why it had to be."""

    BUYER = "buyer"
    NOT_FULFILLED = "not_fulfilled"
    RISK_DENIED = "risk_denied"
    REVIEW_EXPIRED = "review_expired"
    OPERATOR = "operator"
    PAID_LATE = "paid_late"
    PAID_TWICE = "paid_twice"
    NOT_AS_AGREED = "not_as_agreed"


class RefundStatus(StrEnum):
    """`revoking`: goods, points and shares are coming back. `sending`: the provider has to send the money, or is doing so.

    `review`: nothing more happens by itself; a person has to look.
    """

    REVOKING = "revoking"
    SENDING = "sending"
    REFUNDED = "refunded"
    REVIEW = "review"
    DISMISSED = "dismissed"


class PartStatus(StrEnum):
    """One component of a refund."""

    REVOKING = "revoking"
    REVERSED = "reversed"
    REFUNDED = "refunded"
    REVIEW = "review"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class RefundPart:
    """The money that goes back for one component."""

    component_id: UUID
    sku_id: UUID
    amount_minor: int
    status: PartStatus = PartStatus.REVOKING


@dataclass(frozen=True, slots=True)
class Refund:
    """Some components of one order, taken back together; the money goes by the payment it came by.

    A refund without parts gives a payment back that bought nothing: the order was already paid, or the amount was wrong.
    """

    refund_id: UUID
    order_id: UUID
    payment_id: UUID | None
    reason: RefundReason
    currency: str
    amount_minor: int
    status: RefundStatus
    parts: tuple[RefundPart, ...]
    requested_by: str
    requested_at: datetime
    ended_at: datetime | None = None
    note: str | None = None

    @property
    def reversed_parts(self) -> tuple[RefundPart, ...]:
        """What the provider's money is for."""
        return tuple(part for part in self.parts if part.status is PartStatus.REVERSED)


class RefundNotInReviewError(Exception):
    """There is nothing for a person to decide."""


def reverse_part(refund: Refund, *, component_id: UUID, now: datetime) -> Refund:
    """Settlement has taken the shares back. Heard again, no change."""
    return _answer(refund, component_id, PartStatus.REVERSED, now)


def refuse_part(refund: Refund, *, component_id: UUID, now: datetime) -> Refund:
    """Inventory will not take the component back. Heard again, no change."""
    return _answer(refund, component_id, PartStatus.REVIEW, now)


def money_sent(refund: Refund, *, now: datetime) -> Refund:
    """The provider has sent the money. What a person still has to look at stays so."""
    parts = tuple(
        replace(part, status=PartStatus.REFUNDED) if part.status is PartStatus.REVERSED else part
        for part in refund.parts
    )
    return replace(refund, status=RefundStatus.REFUNDED, parts=parts, ended_at=now)


def money_refused(refund: Refund) -> Refund:
    """The provider will not send the money: a person has to look."""
    return replace(refund, status=RefundStatus.REVIEW)


def send_again(refund: Refund) -> Refund:
    """A person decided: the provider that refused is to be asked again.

    :raises RefundNotInReviewError: no provider refused it.
    """
    refused_by_provider = refund.status is RefundStatus.REVIEW and (refund.reversed_parts or not refund.parts)
    if not refused_by_provider:
        raise RefundNotInReviewError(str(refund.refund_id))
    return replace(refund, status=RefundStatus.SENDING)


def dismiss_part(refund: Refund, *, component_id: UUID, now: datetime) -> Refund:
    """A person decided: no money for this component.

    :raises RefundNotInReviewError: nobody was asked.
    """
    part = _part(refund, component_id)
    if part is None or part.status is not PartStatus.REVIEW:
        raise RefundNotInReviewError(str(component_id))
    refund = _with_part(refund, replace(part, status=PartStatus.DISMISSED))
    if refund.status is RefundStatus.REVIEW and all(each.status is PartStatus.DISMISSED for each in refund.parts):
        return replace(refund, status=RefundStatus.DISMISSED, ended_at=now)
    return refund


def _answer(refund: Refund, component_id: UUID, status: PartStatus, now: datetime) -> Refund:
    part = _part(refund, component_id)
    if part is None or part.status is not PartStatus.REVOKING:
        return refund
    refund = _with_part(refund, replace(part, status=status))
    if any(each.status is PartStatus.REVOKING for each in refund.parts):
        return refund
    return _all_answered(refund, now)


def _all_answered(refund: Refund, now: datetime) -> Refund:
    amount_minor = sum(part.amount_minor for part in refund.reversed_parts)
    if not refund.reversed_parts:
        return replace(refund, status=RefundStatus.REVIEW)
    refund = replace(refund, amount_minor=amount_minor)
    if amount_minor == 0:
        return money_sent(refund, now=now)
    return replace(refund, status=RefundStatus.SENDING)


def _part(refund: Refund, component_id: UUID) -> RefundPart | None:
    return next((part for part in refund.parts if part.component_id == component_id), None)


def _with_part(refund: Refund, changed: RefundPart) -> Refund:
    parts = tuple(changed if part.component_id == changed.component_id else part for part in refund.parts)
    return replace(refund, parts=parts)
