"""Serve components from where their units come from: the shelf, a supplier, our own making, somebody's hands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.choosing import Offer, choose
from services.inventory.domain.delivery import RejectReason
from services.inventory.domain.goods import NO_GOODS, Goods
from services.inventory.domain.issuing import (
    Assignment,
    Entitlement,
    Reservation,
    assign,
    count_missing,
    count_wanted,
    unit_of_card,
)
from services.inventory.domain.kinds import GOODLESS_KINDS, Source
from services.inventory.domain.shipping import Promise
from services.inventory.domain.stock import StockMoves
from services.inventory.domain.substitutes import Substitute
from services.inventory.domain.supply import out_order_no
from services.inventory.repository import cards, catalogue, choosing, keys, stock
from services.inventory.repository.supply import NewTask
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.minting import Minted, claim_seats, mint
from shared.clock import new_id
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)

WAITS_MAX = 100
"""How often cards are waited for that others take. They may be laid back, or anew: then they are seen the next time."""


@dataclass(slots=True)
class Outcome:
    """What a batch comes to, gathered for statements over all of it."""

    moves: StockMoves
    goods: dict[UUID, Goods] = field(default_factory=dict)
    rejected: list[tuple[Reservation, RejectReason]] = field(default_factory=list)
    units: list[Entitlement] = field(default_factory=list)
    issued: list[tuple[Reservation, tuple[Entitlement, ...]]] = field(default_factory=list)
    found: list[UUID] = field(default_factory=list)
    tasks: list[NewTask] = field(default_factory=list)
    minted: list[Minted] = field(default_factory=list)
    promised: list[tuple[Reservation, Promise]] = field(default_factory=list)
    instead: dict[UUID, Substitute] = field(default_factory=dict)
    """What is delivered instead of what was ordered, by component."""

    def give(self, reservation: Reservation, units: tuple[Entitlement, ...]) -> None:
        """All units of a component, off its stock."""
        self.units.extend(units)
        self.issued.append((reservation, units))
        self.moves.sell(reservation.sku_id, reservation.quantity)


async def serve(
    uow: UnitOfWork,
    reservations: Sequence[Reservation],
    sources: Mapping[UUID, Source],
    *,
    held: set[UUID],
    outcome: Outcome,
    sealer: CardSealer,
    now: datetime,
) -> None:
    """Give out what these components want, or note why it cannot be had. `sources` and `held` are by component."""
    outcome.goods.update(await _find_goods(uow, reservations, sources))
    served = await _pass_stock(uow, reservations, held, outcome)
    from_source = {source: [entry for entry in served if sources[entry.component_id] is source] for source in Source}
    if shelved := from_source[Source.SHELF]:
        short = await _issue_cards(uow, shelved, await _claim(uow, shelved, now=now), outcome, now=now)
        outcome.rejected.extend((reservation, RejectReason.OUT_OF_STOCK) for reservation in short)
    if supplied := from_source[Source.SUPPLIER]:
        await _order(uow, await _look_on_shelf(uow, supplied, outcome, now=now), outcome, now=now)
    if minted := from_source[Source.MINT]:
        await _mint(uow, minted, outcome, sealer=sealer, now=now)
    if by_hand := from_source[Source.HAND]:
        await _promise(uow, by_hand, outcome, now=now)


async def _find_goods(
    uow: UnitOfWork, reservations: Sequence[Reservation], sources: Mapping[UUID, Source]
) -> Mapping[UUID, Goods]:
    """Plain card keys have none: a batch of them asks for nothing."""
    sku_ids = {
        entry.sku_id
        for entry in reservations
        if entry.kind not in GOODLESS_KINDS or sources[entry.component_id] in {Source.MINT, Source.HAND}
    }
    return await catalogue.find_goods(uow, list(sku_ids)) if sku_ids else {}


async def _pass_stock(
    uow: UnitOfWork, fresh: Sequence[Reservation], held: set[UUID], outcome: Outcome
) -> list[Reservation]:
    """Those that may have stock: all with a hold, and of the others as many as the free stock serves."""
    unheld = [reservation for reservation in fresh if reservation.component_id not in held]
    if not unheld:
        return list(fresh)
    free = await stock.lock_stock(uow, list({reservation.sku_id for reservation in unheld}))
    refused: set[UUID] = set()
    for reservation in unheld:
        left = free.get(reservation.sku_id, 0)
        if left is None:
            continue
        if left < reservation.quantity:
            reason = RejectReason.OUT_OF_STOCK if reservation.sku_id in free else RejectReason.SKU_UNKNOWN
            outcome.rejected.append((reservation, reason))
            refused.add(reservation.component_id)
        else:
            free[reservation.sku_id] = left - reservation.quantity
    return [reservation for reservation in fresh if reservation.component_id not in refused]


async def _issue_cards(
    uow: UnitOfWork, reservations: Sequence[Reservation], assignment: Assignment, outcome: Outcome, *, now: datetime
) -> list[Reservation]:
    """Give out what was claimed; answers those that got nothing."""
    for reservation in reservations:
        given = assignment.given.get(reservation.component_id)
        if given is None:
            continue
        goods = outcome.goods.get(reservation.sku_id, NO_GOODS)
        outcome.give(reservation, tuple(unit_of_card(reservation, card, goods=goods, issued_at=now) for card in given))
    if assignment.left_over:
        await cards.put_back(uow, assignment.left_over)
    return list(assignment.short)


async def _look_on_shelf(
    uow: UnitOfWork, reservations: Sequence[Reservation], outcome: Outcome, *, now: datetime
) -> list[Reservation]:
    """Cards that a supplier delivers are given out from the shelf if some lie there; answers what has to be ordered."""
    card_keys = [reservation for reservation in reservations if reservation.kind is SkuKind.CARD_KEY]
    if not card_keys:
        return list(reservations)
    assignment = assign(card_keys, await cards.claim_cards(uow, count_wanted(card_keys), now=now))
    await _issue_cards(uow, card_keys, assignment, outcome, now=now)
    outcome.found.extend(assignment.given)
    return [reservation for reservation in reservations if reservation.component_id not in assignment.given]


async def _claim(uow: UnitOfWork, reservations: Sequence[Reservation], *, now: datetime) -> Assignment:
    """Cards that others are just taking are passed over at first; before anything counts as sold out they are waited for."""
    wanted = count_wanted(reservations)
    claimed = await cards.claim_cards(uow, wanted, now=now)
    missing = count_missing(wanted, claimed)
    for _ in range(WAITS_MAX):
        if not missing or not await cards.any_left(uow, list(missing), now=now):
            break
        claimed += await cards.claim_cards(uow, missing, now=now, wait=True)
        missing = count_missing(wanted, claimed)
    if missing:
        log.warning("stock.short", skus={str(sku_id): quantity for sku_id, quantity in missing.items()})
    return assign(reservations, claimed)


async def _order(uow: UnitOfWork, reservations: Sequence[Reservation], outcome: Outcome, *, now: datetime) -> None:
    offers = await choosing.find_offers(uow, list({reservation.sku_id for reservation in reservations}), now=now)
    masks = await keys.find_masks(uow, [reservation.component_id for reservation in reservations])
    for reservation in reservations:
        told = reservation.kind is SkuKind.CARD_KEY or reservation.component_id in masks
        offer = _choose(reservation, offers.get(reservation.sku_id, []), told=told)
        if isinstance(offer, RejectReason):
            outcome.rejected.append((reservation, offer))
            continue
        outcome.moves.sell(reservation.sku_id, reservation.quantity)
        outcome.tasks.append(
            NewTask(
                task_id=new_id(),
                component_id=reservation.component_id,
                supplier_id=offer.supplier_id,
                out_order_no=out_order_no(reservation.component_id),
                supplier_sku=offer.supplier_sku,
                quantity=reservation.quantity,
                cost_minor=offer.cost_minor * reservation.quantity,
            )
        )


def _choose(reservation: Reservation, offers: Sequence[Offer], *, told: bool) -> Offer | RejectReason:
    if offers and not told:
        return RejectReason.BUYER_FIELDS_MISSING
    return choose(
        offers,
        component_id=reservation.component_id,
        quantity=reservation.quantity,
        amount_minor=reservation.amount_minor,
    )


async def _promise(uow: UnitOfWork, reservations: Sequence[Reservation], outcome: Outcome, *, now: datetime) -> None:
    """What is sent by hand is issued when it is sent; until then it waits, off the stock, for somebody to send it."""
    told = await keys.find_masks(uow, [reservation.component_id for reservation in reservations])
    for reservation in reservations:
        if reservation.component_id not in told:
            outcome.rejected.append((reservation, RejectReason.BUYER_FIELDS_MISSING))
            continue
        ship_before = now + outcome.goods[reservation.sku_id].ship_within
        outcome.promised.append((reservation, Promise(reservation.component_id, ship_before)))
        outcome.moves.sell(reservation.sku_id, reservation.quantity)


async def _mint(
    uow: UnitOfWork, reservations: Sequence[Reservation], outcome: Outcome, *, sealer: CardSealer, now: datetime
) -> None:
    """Make what was paid for, unless it would be over already."""
    good: list[Reservation] = []
    for entry in reservations:
        if outcome.goods[entry.sku_id].over(now):
            outcome.rejected.append((entry, RejectReason.OVER))
        else:
            good.append(entry)
    places = await claim_seats(uow, good, goods=outcome.goods)
    for minted in mint(good, goods=outcome.goods, places=places, sealer=sealer, now=now):
        outcome.minted.append(minted)
        for reservation, units in minted.given:
            outcome.give(reservation, units)
