"""Make what is made when it is paid for: codes, links and QR codes, sealed and indexed like any card that was imported."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.inventory.domain.cards import CardSecret
from services.inventory.domain.codes import CodePattern, make_code
from services.inventory.domain.goods import CODE_PLACE, Goods, link_host
from services.inventory.domain.importing import ReadLine
from services.inventory.domain.issuing import Entitlement, Reservation, count_wanted, unit_of
from services.inventory.repository import bought, keys, seats
from services.inventory.repository.cards import Batch
from services.inventory.repository.keys import KeyPurpose
from services.inventory.usecases.importing import CardSealer, SealedImport
from shared.database import UnitOfWork

MINTED_BY = "minted"
"""Who a batch of codes is from that we made."""

NO_CODE_MASK = "QR"
"""What stands for the code of what is shown as a QR code."""


@dataclass(frozen=True, slots=True)
class Minted:
    """What was made of one SKU: the units by component and, unless they are QR codes alone, their sealed codes."""

    given: tuple[tuple[Reservation, tuple[Entitlement, ...]], ...]
    sealed: SealedImport | None
    cost_minor: int
    seats: tuple[tuple[UUID, int, UUID], ...] = ()
    """Numbered seats as `(sku_id, number, entitlement_id)`."""


async def claim_seats(
    uow: UnitOfWork, reservations: Sequence[Reservation], *, goods: Mapping[UUID, Goods]
) -> Mapping[UUID, Sequence[int]]:
    """The numbers of the seats that these components get, by SKU; SKUs whose seats have none are absent."""
    numbered = [entry for entry in reservations if (event := goods[entry.sku_id].event) and event.numbered]
    return await seats.claim_seats(uow, count_wanted(numbered)) if numbered else {}


def mint(
    reservations: Sequence[Reservation],
    *,
    goods: Mapping[UUID, Goods],
    places: Mapping[UUID, Sequence[int]],
    sealer: CardSealer,
    now: datetime,
) -> Iterator[Minted]:
    """Units for these components, by SKU. The codes of one SKU are sealed under one new data key."""
    by_sku: defaultdict[UUID, list[Reservation]] = defaultdict(list)
    for reservation in reservations:
        by_sku[reservation.sku_id].append(reservation)
    for sku_id, some in by_sku.items():
        yield _mint_sku(some, sku_id=sku_id, goods=goods[sku_id], places=places.get(sku_id), sealer=sealer, now=now)


async def store(uow: UnitOfWork, minted: Minted, *, now: datetime) -> None:
    """Write the codes, which never lie on the shelf, and who has which seat.

    :raises asyncpg.UniqueViolationError: a code exists (`uq_cards_code_index`); whoever tries again makes another.
    """
    if minted.seats:
        await seats.take_seats(uow, minted.seats)
    sealed = minted.sealed
    if sealed is None:
        return
    await keys.add_key(uow, sealed.key, purpose=KeyPurpose.CARD_BATCH, now=now)
    batch = Batch(sealed.batch_id, sealed.sku_id, sealed.key.key_id, MINTED_BY, 0, minted.cost_minor)
    await bought.add_bought(uow, batch, [line.card for line in sealed.lines], now=now)


def _mint_sku(
    reservations: Sequence[Reservation],
    *,
    sku_id: UUID,
    goods: Goods,
    places: Sequence[int] | None,
    sealer: CardSealer,
    now: datetime,
) -> Minted:
    quantity = sum(reservation.quantity for reservation in reservations)
    sealed = None
    things: Iterator[tuple[UUID | None, str]] = iter([(None, NO_CODE_MASK)] * quantity)
    if goods.code is not None:
        lines = [ReadLine(number, _secret(goods.code, goods)) for number in range(1, quantity + 1)]
        sealed = sealer.seal_all(lines, sku_id=sku_id, broken=())
        things = iter([(line.card.card_id, line.card.masked) for line in sealed.lines])
    elif goods.event is not None and places is not None:
        things = iter([(None, f"{goods.event.seat_prefix}{number}") for number in places])
    expires_at = goods.unit_end(None, issued_at=now)
    given = []
    for reservation in reservations:
        mine = [next(things) for _ in range(reservation.quantity)]
        units = tuple(
            unit_of(reservation, card_id=card_id, masked=masked, cost_minor=goods.cost_minor, expires_at=expires_at)
            for card_id, masked in mine
        )
        given.append((reservation, units))
    ids = [unit.entitlement_id for _, units in given for unit in units]
    taken = [(sku_id, number, entitlement_id) for number, entitlement_id in zip(places or (), ids, strict=False)]
    return Minted(tuple(given), sealed, goods.cost_minor, tuple(taken))


def _secret(pattern: CodePattern, goods: Goods) -> CardSecret:
    code = make_code(pattern)
    if goods.link is None or goods.link.template is None:
        return CardSecret(code)
    link = goods.link.template.replace(CODE_PLACE, code)
    return CardSecret(link, link_host=link_host(link))
