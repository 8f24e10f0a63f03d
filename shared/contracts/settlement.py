"""What the settlement service announces."""

from enum import StrEnum
from uuid import UUID

from shared.contracts._base import AmountMinor, AwareDatetime, BasisPoints, Currency, Event, Fact, Quantity, Sha256Hex


class PartyKind(StrEnum):
    """Who takes a share."""

    PLATFORM = "platform"
    BRAND = "brand"
    SUPPLIER = "supplier"
    CHANNEL = "channel"


class EarnedOn(StrEnum):
    """When a share becomes the party's."""

    SALE = "sale"
    REDEMPTION = "redemption"


class SplitLeg(Fact):
    """One party's share of a component."""

    party_kind: PartyKind
    partner_id: UUID | None = None
    amount_minor: AmountMinor
    deferred: bool = False


class SettlementSplitV1(Event):
    """The component's money is shared. This ends the chain of a purchase."""

    TYPE = "settlement.split"
    TOPIC = "settlement"
    KEY = "order_id"

    order_id: UUID
    component_id: UUID
    journal_id: UUID
    currency: Currency
    legs: tuple[SplitLeg, ...]


class SettlementReversedV1(Event):
    """The component's shares are taken back (or never were made: then `legs` is empty). Money may go to the buyer."""

    TYPE = "settlement.reversed"
    TOPIC = "settlement"
    KEY = "order_id"

    order_id: UUID
    refund_id: UUID
    component_id: UUID
    journal_id: UUID | None = None
    currency: Currency
    legs: tuple[SplitLeg, ...]


class ContractShare(Fact):
    """One party's rule: `share_bp` of the base; the party with `remainder` takes what rounding and the others leave."""

    party_kind: PartyKind
    partner_id: UUID | None = None
    share_bp: BasisPoints | None = None
    remainder: bool = False
    earned_on: EarnedOn = EarnedOn.SALE


class ContractPublishedV1(Event):
    """A split contract's version, from `effective_from` on. `hash` is SHA-256 of its canonical form."""

    TYPE = "contract.published"
    TOPIC = "contract"
    KEY = "sku_id"

    sku_id: UUID
    contract_id: UUID
    version: Quantity
    hash: Sha256Hex
    effective_from: AwareDatetime
    shares: tuple[ContractShare, ...]


class StatementReadyV1(Event):
    """A partner's statement can be pulled."""

    TYPE = "statement.ready"
    TOPIC = "statement"
    KEY = "partner_id"

    partner_id: UUID
    statement_id: UUID
    period: str
    revision: Quantity
