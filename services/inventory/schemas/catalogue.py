"""Products and SKUs."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.inventory.domain.bundles import CHOICE_GROUPS_MAX, BundleSpec, ChoiceGroup, ChoiceOption
from services.inventory.domain.catalogue import COMPONENTS_MAX, ComponentSpec, SkuKind
from services.inventory.domain.picking import PickOrder
from services.inventory.domain.substitutes import SUBSTITUTES_MAX
from services.inventory.domain.terms import BuyerField, LadderStep, SkuPeriod
from services.inventory.schemas.base import CurrencyCode, Incoming, LowStock, Name, PriceMinor, StockCap
from services.inventory.schemas.examples import (
    BUNDLE_EXAMPLE,
    CASH_VOUCHER_EXAMPLE,
    PRODUCT_EXAMPLE,
    PRODUCT_SEEN_EXAMPLE,
    SKU_EXAMPLE,
)
from services.inventory.schemas.fields import Giftable, Images, Included, LongText, UndoWithin, UsageInstructions
from services.inventory.schemas.goods import GoodsIn, GoodsOpsOut, GoodsOut
from services.inventory.schemas.listing import CategoryCode
from services.inventory.schemas.terms import TERMS_EXAMPLE, Terms

_CLEARABLE: Final = frozenset({"worth_minor", "on_shelf_from", "on_shelf_until"})


class ProductIn(Incoming):
    """A product to be made: 包含什么 (`included`), 价值多少 (`worth_minor`), 为何超值 (`why`). It is sold while it is on
    the shelf and the clock is between `on_shelf_from` and `on_shelf_until`.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [PRODUCT_EXAMPLE]})

    name: Name
    category: CategoryCode
    description: Annotated[str, Field(max_length=20_000)] = ""
    on_shelf: bool = True
    included: Included = ()
    worth_minor: PriceMinor | None = None
    why: LongText = ""
    instructions: LongText = ""
    images: Images = ()
    on_shelf_from: AwareDatetime | None = None
    on_shelf_until: AwareDatetime | None = None


class ProductPatch(Incoming):
    """What shall change of a product. Null takes away `worth_minor`, `on_shelf_from` and `on_shelf_until`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"on_shelf": True, "on_shelf_until": None}]})

    name: Name | None = None
    category: CategoryCode | None = None
    description: Annotated[str, Field(max_length=20_000)] | None = None
    on_shelf: bool | None = None
    included: Included | None = None
    worth_minor: PriceMinor | None = None
    why: LongText | None = None
    instructions: LongText | None = None
    images: Images | None = None
    on_shelf_from: AwareDatetime | None = None
    on_shelf_until: AwareDatetime | None = None

    def changes(self) -> dict[str, object]:
        """What is named; null only where there may be nothing."""
        named = self.model_dump(exclude_unset=True)
        return {name: value for name, value in named.items() if value is not None or name in _CLEARABLE}


class ComponentIn(Incoming):
    """A part of a bundle."""

    sku_id: UUID
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class ChoiceOptionIn(ComponentIn):
    """A plain SKU that may be chosen; `extra_minor` is what the bundle then costs more."""

    extra_minor: PriceMinor = 0


class ChoiceGroupIn(Incoming):
    """Options of which the buyer chooses `pick`."""

    name: Name
    pick: Annotated[int, Field(ge=1, le=COMPONENTS_MAX)]
    options: Annotated[tuple[ChoiceOptionIn, ...], Field(min_length=1, max_length=COMPONENTS_MAX)]


class SkuIn(Terms):
    """A SKU to be made. `partner_id` is the brand that honours its codes; `redeemable_here` that it does so with us.

    `supplied`: cards that are not on the shelf are bought from a supplier when they are delivered. `goods` is what the kind
    needs beside; generated keys, cash vouchers and offline QR codes are always `redeemable_here`.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [SKU_EXAMPLE, BUNDLE_EXAMPLE, CASH_VOUCHER_EXAMPLE]})

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
    undo_within_minutes: UndoWithin | None = None
    giftable: Giftable = None
    stock_cap: StockCap | None = None
    goods: GoodsIn = GoodsIn()
    components: Annotated[tuple[ComponentIn, ...], Field(max_length=COMPONENTS_MAX)] = ()
    choices: Annotated[tuple[ChoiceGroupIn, ...], Field(max_length=CHOICE_GROUPS_MAX)] = ()

    def bundle(self) -> BundleSpec:
        """What a bundle consists of."""
        return BundleSpec(
            parts=tuple(ComponentSpec(**part.model_dump()) for part in self.components),
            choices=tuple(
                ChoiceGroup(
                    group.name, group.pick, tuple(ChoiceOption(**option.model_dump()) for option in group.options)
                )
                for group in self.choices
            ),
        )


