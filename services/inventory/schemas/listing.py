"""Categories and forbidden words."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from services.inventory.domain.listing import WORD_LENGTH_MAX
from services.inventory.schemas.base import Incoming, Name

CategoryCode = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\s/?#]([^/?#]*[^\s/?#])?$")]

_VIDEO: Final[dict[str, Any]] = {"code": "video", "name": "视频会员", "position": 10, "children": []}


class CategoryIn(Incoming):
    """A category as it shall be, at the top or within a top one. Low positions come first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "视频会员", "parent_code": "memberships", "position": 10}]}
    )

    name: Name
    parent_code: CategoryCode | None = None
    position: Annotated[int, Field(ge=0, le=10_000)] = 100


class SubcategoryOut(BaseModel):
    """A category within another one."""

    code: str
    name: str
    position: int


class CategoryOut(SubcategoryOut):
    """A category at the top, with those within it."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "memberships", "name": "会员", "position": 10, "children": [_VIDEO]}]}
    )

    children: list[SubcategoryOut]


class CategoriesOut(BaseModel):
    """The whole list."""

    items: list[CategoryOut]


class ForbiddenWordIn(Incoming):
    """A word that keeps goods from being listed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"word": "代考"}]})

    word: Annotated[str, Field(min_length=1, max_length=WORD_LENGTH_MAX)]


class ForbiddenWordAddedOut(BaseModel):
    """How many products left the shelf for it."""

    products_taken_off: int


class ForbiddenWordsOut(BaseModel):
    """What cannot be listed: the platform's closed list by kind, and what operators added."""

    platform: dict[str, list[str]]
    added: list[str]
