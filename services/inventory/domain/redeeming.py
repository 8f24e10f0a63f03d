"""Honouring what a buyer owns at a partner's till: once, and with who did it where."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.goods import FaceValue


class RedemptionChannel(StrEnum):
    """How a redemption came in."""

    CODE = "code"
    QR = "qr"
    BATCH = "batch"
    OFFLINE = "offline"
    OPERATOR = "operator"


class RedeemRefusedError(Exception):
    """Nothing was honoured. Each reason is a class of its own."""


class CodeUnknownError(RedeemRefusedError):
    """No code of this partner's brand is like that."""


class AlreadyRedeemedError(RedeemRefusedError):
    """The code was honoured before."""


class RedeemGiftError(RedeemRefusedError):
    """The entitlement is being given away: nobody uses it until that is over."""


class RedeemRevokedError(RedeemRefusedError):
    """The code was taken back from its buyer."""


class CodeExpiredError(RedeemRefusedError):
    """The code's time is over."""


@dataclass(frozen=True, slots=True)
class Till:
    """Where a code is presented, as the partner names its places and people. Who the cashier is only the partner knows."""

    store: str | None = None
    terminal: str | None = None
    cashier: str | None = None


@dataclass(frozen=True, slots=True)
class RedeemFacts:
    """The entitlement that a presented code belongs to."""

    state: EntitlementState
    expires_at: datetime | None
    is_pending: bool
    given_at: datetime | None

    def is_given_since(self, moment: datetime) -> bool:
        """Whether it was given to somebody after that moment: what its owner showed then is nobody's."""
        return self.given_at is not None and moment < self.given_at


@dataclass(frozen=True, slots=True)
class Redeemable:
    """An entitlement that was presented, locked. `quantity` is of its whole component; what is shown as a QR code has no code."""

    entitlement_id: UUID
    code_index: bytes | None = field(repr=False)
    component_id: UUID
    order_id: UUID
    member_id: UUID | None
    sku_id: UUID
    masked: str
    quantity: int
    restocked: bool
    facts: RedeemFacts
    value: FaceValue | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """A code honoured by a partner."""

    redemption_id: UUID
    partner_id: UUID
    channel: RedemptionChannel
    till: Till
    redeemed_at: datetime
    voucher_nonce: UUID | None = None


def check_redeem(facts: RedeemFacts, *, now: datetime) -> None:
    """Whether the code may be honoured now.

    :raises AlreadyRedeemedError: it was.
    :raises RedeemRevokedError: it was taken back.
    :raises CodeExpiredError: its time is over.
    :raises RedeemGiftError: it is being given away.
    """
    if facts.state is EntitlementState.REDEEMED:
        raise AlreadyRedeemedError("this code was redeemed before")
    if facts.state is EntitlementState.REVOKED:
        raise RedeemRevokedError("this code was taken back from its buyer")
    if facts.expires_at is not None and facts.expires_at <= now:
        raise CodeExpiredError("this code has expired")
    if facts.is_pending:
        raise RedeemGiftError("this is being given away")
