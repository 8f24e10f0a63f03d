"""Which card goes to which component."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.goods import Goods
from shared.clock import new_id


@dataclass(frozen=True, slots=True)
class Reservation:
    """A component of a paid order, to be delivered. `amount_minor` is what was paid for all its units.

    `ordered_sku_id`: what was ordered, where `sku_id` is delivered instead.
    """

    component_id: UUID
    order_id: UUID
    line_id: UUID
    member_id: UUID | None
    sku_id: UUID
    kind: SkuKind
    quantity: int
    amount_minor: int
    currency: str
    accept_substitutes: bool = True
    ordered_sku_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ClaimedCard:
    """A card that this transaction took from the shelf, with what has to be told of it."""

    sku_id: UUID
    card_id: UUID
    batch_id: UUID
    masked: str
    cost_minor: int
    expires_at: datetime | None
    rank: int
    use_no: int = 1


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One unit that a buyer gets. A top-up has no card."""

    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    member_id: UUID | None
    sku_id: UUID
    card_id: UUID | None
    masked: str
    cost_minor: int
    expires_at: datetime | None
    use_no: int = 1
    """Which use of the card, where it has several."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Cards per component; components that got none, and cards that nobody got."""

    given: Mapping[UUID, tuple[ClaimedCard, ...]]
    short: tuple[Reservation, ...]
    left_over: tuple[ClaimedCard, ...]


def unit_of_card(reservation: Reservation, card: ClaimedCard, *, goods: Goods, issued_at: datetime) -> Entitlement:
    """What the buyer gets with a card of the shelf."""
    return unit_of(
        reservation,
        card_id=card.card_id,
        masked=card.masked,
        cost_minor=card.cost_minor,
        expires_at=goods.unit_end(card.expires_at, issued_at=issued_at),
        use_no=card.use_no,
    )


def unit_of(
    reservation: Reservation,
    *,
    card_id: UUID | None,
    masked: str,
    cost_minor: int,
    expires_at: datetime | None,
    use_no: int = 1,
) -> Entitlement:
    """One unit of a component for its buyer."""
    return Entitlement(
        entitlement_id=new_id(),
        component_id=reservation.component_id,
        order_id=reservation.order_id,
        member_id=reservation.member_id,
        sku_id=reservation.sku_id,
        card_id=card_id,
        masked=masked,
        cost_minor=cost_minor,
        expires_at=expires_at,
        use_no=use_no,
    )


def count_wanted(reservations: Iterable[Reservation]) -> dict[UUID, int]:
    """Units by SKU."""
    wanted: defaultdict[UUID, int] = defaultdict(int)
    for reservation in reservations:
        wanted[reservation.sku_id] += reservation.quantity
    return dict(wanted)


def count_missing(wanted: Mapping[UUID, int], cards: Iterable[ClaimedCard]) -> dict[UUID, int]:
    """How many cards of each SKU are still to be claimed; SKUs that lack none are left out."""
    missing = dict(wanted)
    for card in cards:
        missing[card.sku_id] -= 1
    return {sku_id: quantity for sku_id, quantity in missing.items() if quantity > 0}


def assign(reservations: Sequence[Reservation], cards: Sequence[ClaimedCard]) -> Assignment:
    """Hand out the cards in the order of the reservations: all units of a component, or none."""
    piles: defaultdict[UUID, list[ClaimedCard]] = defaultdict(list)
    for card in cards:
        piles[card.sku_id].append(card)
    for pile in piles.values():
        pile.reverse()  # the first card is dealt first, from the end
    given: dict[UUID, tuple[ClaimedCard, ...]] = {}
    short: list[Reservation] = []
    for reservation in reservations:
        pile = piles[reservation.sku_id]
        if len(pile) < reservation.quantity:
            short.append(reservation)
            continue
        given[reservation.component_id] = tuple(pile.pop() for _ in range(reservation.quantity))
    left_over = tuple(card for pile in piles.values() for card in reversed(pile))
    return Assignment(given=given, short=tuple(short), left_over=left_over)
