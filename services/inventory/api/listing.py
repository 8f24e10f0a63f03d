"""How products are grouped, and what cannot be listed."""

from typing import Annotated

from fastapi import APIRouter, Path

from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.listing import WORD_LENGTH_MAX, Category
from services.inventory.queries import listing as queries
from services.inventory.schemas import (
    CategoriesOut,
    CategoryCode,
    CategoryIn,
    ForbiddenWordAddedOut,
    ForbiddenWordIn,
    ForbiddenWordsOut,
)
from services.inventory.usecases import listing
from shared.clock import utc_now
from shared.http import Caller, Reading, Work

routes = APIRouter(prefix="/v1")


@routes.get("/categories", tags=["shop"])
async def list_categories(_: Caller, read: Reading) -> CategoriesOut:
    """The categories, in two levels. Products of a category are listed with those of the categories within it."""
    return await queries.list_categories(read)


@routes.put("/ops/categories/{code}", tags=["catalogue"])
async def put_category(code: CategoryCode, body: CategoryIn, _: CatalogueOperator, work: Work) -> CategoriesOut:
    """Make a category or change it. From the first one on, products may only name categories of the list."""
    await listing.put_category(work, Category(code, body.name, body.parent_code, body.position), now=utc_now())
    return await queries.list_categories(work)


@routes.delete("/ops/categories/{code}", status_code=204, tags=["catalogue"])
async def remove_category(code: CategoryCode, _: CatalogueOperator, work: Work) -> None:
    """Take a category off the list that no product names and that has none within it."""
    await listing.remove_category(work, code)


@routes.get("/ops/forbidden-words", tags=["catalogue"])
async def list_forbidden_words(_: CatalogueOperator, read: Reading) -> ForbiddenWordsOut:
    """What cannot be listed."""
    return await queries.list_words(read)


@routes.post("/ops/forbidden-words", tags=["catalogue"])
async def add_forbidden_word(body: ForbiddenWordIn, operator: CatalogueOperator, work: Work) -> ForbiddenWordAddedOut:
    """Forbid a word. Products on the shelf that name it leave it at once."""
    taken_off = await listing.add_forbidden_word(work, body.word, added_by=operator.subject, now=utc_now())
    return ForbiddenWordAddedOut(products_taken_off=taken_off)


@routes.delete("/ops/forbidden-words/{word}", status_code=204, tags=["catalogue"])
async def remove_forbidden_word(
    word: Annotated[str, Path(max_length=WORD_LENGTH_MAX)], _: CatalogueOperator, work: Work
) -> None:
    """Take back a word that an operator added. What left the shelf for it stays off until somebody puts it back."""
    await listing.remove_forbidden_word(work, word)
