"""Redeeming without a network: a voucher that a terminal verifies by itself, and a list that it uploads later."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from services.inventory.domain.redeeming import RedeemRefusedError, Till

OFFLINE_LIFETIME = timedelta(hours=24)
"""How long a voucher may be shown where there is no network."""

UPLOAD_WITHIN = timedelta(hours=24)
"""How long after a voucher's end a terminal may take to upload it. So long nothing of it is refunded."""

CLOCK_SKEW = timedelta(minutes=5)
"""A terminal's clock may be wrong by this much."""

_CONFLICTS = UUID("7d9a1f0c-52b1-5c0e-8a5e-3c1b0a4f2d10")
"""The namespace under which a conflict's id is made of what was uploaded: the same line again is no second conflict."""


class AcceptedAtWrongError(RedeemRefusedError):
    """The time of acceptance lies in the future, or outside the time in which the voucher was good."""


class ConflictReason(StrEnum):
    """Why goods that a store gave away are not honoured."""

    REDEEMED = "redeemed"
    ACCEPTED_TWICE = "accepted_twice"
    TAKEN_BACK = "taken_back"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class OfflineVoucher:
    """A voucher that is out: the refund of its entitlement has to wait for it."""

    nonce: UUID
    key_id: UUID
    entitlement_id: UUID
    partner_id: UUID
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A voucher that a terminal says it accepted, by whom and when."""

    nonce: UUID
    partner_id: UUID
    till: Till
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Conflict:
    """A true voucher, accepted, that could not be honoured any more. People settle it."""

    conflict_id: UUID
    acceptance: Acceptance
    entitlement_id: UUID
    reason: ConflictReason


def conflict_of(acceptance: Acceptance, *, entitlement_id: UUID, reason: ConflictReason) -> Conflict:
    """The conflict; the same acceptance always makes the same one."""
    till = acceptance.till
    name = f"{acceptance.nonce}|{till.store}|{till.terminal}|{acceptance.accepted_at.isoformat()}"
    return Conflict(uuid5(_CONFLICTS, name), acceptance, entitlement_id, reason)


def check_accepted_at(accepted_at: datetime, *, issued_at: datetime, now: datetime) -> None:
    """Whether the voucher can have been accepted then; that it was not over yet, its verification tells.

    :raises AcceptedAtWrongError: it was not made yet, or the time has not come yet.
    """
    if not issued_at - CLOCK_SKEW <= accepted_at <= now + CLOCK_SKEW:
        raise AcceptedAtWrongError("the voucher cannot have been accepted at that time")
