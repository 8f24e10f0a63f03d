"""Categories and forbidden words; what the clock and a new word take from the shelf."""

from datetime import datetime

from services.inventory.domain.listing import (
    Category,
    CategoryRefusedError,
    CategoryUnknownError,
    ForbiddenWordError,
    find_forbidden,
    read_word,
)
from services.inventory.repository import listing, shelf_life
from services.inventory.usecases.catalogue import change_products
from shared.database import UnitOfWork
from shared.observability import get_logger

TURNED_MAX = 500
"""Products whose coming or going one run announces; the next run goes on."""

log = get_logger(__name__)


async def put_category(uow: UnitOfWork, category: Category, *, now: datetime) -> None:
    """Make a category, or change one. The list has two levels.

    :raises CategoryUnknownError: there is no such parent.
    :raises CategoryRefusedError: there would be a third level.
    """
    known = await listing.lock_categories(uow)
    if category.parent_code is not None:
        parent = known.get(category.parent_code)
        if parent is None:
            raise CategoryUnknownError(f"there is no category {category.parent_code!r}")
        if parent.parent_code is not None:
            raise CategoryRefusedError(f"category {parent.code!r} is itself within another one")
        if parent.code == category.code or _has_children(known, category.code):
            raise CategoryRefusedError(f"category {category.code!r} has others within it")
    await listing.put_category(uow, category, now=now)


async def remove_category(uow: UnitOfWork, code: str) -> None:
    """Take a category off the list.

    :raises CategoryUnknownError: there is no such category.
    :raises CategoryRefusedError: products name it, or others are within it.
    """
    known = await listing.lock_categories(uow)
    if code not in known:
        raise CategoryUnknownError(f"there is no category {code!r}")
    if _has_children(known, code) or await listing.has_products(uow, code):
        raise CategoryRefusedError(f"category {code!r} is in use")
    await listing.remove_category(uow, code)


async def add_forbidden_word(uow: UnitOfWork, text: str, *, added_by: str, now: datetime) -> int:
    """Nothing that names the word is listed from now on. What is on the shelf with it leaves; answers how many products.

    :raises ForbiddenWordError: it has nothing to look for.
    """
    word = read_word(text)
    await listing.add_word(uow, word, added_by=added_by, now=now)
    named = [
        product_id
        for product_id, texts in await listing.texts_on_shelf(uow)
        if find_forbidden(texts, added=[word]) is not None
    ]
    if named:
        await listing.take_off_shelf(uow, named)
        await change_products(uow, named, now=now)
        log.info("products.forbidden", products=len(named))
    return len(named)


async def remove_forbidden_word(uow: UnitOfWork, text: str) -> None:
    """Take back a word that an operator added. What left the shelf for it stays off.

    :raises ForbiddenWordError: nobody added it.
    """
    if not await listing.remove_word(uow, read_word(text)):
        raise ForbiddenWordError("no operator added that word")


async def announce_shelf(uow: UnitOfWork, *, now: datetime) -> int:
    """Say which products came to the shelf or left it by the clock, which SKUs are over, and which have cards again.

    Answers how many products that are.

    Nothing waits for this to be right: whoever sells looks at the clock himself.
    """
    turned = await shelf_life.take_turned(uow, now=now, limit=TURNED_MAX)
    skus = await shelf_life.mark_ended(uow, now=now, limit=TURNED_MAX)
    skus += await shelf_life.unmark_refilled(uow, limit=TURNED_MAX)
    changed = {*turned, *await shelf_life.find_products_showing(uow, skus)}
    if changed:
        await change_products(uow, changed, now=now)
    return len(changed)


def _has_children(known: dict[str, Category], code: str) -> bool:
    return any(category.parent_code == code for category in known.values())
