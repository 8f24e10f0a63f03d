"""After-sale: what a buyer may ask for, who has to answer by when, and the one outcome that a ticket has."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.order.domain.orders import Component, Order, UnknownComponentError

EVIDENCE_MAX = 5
EVIDENCE_BYTES_MAX = 2 * 1024 * 1024
AUTOMATIC_MAX = 3
"""Tickets of one buyer that are settled by rule within `AUTOMATIC_PERIOD`; the next ones a person looks at."""

AUTOMATIC_PERIOD = timedelta(days=30)
STEP_TRIES_MAX = 8

_SIGNATURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))
_WEBP = (b"RIFF", b"WEBP")


class TicketKind(StrEnum):
    """What the buyer wants."""

    REFUND = "refund"
    REPLACEMENT = "replacement"
    QUESTION = "question"


class TicketReason(StrEnum):
    """What is wrong."""

    INVALID = "invalid"
    ALREADY_USED = "already_used"
    WRONG_GOODS = "wrong_goods"
    NOT_RECEIVED = "not_received"
    NOT_NEEDED = "not_needed"
    OTHER = "other"


CARD_FAULTS = frozenset({TicketReason.INVALID, TicketReason.ALREADY_USED, TicketReason.WRONG_GOODS})
"""What inventory takes as the fault of a card."""


class TicketStatus(StrEnum):
    """Where a ticket stands. `open`: the rules have not looked yet; `replacing`: decided, inventory is being asked."""

    OPEN = "open"
    WAITING_FOR_SHOP = "waiting_for_shop"
    WAITING_FOR_BUYER = "waiting_for_buyer"
    REPLACING = "replacing"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Resolution(StrEnum):
    """How it ended."""

    REPLACEMENT = "replacement"
    REFUND = "refund"
    REFUSED = "refused"


class Author(StrEnum):
    """Who wrote."""

    BUYER = "buyer"
    SHOP = "shop"
    SYSTEM = "system"


class TicketNotAllowedError(Exception):
    """Nothing of the kind can be asked for here (any more)."""


class TicketDecidedError(Exception):
    """The ticket was decided, or is being decided, already."""


class TicketUnknownError(Exception):
    """There is no such ticket, or it is somebody else's."""


class EvidenceRefusedError(Exception):
    """It is no image that is taken, or one too many, or too large."""


class AlreadyRatedError(Exception):
    """The ticket was rated, or nothing was decided that could be."""


_S = TicketStatus
ACTIVE = frozenset({_S.OPEN, _S.WAITING_FOR_SHOP, _S.WAITING_FOR_BUYER, _S.REPLACING})
MOVES: Mapping[TicketStatus, frozenset[TicketStatus]] = {
    _S.OPEN: frozenset({_S.WAITING_FOR_SHOP, _S.WAITING_FOR_BUYER, _S.REPLACING, _S.RESOLVED, _S.CLOSED}),
    _S.WAITING_FOR_SHOP: frozenset({_S.WAITING_FOR_BUYER, _S.REPLACING, _S.RESOLVED, _S.CLOSED}),
    _S.WAITING_FOR_BUYER: frozenset({_S.WAITING_FOR_SHOP, _S.REPLACING, _S.RESOLVED, _S.CLOSED}),
    _S.REPLACING: frozenset({_S.WAITING_FOR_SHOP, _S.RESOLVED}),
    _S.RESOLVED: frozenset({_S.CLOSED}),
    _S.CLOSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a ticket may be opened after the goods came, the shop may take to answer, and a buyer may be silent."""

    open_within: timedelta
    shop_answers_within: timedelta
    buyer_answers_within: timedelta


@dataclass(frozen=True, slots=True)
class Ticket:
    """One wish about one component, or about a line of several. `due_at`: when whoever's turn it is is late.

    `step_at`: when a job acts on it (again); `resolved_by`: `rule:…` or an operator.
    """

    ticket_id: UUID
    order_id: UUID
    line_id: UUID
    component_id: UUID | None
    entitlement_id: UUID | None
    member_id: UUID | None
    kind: TicketKind
    reason: TicketReason
    status: TicketStatus
    opened_at: datetime
    due_at: datetime | None
    step_at: datetime | None
    step_tries: int = 0
    assigned_to: str | None = None
    resolution: Resolution | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    refund_id: UUID | None = None
    score: int | None = None

    @property
    def subject_id(self) -> UUID:
        """What one ticket at a time may be open for."""
        return self.component_id or self.line_id

    @property
    def can_be_replaced(self) -> bool:
        """Whether it is about one card that inventory could exchange."""
        return self.entitlement_id is not None and self.reason in CARD_FAULTS

    @property
    def asks_the_card_rule(self) -> bool:
        """Whether inventory's rule for bad cards may settle it."""
        return self.status is _S.OPEN and self.kind is TicketKind.REPLACEMENT and self.can_be_replaced

    def to(self, status: TicketStatus, *, due_at: datetime | None = None, step_at: datetime | None = None) -> "Ticket":
        """:raises TicketDecidedError: there is no such move."""
        if status is not self.status and status not in MOVES[self.status]:
            raise TicketDecidedError(f"the ticket is {self.status.value}")
        return replace(self, status=status, due_at=due_at, step_at=step_at, step_tries=0)


def subject_of(order: Order, *, line_id: UUID, component_id: UUID | None) -> Component | None:
    """What a ticket is about: the component, also where the line has no other; None: a line of several.

    :raises UnknownComponentError: the order has no such line or component.
    """
    parts = [part for part in order.components if part.line_id == line_id]
    named = [part for part in parts if component_id in (None, part.component_id)]
    if not named:
        raise UnknownComponentError(str(component_id or line_id))
    return named[0] if len(parts) == 1 or component_id is not None else None


def check_window(order: Order, component: Component | None, *, within: timedelta, now: datetime) -> None:
    """Whether a ticket may be opened now.

    :raises TicketNotAllowedError: nothing was delivered yet, or too long ago.
    """
    since = component.issued_at if component is not None else order.fulfilled_at
    since = since or order.fulfilled_at
    if since is None:
        raise TicketNotAllowedError("nothing of it was delivered yet; the order shows how it stands")
    if now - since > within:
        raise TicketNotAllowedError(f"a ticket can be opened within {within.days} days after delivery")


def media_type_of(image: bytes) -> str:
    """What the bytes are, whatever their sender calls them: PNG, JPEG or WebP.

    :raises EvidenceRefusedError: none of these, or larger than `EVIDENCE_BYTES_MAX`.
    """
    if len(image) > EVIDENCE_BYTES_MAX:
        raise EvidenceRefusedError(f"an image has at most {EVIDENCE_BYTES_MAX} bytes")
    for start, media_type in _SIGNATURES:
        if image.startswith(start):
            return media_type
    if (image[:4], image[8:12]) == _WEBP:
        return "image/webp"
    raise EvidenceRefusedError("evidence is a PNG, a JPEG or a WebP image")
