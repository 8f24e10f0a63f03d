"""What buyers are told about their orders, and by which ways it goes out. Personal data stays out of what is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.order.domain.checkouts import SealedContact

TRIES_MAX = 10
"""About three hours of trying; then a person is asked."""

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS_MAX = 7


class Occasion(StrEnum):
    """Why a buyer is written to."""

    FULFILLED = "fulfilled"
    UNAVAILABLE = "unavailable"
    """Something could not be had; its money goes back."""
    REFUNDED = "refunded"
    EXPIRING = "expiring"
    TICKET_ANSWERED = "ticket_answered"
    TICKET_RESOLVED = "ticket_resolved"


class ChannelName(StrEnum):
    """A way out of the house. What a member is told stands in the account's inbox beside."""

    MINI_PROGRAM = "mini_program"
    SMS = "sms"
    EMAIL = "email"


class DeliveryStatus(StrEnum):
    """Where a message stands on one way out."""

    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"
    """Refused, or tried too often: an operator may send it again."""
    NO_ADDRESS = "no_address"
    """The address went away before it was sent."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell. One order, occasion and `about` is one message: `about` is a refund, an entitlement or the order.

    `member_id` is who reads it; None for the guest who left a contact with the order.
    """

    order_id: UUID
    member_id: UUID | None
    occasion: Occasion
    about: UUID
    goods: tuple[str, ...]
    amount_minor: int = 0
    currency: str = "CNY"
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is written: what is told, of which order."""

    message_id: UUID
    order_no: str
    notice: Notice


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom to reach: a member, or the guest whose sealed contact came with the order."""

    order_id: UUID
    member_id: UUID | None
    sealed: SealedContact | None


@dataclass(frozen=True, slots=True)
class Addresses:
    """How a buyer can be reached. Its `repr` does not show them."""

    by_channel: Mapping[ChannelName, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Addresses(***)"


def next_try_at(*, tries: int, now: datetime) -> datetime:
    """When to try again after so many tries: twice as long each time, an hour at most."""
    return now + min(FIRST_PAUSE * (1 << min(tries, _DOUBLINGS_MAX)), LONGEST_PAUSE)
