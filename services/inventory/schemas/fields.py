"""What is said of a product or SKU, field by field, where a type alone does not tell."""

from typing import Annotated

from pydantic import Field

LongText = Annotated[str, Field(max_length=5_000)]
Included = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=30)]
Images = Annotated[
    tuple[Annotated[str, Field(pattern=r"^https://[^\s<>\"']+$", max_length=500)], ...], Field(max_length=20)
]

UsageInstructions = Annotated[
    str, Field(max_length=5_000, examples=["打开品牌小程序 → 我的 → 兑换中心，输入券码后 30 天内有效。"])
]
"""Shown to whoever owns one, beside its code."""

Giftable = Annotated[
    bool | None,
    Field(
        description="whether owners may give it away; null: as its kind, not where there is nothing to show, nor seats"
    ),
]
UndoWithin = Annotated[int, Field(ge=0, le=43_200, description="how long its partner may undo a redemption; 0: never")]
