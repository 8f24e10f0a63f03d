"""What an order costs and why: offers, the member's tier, and the part of the price that belongs to each component."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.order.domain.offers import LadderStep, Offer
from shared.money import BASIS_POINTS, allocate

_HALF_BP = BASIS_POINTS // 2
_ZHE_BP = 1000
"""One 折 is a tenth of the price."""

_ORDER = ("ladder", "tier")
"""In which steps are taken from the list price."""


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
    """Less, or more, than one order may have, or not in whole steps."""

    def __init__(self, offer: Offer, *, quantity: int) -> None:
        limits = offer.limits
        super().__init__(
            f"quantity {quantity} of SKU {offer.sku_id} is not between {limits.min_per_order} and"
            f" {offer.max_per_order} in steps of {limits.order_step}"
        )
        self.extra = {
            "sku_id": str(offer.sku_id),
            "quantity_min": limits.min_per_order,
            "quantity_max": offer.max_per_order,
            "quantity_step": limits.order_step,
        }


class TierRequiredError(Exception):
    """The buyer's tier may not buy it, or not yet."""

    def __init__(self, offer: Offer, *, now: datetime) -> None:
        early = offer.gate.public_from is not None and now < offer.gate.public_from
        tiers = offer.gate.early_tiers if early else offer.gate.tiers
        super().__init__(f"SKU {offer.sku_id} is now sold to {', '.join(sorted(tiers)) or 'nobody'} alone")
        self.extra = {
            "sku_id": str(offer.sku_id),
            "tiers": sorted(tiers),
            "public_from": offer.gate.public_from if early else None,
        }


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
    """What the buyer asked for, and what of it he chose. `accept_substitutes`: something else of its worth will do."""

    sku_id: UUID
    quantity: int
    chosen: tuple[UUID, ...] = ()
    accept_substitutes: bool = True


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One explained step from list price to price paid; `amount_minor` is what it takes off."""

    kind: str
    label: str
    amount_minor: int
    rule: str


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One line at its price for the whole quantity. `parts_minor` are the components' parts: they add up to the total.

    `adjustments` are the steps from `list_minor` to `total_minor`, in the order in which they were taken.
    """

    offer: Offer
    quantity: int
    list_minor: int
    total_minor: int
    parts_minor: tuple[int, ...]
    adjustments: tuple[Adjustment, ...] = ()
    accept_substitutes: bool = True


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
    :raises QuantityError: a quantity outside the SKU's limits or steps, counted over all lines with it.
    :raises ChoiceError: what was chosen is not what there is to choose.
    :raises MixedCurrencyError: the SKUs are sold in several currencies.
    """
    currencies = set()
    for line in wanted:
        offer = offers.get(line.sku_id)
        if offer is None:
            raise SkuUnknownError(line.sku_id)
        if not (offer.on_sale and offer.sold_at(now)):
            raise SkuOffShelfError(line.sku_id)
        if line.quantity < 1:
            raise QuantityError(offer, quantity=line.quantity)
        offer.chosen(line.chosen)
        currencies.add(offer.currency)
    for sku_id, quantity in count_by_sku(wanted).items():
        offer = offers[sku_id]
        limits = offer.limits
        if not limits.min_per_order <= quantity <= offer.max_per_order or quantity % limits.order_step:
            raise QuantityError(offer, quantity=quantity)
    if len(currencies) > 1:
        raise MixedCurrencyError(", ".join(sorted(currencies)))


def check_gates(
    offers: Mapping[UUID, Offer], wanted: Sequence[WantedLine], *, tier: Tier | None, now: datetime
) -> None:
    """Whether a buyer of this tier may have these goods now.

    :raises TierRequiredError: some are for other tiers, or not yet for this one.
    """
    for line in wanted:
        offer = offers[line.sku_id]
        if not offer.gate.lets_in(None if tier is None else tier.name, now=now):
            raise TierRequiredError(offer, now=now)


def count_by_sku(wanted: Sequence[WantedLine]) -> Counter[UUID]:
    """Units of each SKU, over all lines."""
    counted: Counter[UUID] = Counter()
    for line in wanted:
        counted[line.sku_id] += line.quantity
    return counted


def price(offers: Mapping[UUID, Offer], wanted: Sequence[WantedLine], *, tier: Tier | None) -> Quote:
    """The price of lines that `check_lines` let pass: the base price, then the wholesale ladder, then the tier's discount.

    The ladder looks at the units of a SKU over all lines. No step goes below the SKU's floor.
    """
    counted = count_by_sku(wanted)
    lines = tuple(
        replace(
            _price_line(
                offers[line.sku_id].chosen(line.chosen), line.quantity, counted=counted[line.sku_id], tier=tier
            ),
            accept_substitutes=line.accept_substitutes,
        )
        for line in wanted
    )
    return Quote(
        lines=lines,
        adjustments=_summed(step for line in lines for step in line.adjustments),
        currency=lines[0].offer.currency,
        list_minor=sum(line.list_minor for line in lines),
        total_minor=sum(line.total_minor for line in lines),
    )


def check_expected(quote: Quote, *, expected_total_minor: int | None) -> None:
    """Whether the buyer knows the price.

    :raises PriceChangedError: the buyer saw another one.
    """
    if expected_total_minor is not None and expected_total_minor != quote.total_minor:
        raise PriceChangedError(expected_total_minor=expected_total_minor, total_minor=quote.total_minor)


def _price_line(offer: Offer, quantity: int, *, counted: int, tier: Tier | None) -> PricedLine:
    list_minor = total_minor = offer.price_minor * quantity
    floor_minor = min(offer.floor_minor * quantity, list_minor)
    steps: list[Adjustment] = []
    reached = offer.ladder_step(counted)
    if reached is not None:
        before, total_minor = total_minor, max(min(reached.unit_minor * quantity, total_minor), floor_minor)
        steps.append(_ladder_step(offer, reached, before - total_minor))
    if tier is not None:
        wanted = discounted(total_minor, price_bp=tier.price_bp)
        before, total_minor = total_minor, max(wanted, floor_minor)
        steps.append(_tier_step(tier, before - total_minor, floored=total_minor > wanted))
    parts = allocate(total_minor, [component.weight for component in offer.components])
    taken = tuple(step for step in steps if step.amount_minor > 0)
    return PricedLine(offer, quantity, list_minor, total_minor, tuple(parts), taken)


def discounted(list_minor: int, *, price_bp: int) -> int:
    """The price after a factor, rounded half up to the minor unit, per line: the one place where a price is rounded."""
    return (list_minor * price_bp + _HALF_BP) // BASIS_POINTS


def _summed(steps: Iterable[Adjustment]) -> tuple[Adjustment, ...]:
    """Steps by the same rule as one, ladders before tiers."""
    by_rule: dict[str, Adjustment] = {}
    for step in steps:
        known = by_rule.get(step.rule)
        by_rule[step.rule] = (
            step if known is None else replace(step, amount_minor=known.amount_minor + step.amount_minor)
        )
    return tuple(sorted(by_rule.values(), key=lambda step: _ORDER.index(step.kind)))


def _ladder_step(offer: Offer, reached: LadderStep, amount_minor: int) -> Adjustment:
    return Adjustment(
        kind="ladder",
        label=f"{offer.name} 满 {reached.quantity_from} 件批发价",
        amount_minor=amount_minor,
        rule=f"ladder:{offer.sku_id}:{reached.quantity_from}:{reached.unit_minor}",
    )


def _tier_step(tier: Tier, amount_minor: int, *, floored: bool) -> Adjustment:
    return Adjustment(
        kind="tier",
        label=f"{tier.name} 会员价 {tier.price_bp / _ZHE_BP:g} 折" + (",已到底价" if floored else ""),
        amount_minor=amount_minor,
        rule=f"tier:{tier.name}:{tier.price_bp}" + (":floor" if floored else ""),
    )
