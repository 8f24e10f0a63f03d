"""Products, SKUs and what a bundle consists of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.goods import NO_GOODS, Goods
from services.inventory.domain.listing import ShelfTimes
from services.inventory.domain.picking import PickOrder
from services.inventory.domain.terms import BuyerField, LadderStep, SkuPeriod

COMPONENTS_MAX = 20
"""Parts of one bundle. Each is a row of every order that buys it."""

UNLIMITED_STOCK = 1_000_000
"""Shown as stock where nothing limits a direct top-up: the interface promises a number."""


class SkuKind(StrEnum):
    """How a SKU is fulfilled (`domain/kinds.py` says what that means); a bundle is fulfilled through its components."""

    CARD_KEY = "card_key"
    DIRECT_TOP_UP = "direct_top_up"
    BUNDLE = "bundle"
    GENERATED_KEY = "generated_key"
    REDEEM_LINK = "redeem_link"
    CASH_VOUCHER = "cash_voucher"
    OFFLINE_QR = "offline_qr"
    PHYSICAL = "physical"
    EVENT_SEAT = "event_seat"


class ProductUnknownError(Exception):
    """There is no such product, or not for this caller."""


class SkuUnknownError(Exception):
    """There is no such SKU, or it is not of the kind that the request needs."""


class BundleRefusedError(Exception):
    """The components named do not make a bundle."""


class SuppliedRefusedError(Exception):
    """Only card keys can be bought when they are delivered: a top-up always is, and a bundle is its components."""


class PriceBelowFloorError(Exception):
    """The price would be lower than the floor that was set for the SKU."""


class StockCapRefusedError(Exception):
    """The stock of cards is what was imported; of what is counted no less than what is held may be left."""


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """One part of a bundle: how many of the SKU, and the weight by which the price is divided."""

    sku_id: UUID
    quantity: int
    weight: int


@dataclass(frozen=True, slots=True)
class PartFacts:
    """What must be known of a SKU before it may be part of a bundle.

    `parts` are a bundle's own; `composed` says that it contains bundles or choices.
    """

    sku_id: UUID
    kind: SkuKind
    currency: str
    parts: tuple[ComponentSpec, ...] = ()
    composed: bool = False


@dataclass(frozen=True, slots=True)
class NewProduct:
    """A product to be written down. Its version starts at 1."""

    product_id: UUID
    name: str
    category: str
    description: str
    on_shelf: bool
    included: tuple[str, ...] = ()
    worth_minor: int | None = None
    why: str = ""
    instructions: str = ""
    images: tuple[str, ...] = ()
    on_shelf_from: datetime | None = None
    on_shelf_until: datetime | None = None

    @property
    def times(self) -> ShelfTimes:
        """:raises ShelfTimesRefusedError: it would leave before it comes."""
        return ShelfTimes(self.on_shelf_from, self.on_shelf_until)


@dataclass(frozen=True, slots=True)
class NewSku:
    """A SKU to be written down. `supplied`: cards that are not on the shelf are bought when they are delivered.

    `undo_within_minutes`: how long its partner may undo a redemption; None: the platform's setting. `giftable`: whether
    owners may give it away; None: as its kind is.
    """

    sku_id: UUID
    product_id: UUID
    name: str
    kind: SkuKind
    price_minor: int
    price_floor_minor: int | None
    currency: str
    max_per_order: int
    on_sale: bool
    redeemable_here: bool
    price_guard: bool
    partner_id: UUID | None
    low_stock_below: int
    pick_order: PickOrder = PickOrder.SEQUENTIAL
    usage_instructions: str = ""
    supplied: bool = False
    undo_within_minutes: int | None = None
    giftable: bool | None = None
    period: SkuPeriod | None = None
    ladder: tuple[LadderStep, ...] = ()
    min_per_order: int = 1
    order_step: int = 1
    max_per_member: int | None = None
    max_per_member_day: int | None = None
    tiers: tuple[str, ...] = ()
    public_from: datetime | None = None
    early_tiers: tuple[str, ...] = ()
    buyer_fields: tuple[BuyerField, ...] = ()
    composed: bool = False
    goods: Goods = NO_GOODS


def check_price(price_minor: int, *, floor_minor: int | None) -> None:
    """:raises PriceBelowFloorError: the price is under the floor."""
    if floor_minor is not None and price_minor < floor_minor:
        raise PriceBelowFloorError(f"the price {price_minor} is below the floor {floor_minor}")


def check_supplied(sku: NewSku) -> None:
    """:raises SuppliedRefusedError: it is no SKU of card keys."""
    if sku.supplied and sku.kind is not SkuKind.CARD_KEY:
        raise SuppliedRefusedError(f"a {sku.kind} is not bought as cards when it is delivered")
