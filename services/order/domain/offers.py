"""What can be bought, as inventory last announced it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OfferComponent:
    """What a SKU consists of, per unit. `weight` divides the price among the components."""

    sku_id: UUID
    name: str
    kind: str
    quantity: int
    weight: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A SKU as it can be bought. `on_sale` holds for the SKU and the product it belongs to, between the two moments."""

    product_id: UUID
    sku_id: UUID
    name: str
    price_minor: int
    currency: str
    max_per_order: int
    on_sale: bool
    components: tuple[OfferComponent, ...]
    sold_from: datetime | None = None
    sold_until: datetime | None = None

    def sold_at(self, moment: datetime) -> bool:
        """Whether the product is on the shelf then, if it is on sale."""
        return (self.sold_from is None or self.sold_from <= moment) and (
            self.sold_until is None or moment < self.sold_until
        )
