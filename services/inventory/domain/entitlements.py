"""What a buyer owns: shown on demand, taken back as long as it was not used."""

from collections.abc import Sequence
from dataclasses import dataclass
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


class GiftPendingError(Exception):
    """The entitlement is being given away: nobody uses it until that is over."""


class NothingToRevealError(Exception):
    """There is no code: a top-up went to the buyer's account, and some goods are shown as a QR code alone."""


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
