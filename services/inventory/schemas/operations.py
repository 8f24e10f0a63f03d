"""Holds, suppliers and figures."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, SecretStr, model_validator

from services.inventory.domain.supply import TaskState
from services.inventory.domain.syncing import PriceRule
from services.inventory.schemas.base import HELD_COMPONENTS_MAX, BaseUrl, Incoming, Name, PriceMinor, Quantity
from services.inventory.schemas.syncing import LowBalanceOut
from services.inventory.schemas.wires import WireIn


class HeldComponentIn(Incoming):
    """A component to be held."""

    component_id: UUID
    line_id: UUID
    sku_id: UUID
    quantity: Quantity
    buyer_fields: dict[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=1_000)]] | None = Field(
        default=None, repr=False, max_length=20
    )


class HeldBundleIn(Incoming):
    """A line with a bundle that has a stock of its own."""

    line_id: UUID
    sku_id: UUID
    quantity: Quantity


class HoldIn(Incoming):
    """All that an order wants held."""

    order_id: UUID
    member_id: UUID | None = None
    expires_at: AwareDatetime
    components: Annotated[list[HeldComponentIn], Field(min_length=1, max_length=HELD_COMPONENTS_MAX)]
    bundles: Annotated[tuple[HeldBundleIn, ...], Field(max_length=HELD_COMPONENTS_MAX)] = ()


class SupplierSkuIn(Incoming):
    """What a supplier calls our SKU, and its cost per unit.

    Of several suppliers the lowest priority number is asked first; those with the same number share the orders by weight.
    `price_rule`: when the supplier's cost changes, `alert` says so, `pause` stops buying there if it rose, `reprice` sells
    at the cost and `margin_bp` ten-thousandths more, as long as this supplier is asked first.
    """

    sku_id: UUID
    supplier_sku: Annotated[str, Field(min_length=1, max_length=100)]
    cost_minor: PriceMinor
    priority: Annotated[int, Field(ge=1, le=1_000)] = 1
    weight: Annotated[int, Field(ge=1, le=1_000)] = 1
    price_rule: PriceRule = PriceRule.ALERT
    margin_bp: Annotated[int, Field(ge=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _reprice_has_margin(self) -> Self:
        if self.price_rule is PriceRule.REPRICE and self.margin_bp is None:
            raise ValueError("reprice needs a margin_bp")
        return self


class SupplierIn(Incoming):
    """A supplier. `secret` signs our calls and its answers; it is stored sealed and never shown again.

    `wire` says how it is spoken to: described by a template, or as Fulu's platform is; left out, as we would.
    """

    name: Name
    base_url: BaseUrl
    merchant_id: Annotated[str, Field(min_length=1, max_length=100)] = "kaquan"
    secret: SecretStr = Field(min_length=32, max_length=200)
    wire: WireIn | None = None
    skus: Annotated[tuple[SupplierSkuIn, ...], Field(max_length=1_000)] = ()


class SupplierPatch(Incoming):
    """What shall change of a supplier. A new secret holds from the next call on."""

    base_url: BaseUrl | None = None
    active: bool | None = None
    secret: SecretStr | None = Field(default=None, min_length=32, max_length=200)
    wire: WireIn | None = None
    low_balance_minor: Annotated[int, Field(ge=0, le=10**12)] | None = None


class SupplierSkusIn(Incoming):
    """Offers to be added or replaced."""

    skus: Annotated[tuple[SupplierSkuIn, ...], Field(min_length=1, max_length=1_000)]


class SupplierSkuOut(BaseModel):
    """An offer. `paused_reason`: why it is not bought from at the moment; mapping it anew ends the pause."""

    sku_id: UUID
    supplier_sku: str
    cost_minor: int
    priority: int
    weight: int
    paused_reason: str | None = None
    price_rule: PriceRule
    margin_bp: int | None = None
    stock: int | None = None


class SupplierOut(BaseModel):
    """A supplier, without its secret."""

    supplier_id: UUID
    name: str
    base_url: str
    merchant_id: str
    active: bool
    wire: dict[str, Any] | None = None
    synced_at: datetime | None = None
    balance_minor: int | None = None
    low_balance_minor: int | None = None
    skus: list[SupplierSkuOut]


class SupplierTryOut(BaseModel):
    """What became of an order with a supplier that it is no longer with."""

    supplier_id: UUID
    out_order_no: str
    supplier_order_no: str | None = None
    last_reason: str
    ended_at: datetime


class SupplierTaskOut(BaseModel):
    """An order with a supplier. `earlier` are the suppliers that certainly did not deliver it, in their order."""

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
    earlier: list[SupplierTryOut]


class TaskResolutionIn(Incoming):
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
    expiring_cards: dict[str, int]
    cards: dict[str, int]
    supplier_tasks: dict[str, int]
    low_balances: list[LowBalanceOut]
    holds: int
    shipments: dict[str, int]
