"""HTTP bodies, in and out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from services.inventory.domain.cards import CODE_LENGTH_MAX
from services.inventory.domain.catalogue import COMPONENTS_MAX, SkuKind
from services.inventory.domain.delivery import EntitlementState
from services.inventory.domain.supply import TaskState

NAME_LENGTH_MAX = 200
QUANTITY_MAX = 10_000
PRICE_MINOR_MAX = 100_000_000
"""A million in the currency's major unit: more is a slip of the keyboard."""

HELD_COMPONENTS_MAX = 500

Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)]
PriceMinor = Annotated[int, Field(ge=0, le=PRICE_MINOR_MAX)]
Quantity = Annotated[int, Field(ge=1, le=QUANTITY_MAX)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
StockCap = Annotated[int, Field(ge=0, le=100_000_000)]
LowStock = Annotated[int, Field(ge=0, le=1_000_000)]
BaseUrl = Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", max_length=300)]


class _In(BaseModel):
    """What comes in says nothing that is not understood."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class ProductIn(_In):
    """A product to be made."""

    name: Name
    category: Annotated[str, Field(min_length=1, max_length=100)]
    description: Annotated[str, Field(max_length=20_000)] = ""
    on_shelf: bool = True


class ProductPatch(_In):
    """What shall change of a product."""

    name: Name | None = None
    category: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    description: Annotated[str, Field(max_length=20_000)] | None = None
    on_shelf: bool | None = None


class ComponentIn(_In):
    """A part of a bundle."""

    sku_id: UUID
    quantity: Annotated[int, Field(ge=1, le=100)] = 1
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class SkuIn(_In):
    """A SKU to be made. `partner_id` is the brand that honours its codes; `redeemable_here` that it does so with us."""

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
    partner_id: UUID | None = None
    low_stock_below: LowStock = 0
    stock_cap: StockCap | None = None
    components: Annotated[list[ComponentIn], Field(max_length=COMPONENTS_MAX)] = []


class SkuPatch(_In):
    """What shall change of a SKU. Kind, currency and components never do."""

    name: Name | None = None
    price_minor: PriceMinor | None = None
    price_floor_minor: PriceMinor | None = None
    max_per_order: Annotated[int, Field(ge=1, le=1_000)] | None = None
    on_sale: bool | None = None
    redeemable_here: bool | None = None
    price_guard: bool | None = None
    partner_id: UUID | None = None
    low_stock_below: LowStock | None = None
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
    partner_id: UUID | None = None
    low_stock_below: int
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


class BatchIn(BaseModel):
    """Cards as JSON: objects with code, password, serial, expires_at, or the codes alone. Checked one by one."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    codes: list[object] = Field(repr=False)
    cost_minor: PriceMinor = 0


class BrokenLineOut(BaseModel):
    """A line that was not taken, and why; never what was in it."""

    line: int
    reason: str


class BatchResultOut(BaseModel):
    """What became of an import."""

    batch_id: UUID
    accepted: int
    refused: int
    lines: list[BrokenLineOut]


class BatchOut(BaseModel):
    """A batch with what became of its cards. `issued` counts those not given back; the others are part of it."""

    batch_id: UUID
    sku_id: UUID
    imported_by: str
    imported_at: datetime
    accepted: int
    refused: int
    cost_minor: int
    available: int
    issued: int
    revealed: int
    redeemed: int
    revoked: int


class HeldComponentIn(_In):
    """A component to be held."""

    component_id: UUID
    line_id: UUID
    sku_id: UUID
    quantity: Quantity
    buyer_fields: dict[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=200)]] | None = Field(
        default=None, repr=False, max_length=20
    )


class HoldIn(_In):
    """All that an order wants held."""

    order_id: UUID
    member_id: UUID | None = None
    expires_at: AwareDatetime
    components: Annotated[list[HeldComponentIn], Field(min_length=1, max_length=HELD_COMPONENTS_MAX)]


class EntitlementOut(BaseModel):
    """Something a buyer owns. The code is not in it: that takes a reveal."""

    entitlement_id: UUID
    order_id: UUID
    component_id: UUID
    sku_id: UUID
    name: str
    kind: SkuKind
    masked: str
    status: EntitlementState
    issued_at: datetime
    expires_at: datetime | None = None
    first_revealed_at: datetime | None = None
    redeemed_at: datetime | None = None


class EntitlementOpsOut(EntitlementOut):
    """The same for operators, with whose it is and how often it was seen."""

    member_id: UUID | None = None
    reveals: int


class CardOut(BaseModel):
    """A card in clear. It is made for one answer and kept nowhere."""

    code: str = Field(repr=False)
    password: str | None = Field(default=None, repr=False)
    serial: str | None = Field(default=None, repr=False)
    expires_at: datetime | None = None


class RedemptionIn(_In):
    """A code presented at a partner, as typed (`code`) or as read from a QR code (`qr`)."""

    code: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)
    qr: SecretStr | None = Field(default=None, min_length=1, max_length=CODE_LENGTH_MAX)
    store: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH_MAX)] | None = None


class RedemptionOut(BaseModel):
    """A code that was honoured."""

    redemption_id: UUID
    sku_id: UUID
    order_id: UUID
    masked: str
    store: str | None = None
    redeemed_at: datetime


class RedeemedOut(BaseModel):
    """The answer to a redemption."""

    redemption_id: UUID
    masked: str
    redeemed_at: datetime


class SupplierSkuIn(_In):
    """What a supplier calls our SKU, and its cost per unit. Of several suppliers the lowest priority number is asked."""

    sku_id: UUID
    supplier_sku: Annotated[str, Field(min_length=1, max_length=100)]
    cost_minor: PriceMinor
    priority: Annotated[int, Field(ge=1, le=1_000)] = 1


class SupplierIn(_In):
    """A supplier. `secret` signs our calls and its answers; it is stored sealed and never shown again."""

    name: Name
    base_url: BaseUrl
    merchant_id: Annotated[str, Field(min_length=1, max_length=100)] = "kaquan"
    secret: SecretStr = Field(min_length=32, max_length=200)
    skus: Annotated[list[SupplierSkuIn], Field(max_length=1_000)] = []


class SupplierPatch(_In):
    """What shall change of a supplier."""

    base_url: BaseUrl | None = None
    active: bool | None = None


class SupplierSkusIn(_In):
    """Offers to be added or replaced."""

    skus: Annotated[list[SupplierSkuIn], Field(min_length=1, max_length=1_000)]


class SupplierOut(BaseModel):
    """A supplier, without its secret."""

    supplier_id: UUID
    name: str
    base_url: str
    merchant_id: str
    active: bool
    skus: list[SupplierSkuIn]


class SupplierTaskOut(BaseModel):
    """An order with a supplier."""

    task_id: UUID
    component_id: UUID
    order_id: UUID
    supplier_id: UUID
    out_order_no: str
    supplier_order_no: str | None = None
    state: TaskState
    quantity: int
    cost_minor: int
    attempts: int
    questions: int
    last_reason: str
    created_at: datetime
    ended_at: datetime | None = None


class TaskResolutionIn(_In):
    """What an operator found out about an order whose fate the supplier does not tell."""

    outcome: Literal["delivered", "not_delivered"]


class LowStockOut(BaseModel):
    """A SKU of which little is left."""

    sku_id: UUID
    name: str
    available: int
    low_stock_below: int


class FiguresOut(BaseModel):
    """For the dashboard."""

    low_stock: list[LowStockOut]
    cards: dict[str, int]
    supplier_tasks: dict[str, int]
    holds: int
