"""Products and SKUs."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.inventory.domain.catalogue import COMPONENTS_MAX, SkuKind
from services.inventory.domain.picking import PickOrder
from services.inventory.schemas.base import CurrencyCode, Incoming, LowStock, Name, PriceMinor, StockCap

UsageInstructions = Annotated[
    str, Field(max_length=5_000, examples=["打开品牌小程序 → 我的 → 兑换中心，输入券码后 30 天内有效。"])
]
"""Shown to whoever owns one, beside its code."""


class ProductIn(Incoming):
    """A product to be made."""

    name: Name
    category: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[str, Field(max_length=20_000)] = ""
    on_shelf: bool = True


class ProductPatch(Incoming):
    """What shall change of a product."""

    name: Name | None = None
    category: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    description: Annotated[str, Field(max_length=20_000)] | None = None
    on_shelf: bool | None = None


class ComponentIn(Incoming):
    """A part of a bundle."""

    sku_id: UUID
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class SkuIn(Incoming):
    """A SKU to be made. `partner_id` is the brand that honours its codes; `redeemable_here` that it does so with us.

    `supplied`: cards that are not on the shelf are bought from a supplier when they are delivered.
    """

    product_id: UUID
    name: Name
    kind: SkuKind
    price_minor: PriceMinor
    price_floor_minor: PriceMinor | None = None
    currency: CurrencyCode = "CNY"
    max_per_order: Annotated[int, Field(ge=1, le=1_000)] = 10
    on_sale: bool = True
    redeemable_here: bool = False
    price_guard: bool = True
    supplied: bool = False
    partner_id: UUID | None = None
    low_stock_below: LowStock = 0
    pick_order: PickOrder = PickOrder.SEQUENTIAL
    usage_instructions: UsageInstructions = ""
    stock_cap: StockCap | None = None
    components: Annotated[tuple[ComponentIn, ...], Field(max_length=COMPONENTS_MAX)] = ()


class SkuPatch(Incoming):
    """What shall change of a SKU. Kind, currency, components and `supplied` never do."""

    name: Name | None = None
    price_minor: PriceMinor | None = None
    price_floor_minor: PriceMinor | None = None
    max_per_order: Annotated[int, Field(ge=1, le=1_000)] | None = None
    on_sale: bool | None = None
    redeemable_here: bool | None = None
    price_guard: bool | None = None
    partner_id: UUID | None = None
    low_stock_below: LowStock | None = None
    pick_order: PickOrder | None = None
    usage_instructions: UsageInstructions | None = None
    stock_cap: StockCap | None = None


class ComponentOut(BaseModel):
    """A part of a bundle."""

    sku_id: UUID
    name: str
    kind: SkuKind
    quantity: int
    weight: int
    partner_id: UUID | None = None


class SkuOut(BaseModel):
    """A SKU as buyers see it. `stock` is how many can be bought now; of a bundle, as its scarcest part allows."""

    sku_id: UUID
    name: str
    kind: SkuKind
    price_minor: int
    currency: str
    max_per_order: int
    stock: int
    stock_unlimited: bool
    components: list[ComponentOut] | None = None


class ProductOut(BaseModel):
    """A product as buyers see it."""

    product_id: UUID
    name: str
    category: str
    description: str
    skus: list[SkuOut]


class SkuOpsOut(SkuOut):
    """A SKU as operators see it. A bundle has no counters of its own."""

    product_id: UUID
    price_floor_minor: int | None = None
    on_sale: bool
    redeemable_here: bool
    price_guard: bool
    supplied: bool
    partner_id: UUID | None = None
    low_stock_below: int
    pick_order: PickOrder
    usage_instructions: str
    on_hand: int | None = None
    held: int = 0
    sold: int = 0


class ProductOpsOut(BaseModel):
    """A product as operators see it."""

    product_id: UUID
    name: str
    category: str
    description: str
    on_shelf: bool
    version: int
    skus: list[SkuOpsOut]
