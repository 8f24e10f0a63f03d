"""Channels: resellers who buy by API. On which terms they may buy what, and at which price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.order.domain.offers import Offer
from services.order.domain.pricing import Adjustment, PricedLine, Quote, Tier, WantedLine, count_by_sku, discounted
from shared.money import BASIS_POINTS, allocate

CHANNEL = "reseller"
"""What such orders say where buyers' say `web`. Who the reseller is, their `channel_id` tells."""


class ChannelNotActiveError(Exception):
    """No terms were agreed with this channel, or it is paused."""


class NotForChannelError(Exception):
    """The channel may not buy this."""

    def __init__(self, sku_id: UUID) -> None:
        super().__init__(f"SKU {sku_id} is not sold to this channel")
        self.extra = {"sku_id": str(sku_id)}


class PriceAboveMaxError(Exception):
    """It costs more than the channel would pay."""

    def __init__(self, *, total_minor: int, max_total_minor: int) -> None:
        super().__init__(f"the total is {total_minor}, above {max_total_minor}")
        self.extra = {"total_minor": total_minor}


class ExternalIdReusedError(Exception):
    """The channel's number belongs to an order of other content."""


class ChannelOrderNotFoundError(Exception):
    """The channel has no order of that number."""


class CurrencyError(Exception):
    """The goods are sold in another currency than the account is kept in."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with a channel. `price_bp` is the part of the list price it pays: 9200 pays 92 %.

    `prices` are agreed prices of a unit, by SKU; they count instead of `price_bp`. Where any of the three sets is not
    empty, only what one of them names is sold. `tier`: gates are passed as by a member of it. `buyer_limits`: what one
    buyer may have at most counts for the channel too.
    """

    channel_id: UUID
    name: str
    active: bool
    price_bp: int
    prices: Mapping[UUID, int]
    sku_ids: frozenset[UUID]
    product_ids: frozenset[UUID]
    categories: frozenset[str]
    tier: str | None
    buyer_limits: bool

    def sells(self, offer: Offer) -> bool:
        """Whether the channel may buy it at all."""
        if not (self.sku_ids or self.product_ids or self.categories):
            return True
        named = offer.sku_id in self.sku_ids or offer.product_id in self.product_ids
        return named or offer.category in self.categories

    @property
    def gate_tier(self) -> Tier | None:
        """The tier that gates look at; its discount is not the channel's."""
        return None if self.tier is None else Tier(self.tier, BASIS_POINTS)


@dataclass(frozen=True, slots=True)
class ChannelOrder:
    """A channel's order by the channel's own number. `content_hash` tells one content from another."""

    channel_id: UUID
    external_id: str
    content_hash: bytes
    order_id: UUID
    notify: bool = True


def check_sold(terms: Terms, offers: Mapping[UUID, Offer], wanted: Sequence[WantedLine]) -> None:
    """Whether all of this is sold to the channel.

    :raises ChannelNotActiveError: nothing is.
    :raises NotForChannelError: some of it is not.
    """
    if not terms.active:
        raise ChannelNotActiveError("the channel is paused")
    for line in wanted:
        if not terms.sells(offers[line.sku_id]):
            raise NotForChannelError(line.sku_id)


def channel_price(terms: Terms, offers: Mapping[UUID, Offer], wanted: Sequence[WantedLine]) -> Quote:
    """The price of lines that `check_lines` let pass: the channel's own, or the wholesale ladder's where that is lower.

    Never above the list price, never below the floor.
    """
    counted = count_by_sku(wanted)
    lines = tuple(_price_line(terms, offers[line.sku_id], line, counted=counted[line.sku_id]) for line in wanted)
    list_minor, total_minor = sum(line.list_minor for line in lines), sum(line.total_minor for line in lines)
    return Quote(
        lines=lines,
        adjustments=_summed(terms, list_minor - total_minor),
        currency=lines[0].offer.currency,
        list_minor=list_minor,
        total_minor=total_minor,
    )


def check_max(quote: Quote, *, max_total_minor: int | None) -> None:
    """Whether the channel would pay that much.

    :raises PriceAboveMaxError: it would not.
    """
    if max_total_minor is not None and quote.total_minor > max_total_minor:
        raise PriceAboveMaxError(total_minor=quote.total_minor, max_total_minor=max_total_minor)


def unit_price(terms: Terms, offer: Offer) -> int:
    """What one unit costs the channel, the ladder aside."""
    own = terms.prices.get(offer.sku_id)
    wanted = discounted(offer.price_minor, price_bp=terms.price_bp) if own is None else own
    return max(min(wanted, offer.price_minor), min(offer.floor_minor, offer.price_minor))


def open_to(terms: Terms, offer: Offer, *, now: datetime) -> bool:
    """Whether the channel may buy it now."""
    on_sale = offer.on_sale and offer.sold_at(now)
    return on_sale and terms.sells(offer) and offer.gate.lets_in(terms.tier, now=now)


def _price_line(terms: Terms, offer: Offer, line: WantedLine, *, counted: int) -> PricedLine:
    chosen = offer.chosen(line.chosen)
    list_minor = chosen.price_minor * line.quantity
    own = terms.prices.get(offer.sku_id)
    if own is None:
        wanted = discounted(list_minor, price_bp=terms.price_bp)
    else:
        wanted = (own + chosen.price_minor - offer.price_minor) * line.quantity
    reached = chosen.ladder_step(counted)
    if reached is not None:
        wanted = min(wanted, reached.unit_minor * line.quantity)
    floor_minor = min(chosen.floor_minor * line.quantity, list_minor)
    total_minor = max(min(wanted, list_minor), floor_minor)
    parts = allocate(total_minor, [component.weight for component in chosen.components])
    return PricedLine(
        chosen,
        line.quantity,
        list_minor,
        total_minor,
        tuple(parts),
        _summed(terms, list_minor - total_minor),
        line.accept_substitutes,
    )


def _summed(terms: Terms, amount_minor: int) -> tuple[Adjustment, ...]:
    if amount_minor == 0:
        return ()
    return (Adjustment("channel", f"{terms.name} 渠道价", amount_minor, f"channel:{terms.channel_id}"),)
