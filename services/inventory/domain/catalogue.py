"""Products, SKUs and what a bundle consists of."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.listing import ShelfTimes
from services.inventory.domain.terms import BuyerField, LadderStep, SkuPeriod

COMPONENTS_MAX = 20
"""Parts of one bundle. Each is a row of every order that buys it."""

UNLIMITED_STOCK = 1_000_000
"""Shown as stock where nothing limits a direct top-up: the interface promises a number."""


class SkuKind(StrEnum):
    """How a SKU is fulfilled; a bundle is fulfilled through its components."""

    CARD_KEY = "card_key"
    DIRECT_TOP_UP = "direct_top_up"
    BUNDLE = "bundle"


class ProductUnknownError(Exception):
    """There is no such product, or not for this caller."""


class SkuUnknownError(Exception):
    """There is no such SKU, or it is not of the kind that the request needs."""


class BundleRefusedError(Exception):
    """The components named do not make a bundle."""


class PriceBelowFloorError(Exception):
    """The price would be lower than the floor that was set for the SKU."""


class StockCapRefusedError(Exception):
    """The stock of cards is what was imported; of a top-up no less than what is held may be left."""


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
    """A SKU to be written down."""

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


def check_price(price_minor: int, *, floor_minor: int | None) -> None:
    """:raises PriceBelowFloorError: the price is under the floor."""
    if floor_minor is not None and price_minor < floor_minor:
        raise PriceBelowFloorError(f"the price {price_minor} is below the floor {floor_minor}")
