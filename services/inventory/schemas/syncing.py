"""What suppliers push, and what is known of their lists."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.inventory.domain.syncing import ListedGoods
from services.inventory.schemas.base import Incoming, PriceMinor


class PushedGoodsIn(Incoming):
    """Goods as they now stand with the supplier. `stock` left out: not told."""

    supplier_sku: Annotated[str, Field(min_length=1, max_length=100)]
    cost_minor: PriceMinor
    stock: Annotated[int, Field(ge=0, le=100_000_000)] | None = None

    def as_listed(self) -> ListedGoods:
        return ListedGoods(self.supplier_sku, self.cost_minor, self.stock)


class PushIn(Incoming):
    """Goods of a supplier that changed. `at` is newer than that of every push before."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "at": "2026-11-25T02:00:00.120Z",
                "goods": [{"supplier_sku": "TOPUP-10", "cost_minor": 960, "stock": 4200}],
            }
        }
    )

    at: AwareDatetime
    goods: Annotated[tuple[PushedGoodsIn, ...], Field(min_length=1, max_length=1_000)]


class WebhookDataIn(BaseModel):
    """What a webhook is about: an order of ours, by our number, or goods."""

    external_id: Annotated[str, Field(max_length=64)] | None = None


class WebhookIn(BaseModel):
    """A webhook of another Kaquan. Only what it is about is taken; how that now stands is asked."""

    type: Annotated[str, Field(max_length=64)]
    data: WebhookDataIn


class LowBalanceOut(BaseModel):
    """A supplier with whom less money is left than should be."""

    supplier_id: UUID
    name: str
    balance_minor: int
    low_balance_minor: int
