"""What inventory announces of entitlements at partners' tills."""

from uuid import UUID

from shared.contracts._base import AwareDatetime, Quantity
from shared.contracts._card import CardEvent


class CardRedeemedV1(CardEvent):
    """A partner has honoured one entitlement. `units` is the component's quantity, to share pro rata.

    `channel` says how it came in: `code`, `qr`, `batch`, `offline`, `operator`.
    """

    TYPE = "card.redeemed"

    entitlement_id: UUID
    partner_id: UUID
    redemption_id: UUID | None = None
    store: str | None = None
    channel: str | None = None
    units: Quantity
    redeemed_at: AwareDatetime


class CardRedemptionUndoneV1(CardEvent):
    """A redemption does not count any more: the entitlement may be redeemed again, by another redemption.

    `units` is the component's quantity; `by` says whose word it was: `partner`, `operator`.
    """

    TYPE = "card.redemption_undone"

    entitlement_id: UUID
    partner_id: UUID
    redemption_id: UUID
    units: Quantity
    by: str
    undone_at: AwareDatetime
