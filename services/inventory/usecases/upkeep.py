"""What the clock asks for: expired cards leave the shelf, stock is announced, personal fields are forgotten."""

from datetime import datetime, timedelta
from uuid import UUID

from services.inventory import events
from services.inventory.repository import keys, shelf, shelf_life, stock
from services.inventory.repository.keys import DataKey
from services.inventory.usecases.catalogue import change_products
from shared.crypto import Keyring
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import get_logger

log = get_logger(__name__)

EXPIRE_SKUS_MAX = 50
"""SKUs whose expired cards one run takes off the shelf; the next run goes on."""

EXPIRE_CARDS_MAX = 5_000
"""Cards of one SKU that one run takes off the shelf."""

ANNOUNCE_MAX = 500
"""SKUs whose stock one run announces."""

BUYER_FIELDS_KEPT = timedelta(days=90)
"""Long enough for a late payment and a complaint."""

SORT_MAX = 2_000
"""Cards that are laid anew in one transaction: whoever buys meanwhile waits for no longer than this takes."""

PRUNE_MAX = 5_000
REWRAP_MAX = 500


async def take_expired_cards(uow: UnitOfWork, *, now: datetime) -> int:
    """Cards whose time is over leave the shelf and the stock, but never more than are free of holds.

    A SKU that is left with none goes off sale, and bundles with it, until it has cards again.

    An order that holds such a card is told when it is to be issued.
    """
    expired = await shelf_life.find_expired_on_shelf(uow, now=now, limit=EXPIRE_SKUS_MAX)
    if not expired:
        return 0
    free = await stock.lock_stock(uow, list(expired))
    moves = stock.stock_moves(uow)
    taken_in_all = 0
    took_from: list[UUID] = []
    for sku_id, quantity in expired.items():
        spare = free.get(sku_id, 0)
        limit = min(quantity, quantity if spare is None else spare, EXPIRE_CARDS_MAX)
        taken = await shelf_life.take_expired(uow, sku_id, now=now, limit=limit) if limit > 0 else 0
        moves.put_on(sku_id, -taken)
        taken_in_all += taken
        if taken:
            took_from.append(sku_id)
    emptied = await shelf_life.mark_expired(uow, took_from, now=now)
    if emptied:
        await change_products(uow, await shelf_life.find_products_showing(uow, emptied), now=now)
    if taken_in_all:
        log.info("stock.expired", cards=taken_in_all)
    return taken_in_all


async def announce_stock(uow: UnitOfWork, *, now: datetime) -> int:
    """Say how much of each changed SKU, and of the bundles with it, can be sold now; answers how many were said."""
    changed = await stock.take_stock_to_announce(uow, limit=ANNOUNCE_MAX)
    announce(
        uow,
        *(events.stock_changed(sku_id=sku_id, free=free, version=version) for sku_id, free, version in changed),
        now=now,
    )
    return len(changed)


async def sort_shelf(uow: UnitOfWork) -> bool:
    """Where the pick order changed, lay some cards anew; False: nothing is left to do."""
    return await shelf.sort_some(uow, limit=SORT_MAX)


async def rewrap_keys(uow: UnitOfWork, *, keyring: Keyring) -> int:
    """Move data keys under the latest key-encryption key; answers how many. What they seal stays as it is.

    When none is left, the older key-encryption key may be dropped from the keyring.
    """
    old = await keys.lock_old_keys(uow, before_version=keyring.latest, limit=REWRAP_MAX)
    if old:
        await keys.replace_wrapping(uow, [DataKey(key.key_id, keyring.rewrap(key.wrapped)) for key in old])
        log.info("keys.rewrapped", keys=len(old), kek_version=keyring.latest)
    return len(old)


async def forget_buyer_fields(uow: UnitOfWork, *, now: datetime) -> None:
    """Personal fields are kept no longer than they are needed."""
    await keys.prune_buyer_fields(uow, before=now - BUYER_FIELDS_KEPT, limit=PRUNE_MAX)
