"""Follow what suppliers list: cost and stock of our offers, and what a change of cost leads to; what is left with them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.inventory.domain.offers import TermsRefusedError
from services.inventory.domain.supply import SupplierUnknownError
from services.inventory.domain.syncing import (
    ListedGoods,
    OfferChange,
    PushRefusedError,
    SealedAccess,
    SupplierAccess,
    decide_change,
)
from services.inventory.repository import catalogue as catalogue_rows
from services.inventory.repository import syncing
from services.inventory.usecases import catalogue
from services.inventory.usecases.issuing import TASKS_CHANNEL
from services.inventory.usecases.suppliers import supplier_secret_aad
from shared.crypto import Keyring, Secret, open_sealed
from shared.database import UnitOfWork
from shared.observability import Counter, Gauge, get_logger

log = get_logger(__name__)

SYNC_EVERY = timedelta(minutes=5)
SUPPLIERS_AT_ONCE = 20

_CHANGES = Counter("supplier_offers_changed_total", "Offers whose cost or stock a supplier changed", ["supplier"])
_BALANCE = Gauge("supplier_balance_minor", "What is left of our money with a supplier", ["supplier"])
_LOW = Gauge("supplier_balance_low", "1 while less is left with a supplier than should be", ["supplier"])


async def take_due(uow: UnitOfWork, *, now: datetime) -> list[SealedAccess]:
    """Suppliers whose lists are to be read now, by this process."""
    return await syncing.take_due(uow, now=now, next_at=now + SYNC_EVERY, limit=SUPPLIERS_AT_ONCE)


async def ask_for_list(uow: UnitOfWork, supplier_id: UUID) -> None:
    """Let the list be read at the next look of the clock.

    :raises SupplierUnknownError: there is no such supplier, or nothing is bought from it.
    """
    if not await syncing.make_due(uow, supplier_id):
        raise SupplierUnknownError(f"there is no supplier {supplier_id}")


async def ask_about_order(uow: UnitOfWork, supplier_id: UUID, *, out_order_no: str, now: datetime) -> None:
    """Something became of our order there: ask now instead of later. What it says itself is not taken for an answer."""
    if await syncing.hasten(uow, supplier_id, out_order_no=out_order_no, now=now):
        uow.after_commit(lambda: uow.database.ring(TASKS_CHANNEL))


def open_access(sealed: SealedAccess, *, keyring: Keyring) -> SupplierAccess:
    """What a call takes, with the secret opened."""
    aad = supplier_secret_aad(sealed.supplier_id)
    secret = open_sealed(keyring.unwrap(sealed.secret_key), sealed.secret_sealed, aad=aad)
    return SupplierAccess(sealed.supplier_id, sealed.base_url, sealed.merchant_id, Secret(secret.decode()), sealed.wire)


async def find_access(uow: UnitOfWork, supplier_id: UUID, *, keyring: Keyring) -> SupplierAccess:
    """An active supplier's access.

    :raises SupplierUnknownError: there is no such supplier.
    """
    sealed = await syncing.find_access(uow, supplier_id)
    if sealed is None:
        raise SupplierUnknownError(f"there is no supplier {supplier_id}")
    return open_access(sealed, keyring=keyring)


async def take_list(uow: UnitOfWork, supplier_id: UUID, listed: Sequence[ListedGoods], *, now: datetime) -> None:
    """All that a supplier lists: what is missing there is not bought any more, until it is listed again."""
    await syncing.note_sync(uow, supplier_id, now=now)
    await _apply(uow, supplier_id, listed, whole=True, now=now)


async def take_push(
    uow: UnitOfWork, supplier_id: UUID, pushed: Sequence[ListedGoods], *, at: datetime, now: datetime
) -> None:
    """Some goods changed, as the supplier said at that moment.

    :raises PushRefusedError: something newer was said already.
    """
    if not await syncing.take_push(uow, supplier_id, at=at):
        raise PushRefusedError("something newer was pushed before")
    await _apply(uow, supplier_id, pushed, whole=False, now=now)


async def note_balance(uow: UnitOfWork, supplier_id: UUID, *, balance_minor: int) -> None:
    """What is left of our money with a supplier."""
    low = await syncing.note_balance(uow, supplier_id, balance_minor=balance_minor)
    if low:
        log.warning("supplier.balance_low", supplier_id=supplier_id, balance_minor=balance_minor)
    _BALANCE.labels(str(supplier_id)).set(balance_minor)
    _LOW.labels(str(supplier_id)).set(low)


async def _apply(
    uow: UnitOfWork, supplier_id: UUID, listed: Sequence[ListedGoods], *, whole: bool, now: datetime
) -> None:
    goods = {entry.supplier_sku: entry for entry in listed}
    changes = [
        change
        for offer in await syncing.lock_offers(uow, supplier_id)
        if whole or offer.supplier_sku in goods
        if (change := decide_change(offer, goods.get(offer.supplier_sku))) is not None
    ]
    if not changes:
        return
    await syncing.save_offers(uow, supplier_id, changes)
    for change in changes:
        log.warning(
            "supplier.offer_changed",
            supplier_id=supplier_id,
            sku_id=change.offer.sku_id,
            cost_minor_before=change.offer.cost_minor,
            cost_minor=change.cost_minor,
            stock=change.stock,
            paused_reason=change.paused_reason,
            price_minor=change.price_minor,
        )
        await _reprice(uow, change, now=now)
    uow.after_commit(lambda: _CHANGES.labels(str(supplier_id)).inc(len(changes)))


async def _reprice(uow: UnitOfWork, change: OfferChange, *, now: datetime) -> None:
    """Cost and margin, but never below the floor."""
    if change.price_minor is None:
        return
    sku = await catalogue_rows.get_sku_for_update(uow, change.offer.sku_id)
    if sku is None:
        return
    price_minor = max(change.price_minor, sku.terms.price_floor_minor or 0)
    if price_minor == sku.terms.price_minor:
        return
    try:
        await catalogue.change_sku(uow, sku.sku_id, changes={"price_minor": price_minor}, now=now)
    except TermsRefusedError as error:  # a step of its ladder would cost more than one alone: a person must look
        log.warning("supplier.reprice_refused", sku_id=sku.sku_id, price_minor=price_minor, reason=str(error))
