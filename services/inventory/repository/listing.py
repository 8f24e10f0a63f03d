"""Categories, and the words that keep goods from being listed."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime
from uuid import UUID

from services.inventory.domain.listing import Category
from shared.database import UnitOfWork

# Changes of the list come one after another: two that are right by themselves may not be so together.
_LOCK = "LOCK TABLE categories IN SHARE ROW EXCLUSIVE MODE"

_ALL = "SELECT code, name, parent_code, position FROM categories ORDER BY position, code"

_PUT = """
INSERT INTO categories (code, name, parent_code, position, changed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (code) DO UPDATE SET name = excluded.name, parent_code = excluded.parent_code,
    position = excluded.position, changed_at = excluded.changed_at
"""

_IN_USE = "SELECT EXISTS (SELECT FROM products WHERE category = $1)"

_REMOVE = "DELETE FROM categories WHERE code = $1 RETURNING true"

# Kept until the product is written, so that nobody takes the category away in between.
_NAMED = "SELECT true FROM categories WHERE code = $1 FOR KEY SHARE"

_ANY = "SELECT EXISTS (SELECT FROM categories)"

_WORDS = "SELECT word FROM forbidden_words ORDER BY word"

_ADD_WORD = "INSERT INTO forbidden_words (word, added_by, created_at) VALUES ($1, $2, $3) ON CONFLICT (word) DO NOTHING"

_REMOVE_WORD = "DELETE FROM forbidden_words WHERE word = $1 RETURNING true"

_TEXTS = """
SELECT product_id, ARRAY[name, category, description, why, instructions]
    || ARRAY(SELECT jsonb_array_elements_text(included))
    || ARRAY(SELECT sku.name FROM skus sku WHERE sku.product_id = products.product_id) AS texts
FROM products
"""

_TEXTS_OF_ONE = _TEXTS + "WHERE product_id = $1"
_TEXTS_ON_SHELF = _TEXTS + "WHERE on_shelf AND product_id > $1 ORDER BY product_id LIMIT $2"

_TAKE_OFF = "UPDATE products SET on_shelf = false WHERE product_id = ANY($1::uuid[])"

_BEFORE_ALL = UUID(int=0)
_PAGE = 1_000


async def lock_categories(uow: UnitOfWork) -> dict[str, Category]:
    """All there are; nobody else changes the list until this transaction ends."""
    await uow.raw.execute(_LOCK)
    return {category.code: category for category in await find_categories(uow)}


async def find_categories(uow: UnitOfWork) -> list[Category]:
    """All there are, in the order operators gave them."""
    rows = await uow.raw.fetch(_ALL)
    return [Category(row["code"], row["name"], row["parent_code"], row["position"]) for row in rows]


async def put_category(uow: UnitOfWork, category: Category, *, now: datetime) -> None:
    await uow.raw.execute(_PUT, *astuple(category), now)


async def has_products(uow: UnitOfWork, code: str) -> bool:
    """Whether a product names the category."""
    return bool(await uow.raw.fetchval(_IN_USE, code))


async def remove_category(uow: UnitOfWork, code: str) -> bool:
    """False: there is no such category."""
    return bool(await uow.raw.fetchval(_REMOVE, code))


async def category_may_be_named(uow: UnitOfWork, code: str) -> bool:
    """Whether products may name it. While operators keep no list, any name will do."""
    return bool(await uow.raw.fetchval(_NAMED, code)) or not await uow.raw.fetchval(_ANY)


async def find_words(uow: UnitOfWork) -> list[str]:
    """The words that operators added."""
    return [row["word"] for row in await uow.raw.fetch(_WORDS)]


async def add_word(uow: UnitOfWork, word: str, *, added_by: str, now: datetime) -> None:
    await uow.raw.execute(_ADD_WORD, word, added_by, now)


async def remove_word(uow: UnitOfWork, word: str) -> bool:
    """False: nobody added it."""
    return bool(await uow.raw.fetchval(_REMOVE_WORD, word))


async def texts_of(uow: UnitOfWork, product_id: UUID) -> Sequence[str]:
    """All that is said of one product."""
    row = await uow.raw.fetchrow(_TEXTS_OF_ONE, product_id)
    return () if row is None else tuple(row["texts"])


async def texts_on_shelf(uow: UnitOfWork) -> list[tuple[UUID, Sequence[str]]]:
    """All that is said of each product on the shelf."""
    found: list[tuple[UUID, Sequence[str]]] = []
    rows = await uow.raw.fetch(_TEXTS_ON_SHELF, _BEFORE_ALL, _PAGE)
    while rows:
        found += [(row["product_id"], row["texts"]) for row in rows]
        rows = await uow.raw.fetch(_TEXTS_ON_SHELF, found[-1][0], _PAGE)
    return found


async def take_off_shelf(uow: UnitOfWork, product_ids: Sequence[UUID]) -> None:
    await uow.raw.execute(_TAKE_OFF, product_ids)