class SkuPatch(Terms):
    """What shall change of a SKU: what is named, and a list that is named as a whole. Kind, currency,
    components and `supplied` never do.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"price_minor": 1_900, **TERMS_EXAMPLE}]})

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
    undo_within_minutes: UndoWithin | None = None
    giftable: Giftable = None
    stock_cap: StockCap | None = None
    goods: GoodsIn = GoodsIn()

    def changes(self) -> dict[str, Any]:
        """What is named."""
        whole = {**self.model_dump(), "goods": self.goods.as_goods()}
        return {name: whole[name] for name in self.model_fields_set}


class SubstitutesIn(Incoming):
    """What may be delivered instead, the first that can be had: worth as much or more, in the same currency.

    `other_partners`: of another brand too.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"sku_ids": ["01939f6c-2a08-7b3e-9c51-5d10c0a8f778"], "other_partners": False}]}
    )

    sku_ids: Annotated[tuple[UUID, ...], Field(max_length=SUBSTITUTES_MAX)]
    other_partners: bool = False


class ComponentOut(BaseModel):
    """A part of a bundle."""

    sku_id: UUID
    name: str
    kind: SkuKind
    quantity: int
    weight: int
    partner_id: UUID | None = None


class ChoiceOptionOut(ComponentOut):
    """A SKU that may be chosen. `stock` is how many bundles with it could be bought."""

    extra_minor: int = 0
    stock: int
    buyer_fields: list[BuyerField] = []


class ChoiceGroupOut(BaseModel):
    """Options of which the buyer names `pick`, as `choices` of the order line."""

    name: str
    pick: int
    options: list[ChoiceOptionOut]


class SkuOut(BaseModel):
    """A SKU as buyers see it. `stock` is how many can be bought now; of a bundle, as its scarcest part allows.

    `substitutes` may be delivered instead where it cannot be had, unless the order line says `accept_substitutes: false`.
    `buyer_fields` are to be told with the order line. With `tiers` only these buy, before `public_from` only `early_tiers`.
    """

    sku_id: UUID
    name: str
    kind: SkuKind
    price_minor: int
    currency: str
    max_per_order: int
    stock: int
    stock_unlimited: bool
    components: list[ComponentOut] | None = None
    period: SkuPeriod | None = None
    ladder: list[LadderStep] = []
    min_per_order: int = 1
    order_step: int = 1
    max_per_member: int | None = None
    max_per_member_day: int | None = None
    tiers: list[str] = []
    public_from: datetime | None = None
    early_tiers: list[str] = []
    buyer_fields: list[BuyerField] = []
    choices: list[ChoiceGroupOut] = []
    goods: GoodsOut
    substitutes: list[UUID] = []


class ProductPage(BaseModel):
    """What a product's page says."""

    product_id: UUID
    name: str
    category: str
    description: str
    included: list[str] = []
    worth_minor: int | None = None
    why: str = ""
    instructions: str = ""
    images: list[str] = []
    on_shelf_from: datetime | None = None
    on_shelf_until: datetime | None = None


class ProductOut(ProductPage):
    """A product as buyers see it."""

    model_config = ConfigDict(json_schema_extra={"examples": [PRODUCT_SEEN_EXAMPLE]})

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
    goods: GoodsOpsOut
    undo_within_minutes: int | None = None
    giftable: bool | None = None
    on_hand: int | None = None
    held: int = 0
    sold: int = 0


class ProductOpsOut(ProductPage):
    """A product as operators see it. `on_shelf` is their switch, whatever the clock says."""

    on_shelf: bool
    version: int
    skus: list[SkuOpsOut]
