"""What a supplier lists, and what a change of its price or stock leads to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.crypto import Secret, WrappedKey

BASIS = 10_000


class PriceRule(StrEnum):
    """When a supplier's cost changes: say so; stop buying it there if it rose; or sell at cost and margin."""

    ALERT = "alert"
    PAUSE = "pause"
    REPRICE = "reprice"


class PauseReason(StrEnum):
    """Why an offer is not bought from. `sold_out` and `not_listed` end by themselves; a person ends the other."""

    SOLD_OUT = "sold_out"
    NOT_LISTED = "not_listed"
    PRICE_ROSE = "price_rose"


ENDS_BY_ITSELF = frozenset({PauseReason.SOLD_OUT, PauseReason.NOT_LISTED})


@dataclass(frozen=True, slots=True)
class ListedGoods:
    """Goods as a supplier lists them; `stock` None: it does not say."""

    supplier_sku: str
    cost_minor: int
    stock: int | None


@dataclass(frozen=True, slots=True)
class SyncedOffer:
    """An offer as it stands. `leads`: the SKU is bought by it first, and priced by it."""

    sku_id: UUID
    supplier_sku: str
    cost_minor: int
    stock: int | None
    paused_reason: str | None
    price_rule: PriceRule
    margin_bp: int | None
    leads: bool


@dataclass(frozen=True, slots=True)
class OfferChange:
    """What an offer becomes. `price_minor`: what the SKU is to be sold for from now on; None: as before."""

    offer: SyncedOffer
    cost_minor: int
    stock: int | None
    paused_reason: str | None
    price_minor: int | None


@dataclass(frozen=True, slots=True)
class SupplierAccess:
    """All that a call to a supplier takes that is about no order."""

    supplier_id: UUID
    base_url: str
    merchant_id: str
    secret: Secret
    wire: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class SealedAccess:
    """The same with the secret sealed."""

    supplier_id: UUID
    base_url: str
    merchant_id: str
    wire: Mapping[str, object] | None
    secret_sealed: bytes = field(repr=False)
    secret_key: WrappedKey


class PushRefusedError(Exception):
    """A push is not signed by the supplier, or is older than what is known."""


def decide_change(offer: SyncedOffer, goods: ListedGoods | None) -> OfferChange | None:
    """What the offer becomes by what its supplier lists; `goods` None: it is listed no more. None: as it was."""
    if goods is None:
        change = OfferChange(offer, offer.cost_minor, 0, offer.paused_reason or PauseReason.NOT_LISTED, None)
        return None if offer.paused_reason else change
    paused = None if offer.paused_reason in ENDS_BY_ITSELF else offer.paused_reason
    if goods.cost_minor > offer.cost_minor and offer.price_rule is PriceRule.PAUSE:
        paused = paused or PauseReason.PRICE_ROSE
    if goods.stock == 0:
        paused = paused or PauseReason.SOLD_OUT
    if (goods.cost_minor, goods.stock, paused) == (offer.cost_minor, offer.stock, offer.paused_reason):
        return None
    return OfferChange(offer, goods.cost_minor, goods.stock, paused, _price(offer, goods.cost_minor))


def _price(offer: SyncedOffer, cost_minor: int) -> int | None:
    """Cost and margin, the odd fen up."""
    if offer.price_rule is not PriceRule.REPRICE or offer.margin_bp is None or cost_minor == offer.cost_minor:
        return None
    return -(-cost_minor * (BASIS + offer.margin_bp) // BASIS) if offer.leads else None
