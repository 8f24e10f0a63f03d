"""What an order costs and why: offers, the member's tier, and the part of the price that belongs to each component."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.order.domain.offers import Offer
from shared.money import BASIS_POINTS, allocate

FULL_PRICE_BP = BASIS_POINTS
_HALF_BP = BASIS_POINTS // 2
_ZHE_BP = 1000
"""One 折 is a tenth of the price."""


class SkuUnknownError(Exception):
    """Nobody sells that."""

    def __init__(self, sku_id: UUID) -> None:
        super().__init__(f"no SKU {sku_id}")
        self.extra = {"sku_id": str(sku_id)}


class SkuOffShelfError(Exception):
    """It was sold once, or will be; not now."""

    def __init__(self, sku_id: UUID) -> None:
        super().__init__(f"SKU {sku_id} is not on sale")
        self.extra = {"sku_id": str(sku_id)}


class QuantityError(Exception):
    """Less than one, or more than one order may have."""

    def __init__(self, sku_id: UUID, *, quantity: int, quantity_max: int) -> None:
        super().__init__(f"quantity {quantity} of SKU {sku_id} is not between 1 and {quantity_max}")
        self.extra = {"sku_id": str(sku_id), "quantity_max": quantity_max}


class MixedCurrencyError(Exception):
    """One order is paid in one currency."""


class PriceChangedError(Exception):
    """The buyer saw another price than the one that holds now."""

    def __init__(self, *, expected_total_minor: int, total_minor: int) -> None:
        super().__init__(f"the total is {total_minor}, not {expected_total_minor}")
        self.extra = {"total_minor": total_minor}


@dataclass(frozen=True, slots=True)
class Tier:
    """What a member's tier does to prices: 9000 pays 90 %."""

    name: str
    price_bp: int


@dataclass(frozen=True, slots=True)
class WantedLine:
    """What the buyer asked for."""

    sku_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One explained step from list price to price paid; `amount_minor` is what it takes off."""

    kind: str
    label: str
    amount_minor: int
    rule: str


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line at its price for the whole quantity. `parts_minor` are the components' parts: they add up to the total."""

    offer: Offer
    quantity: int
    list_minor: int
    total_minor: int
    parts_minor: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """The price of a basket. `total_minor` is `list_minor` less all adjustments."""

    lines: tuple[PricedLine, ...]
    adjustments: tuple[Adjustment, ...]
    currency: str
    list_minor: int
    total_minor: int


def check_lines(offers: Mapping[UUID, Offer], wanted: Sequence[WantedLine], *, now: datetime) -> None:
    """Whether these lines can be bought at all.

    :raises SkuUnknownError: a SKU nobody sells.
    :raises SkuOffShelfError: a SKU that is not sold now.
    :raises QuantityError: a quantity outside 1 to the SKU's limit, counted over all lines with it.
    :raises MixedCurrencyError: the SKUs are sold in several currencies.
    """
    quantities: dict[UUID, int] = {}
    currencies = set()
    for line in wanted:
        offer = offers.get(line.sku_id)
        if offer is None:
            raise SkuUnknownError(line.sku_id)
        if not (offer.on_sale and offer.sold_at(now)):
            raise SkuOffShelfError(line.sku_id)
        quantity = quantities[line.sku_id] = quantities.get(line.sku_id, 0) + line.quantity
        if line.quantity < 1 or quantity > offer.max_per_order:
            raise QuantityError(line.sku_id, quantity=line.quantity, quantity_max=offer.max_per_order)
        currencies.add(offer.currency)
    if len(currencies) > 1:
        raise MixedCurrencyError(", ".join(sorted(currencies)))


def price(offers: Mapping[UUID, Offer], wanted: Sequence[WantedLine], *, tier: Tier | None) -> Quote:
    """The price of lines that `check_lines` let pass."""
    price_bp = FULL_PRICE_BP if tier is None else tier.price_bp
    lines = tuple(_price_line(offers[line.sku_id], line.quantity, price_bp=price_bp) for line in wanted)
    list_minor = sum(line.list_minor for line in lines)
    total_minor = sum(line.total_minor for line in lines)
    return Quote(
        lines=lines,
        adjustments=() if tier is None or list_minor == total_minor else (_tier_step(tier, list_minor - total_minor),),
        currency=lines[0].offer.currency,
        list_minor=list_minor,
        total_minor=total_minor,
    )


def check_expected(quote: Quote, *, expected_total_minor: int | None) -> None:
    """Whether the buyer knows the price.

    :raises PriceChangedError: the buyer saw another one.
    """
    if expected_total_minor is not None and expected_total_minor != quote.total_minor:
        raise PriceChangedError(expected_total_minor=expected_total_minor, total_minor=quote.total_minor)


def _price_line(offer: Offer, quantity: int, *, price_bp: int) -> PricedLine:
    list_minor = offer.price_minor * quantity
    total_minor = discounted(list_minor, price_bp=price_bp)
    parts = allocate(total_minor, [component.weight for component in offer.components])
    return PricedLine(offer, quantity, list_minor, total_minor, tuple(parts))


def discounted(list_minor: int, *, price_bp: int) -> int:
    """The price after a factor, rounded half up to the minor unit, per line: the one place where a price is rounded."""
    return (list_minor * price_bp + _HALF_BP) // BASIS_POINTS


def _tier_step(tier: Tier, amount_minor: int) -> Adjustment:
    return Adjustment(
        kind="tier",
        label=f"{tier.name} 会员价 {tier.price_bp / _ZHE_BP:g} 折",
        amount_minor=amount_minor,
        rule=f"tier:{tier.name}:{tier.price_bp}",
    )
