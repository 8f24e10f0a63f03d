"""Categories as a tree of two levels, and the words that cannot be listed."""

from services.inventory.domain.listing import FORBIDDEN, Category
from services.inventory.repository import listing
from services.inventory.schemas import CategoriesOut, CategoryOut, ForbiddenWordsOut, SubcategoryOut
from shared.database import UnitOfWork


async def list_categories(read: UnitOfWork) -> CategoriesOut:
    """All categories, each with those within it."""
    known = await listing.find_categories(read)
    return CategoriesOut(
        items=[
            CategoryOut(
                code=top.code,
                name=top.name,
                position=top.position,
                children=[_within(category) for category in known if category.parent_code == top.code],
            )
            for top in known
            if top.parent_code is None
        ]
    )


async def list_words(read: UnitOfWork) -> ForbiddenWordsOut:
    """What cannot be listed."""
    platform = {kind: list(words) for kind, words in FORBIDDEN.items()}
    return ForbiddenWordsOut(platform=platform, added=await listing.find_words(read))


def _within(category: Category) -> SubcategoryOut:
    return SubcategoryOut(code=category.code, name=category.name, position=category.position)
