"""Holds, suppliers and figures."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, SecretStr

from services.inventory.domain.supply import TaskState
from services.inventory.schemas.base import HELD_COMPONENTS_MAX, BaseUrl, Incoming, Name, PriceMinor, Quantity


class HeldComponentIn(Incoming):
    """A component to be held."""

    component_id: UUID
    line_id: UUID
    sku_id: UUID
    quantity: Quantity
    buyer_fields: dict[Annotated[str, Field(max_length=50)], Annotated[str, Field(max_length=200)]] | None = Field(
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
    """What a supplier calls our SKU, and its cost per unit. Of several suppliers the lowest priority number is asked."""

    sku_id: UUID
    supplier_sku: Annotated[str, Field(min_length=1, max_length=100)]
    cost_minor: PriceMinor
    priority: Annotated[int, Field(ge=1, le=1_000)] = 1


class SupplierIn(Incoming):
    """A supplier. `secret` signs our calls and its answers; it is stored sealed and never shown again."""

    name: Name
    base_url: BaseUrl
    merchant_id: Annotated[str, Field(min_length=1, max_length=100)] = "kaquan"
    secret: SecretStr = Field(min_length=32, max_length=200)
    skus: Annotated[tuple[SupplierSkuIn, ...], Field(max_length=1_000)] = ()


class SupplierPatch(Incoming):
    """What shall change of a supplier. A new secret holds from the next call on."""

    base_url: BaseUrl | None = None
    active: bool | None = None
    secret: SecretStr | None = Field(default=None, min_length=32, max_length=200)


class SupplierSkusIn(Incoming):
    """Offers to be added or replaced."""

    skus: Annotated[tuple[SupplierSkuIn, ...], Field(min_length=1, max_length=1_000)]


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
    cards: dict[str, int]
    supplier_tasks: dict[str, int]
    holds: int
