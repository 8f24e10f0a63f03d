"""What a buyer owns: shown on demand, honoured once, taken back as long as it was not used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

AGAIN_AFTER_S = 2
"""When a buyer whose code could not be shown does well to try again."""


class EntitlementState(StrEnum):
    """What the buyer can do with one unit."""

    ACTIVE = "active"
    REDEEMED = "redeemed"
    REVOKED = "revoked"


class EntitlementUnknownError(Exception):
    """There is no such entitlement, or it is somebody else's."""


class EntitlementRevokedError(Exception):
    """The entitlement was taken back: its code is not shown any more."""


class NothingToRevealError(Exception):
    """A direct top-up went to the buyer's account: there is no code."""


class RevealRefusedError(Exception):
    """Risk does not let this reveal happen now."""

    def __init__(self, *, decision: str, reasons: Sequence[str]) -> None:
        super().__init__("the code is not shown at the moment")
        self.decision = decision
        self.reasons = tuple(reasons)

    @property
    def extra(self) -> dict[str, object]:
        """What a problem document tells beside the code: a page may offer the challenge."""
        return {"decision": self.decision}


class RevealUnavailableError(Exception):
    """Risk could not be asked, and without its word no code is shown. Nothing is lost: the buyer may try again."""

    def __init__(self) -> None:
        super().__init__(f"系统繁忙，暂时无法显示卡密，请 {AGAIN_AFTER_S} 秒后再试。卡密已为您保管好，不会丢失。")
        self.headers = {"Retry-After": str(AGAIN_AFTER_S)}


class CodeUnknownError(Exception):
    """No code of this partner's brand is like that."""


class AlreadyRedeemedError(Exception):
    """The code was honoured before."""


class RedeemRevokedError(Exception):
    """The code was taken back from its buyer."""


class CodeExpiredError(Exception):
    """The code's time is over."""


@dataclass(frozen=True, slots=True)
class RevealRecord:
    """One line of the audit: who saw which entitlement, from where, by which decision of risk."""

    reveal_id: UUID
    entitlement_id: UUID
    role: str
    subject: str
    ip: str
    device: str | None
    decision_id: UUID | None


@dataclass(frozen=True, slots=True)
class RedeemFacts:
    """The entitlement that a presented code belongs to."""

    state: EntitlementState
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Redeemable:
    """An entitlement found by its code, locked. `quantity` is of its whole component."""

    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    member_id: UUID | None
    sku_id: UUID
    masked: str
    quantity: int
    facts: RedeemFacts


@dataclass(frozen=True, slots=True)
class Redemption:
    """A code honoured by a partner."""

    redemption_id: UUID
    partner_id: UUID
    store: str | None
    redeemed_at: datetime


def check_redeem(facts: RedeemFacts, *, now: datetime) -> None:
    """Whether the code may be honoured now.

    :raises AlreadyRedeemedError: it was.
    :raises RedeemRevokedError: it was taken back.
    :raises CodeExpiredError: its time is over.
    """
    if facts.state is EntitlementState.REDEEMED:
        raise AlreadyRedeemedError("this code was redeemed before")
    if facts.state is EntitlementState.REVOKED:
        raise RedeemRevokedError("this code was taken back from its buyer")
    if facts.expires_at is not None and facts.expires_at <= now:
        raise CodeExpiredError("this code has expired")
