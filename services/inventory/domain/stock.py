"""Who gets a hold when several want the same stock."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.inventory.domain.catalogue import SkuUnknownError


class StockInsufficientError(Exception):
    """Less of the SKU is free than was asked for."""

    def __init__(self, *, sku_id: UUID, available: int) -> None:
        super().__init__(f"{available} of SKU {sku_id} can be had")
        self.sku_id = sku_id
        self.available = available

    @property
    def extra(self) -> dict[str, object]:
        """What a problem document tells beside the code."""
        return {"sku_id": str(self.sku_id), "available": self.available}


class BuyerFieldsMissingError(Exception):
    """Goods without what they need to know: the account that a top-up goes to, where to send what is sent, who attends."""


ACCOUNT_FIELD = "account"
"""The buyer field that says which account a top-up goes to."""


@dataclass(frozen=True, slots=True)
class WantedComponent:
    """A component to be held. `buyer_fields` are personal (the account to top up) and never shown."""

    component_id: UUID
    line_id: UUID
    sku_id: UUID
    quantity: int
    buyer_fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """All components of one order, and of bundles that have one their own stock. They are held together or not at all."""

    order_id: UUID
    member_id: UUID | None
    expires_at: datetime
    components: tuple[WantedComponent, ...]
    caps: tuple[WantedComponent, ...] = ()

    def with_caps(self, counted: Collection[UUID]) -> "HoldRequest":
        """Bundles that have a stock of their own are held like components."""
        caps = tuple(cap for cap in self.caps if cap.sku_id in counted)
        return replace(self, components=self.components + caps, caps=()) if self.caps else self


Refusal = SkuUnknownError | StockInsufficientError | BuyerFieldsMissingError
HoldDecision = Refusal | None
"""None: the order is held."""


def decide_holds(
    requests: Sequence[HoldRequest], *, free: Mapping[UUID, int | None], needs: Mapping[UUID, Collection[str]]
) -> list[HoldDecision]:
    """Go through the requests as they arrived; each takes all that it wants or nothing.

    `free` says how many of each SKU are neither sold nor held; None stands for unlimited. `needs` are the
    buyer fields without which a SKU cannot be delivered. A request that is refused leaves its share to those behind it.
    """
    left = dict(free)
    decisions: list[HoldDecision] = []
    for request in requests:
        refusal = _refusal(request, left, needs)
        if refusal is None:
            _take(request, left)
        decisions.append(refusal)
    return decisions


def needed_fields(component: WantedComponent, *, asked: Collection[str] | None, top_up: bool) -> dict[str, str]:
    """What of that which the buyer told is to be kept: what the SKU asks for; where that is not said, all of a top-up's."""
    if asked is not None:
        return {name: value for name, value in component.buyer_fields.items() if name in asked}
    return dict(component.buyer_fields) if top_up else {}


def _refusal(
    request: HoldRequest, left: Mapping[UUID, int | None], needs: Mapping[UUID, Collection[str]]
) -> Refusal | None:
    for component in request.components:
        for name in needs.get(component.sku_id, ()):
            if not component.buyer_fields.get(name):
                return BuyerFieldsMissingError(f"SKU {component.sku_id} needs the buyer field {name!r}")
    for sku_id, quantity in _wanted_by_sku(request).items():
        if sku_id not in left:
            return SkuUnknownError(f"there is no SKU {sku_id} that can be held")
        available = left[sku_id]
        if available is not None and available < quantity:
            return StockInsufficientError(sku_id=sku_id, available=max(available, 0))
    return None


def _take(request: HoldRequest, left: dict[UUID, int | None]) -> None:
    for sku_id, quantity in _wanted_by_sku(request).items():
        available = left[sku_id]
        if available is not None:
            left[sku_id] = available - quantity


def _wanted_by_sku(request: HoldRequest) -> Counter[UUID]:
    wanted: Counter[UUID] = Counter()
    for component in request.components:
        wanted[component.sku_id] += component.quantity
    return wanted


@dataclass(slots=True)
class StockMoves:
    """What a transaction changes in the counters, gathered so that each SKU's row is touched once, at its end."""

    on_hand: Counter[UUID] = field(default_factory=Counter)
    held: Counter[UUID] = field(default_factory=Counter)
    sold: Counter[UUID] = field(default_factory=Counter)

    def sell(self, sku_id: UUID, quantity: int) -> None:
        """Units leave the stock for a buyer."""
        self.on_hand[sku_id] -= quantity
        self.sold[sku_id] += quantity

    def unhold(self, sku_id: UUID, quantity: int) -> None:
        """A promise ends, kept or not."""
        self.held[sku_id] -= quantity

    def take_back(self, sku_id: UUID, quantity: int) -> None:
        """Units come back from a buyer and can be sold again."""
        self.on_hand[sku_id] += quantity
        self.sold[sku_id] -= quantity

    def put_on(self, sku_id: UUID, quantity: int) -> None:
        """New units; a negative quantity takes units off that will not be sold."""
        self.on_hand[sku_id] += quantity

    def freed(self, sku_id: UUID) -> int:
        """How much more of the SKU can be held after these moves; negative: less."""
        return self.on_hand[sku_id] - self.held[sku_id]

    def rows(self) -> list[tuple[UUID, int, int, int]]:
        """`(sku_id, on_hand, held, sold)` to be added, by SKU."""
        moved = self.on_hand.keys() | self.held.keys() | self.sold.keys()
        return [(sku_id, self.on_hand[sku_id], self.held[sku_id], self.sold[sku_id]) for sku_id in sorted(moved)]
