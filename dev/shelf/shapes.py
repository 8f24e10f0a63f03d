"""The shapes in which goods are described here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

BRANDS = ("星海文娱", "青鸟音乐", "拾光咖啡", "云脉阅读")
CATEGORIES = ("联合会员", "视频会员", "音乐会员", "阅读会员", "餐饮卡券", "话费充值", "现场与周边")

Weighed = tuple[str, int]
"""A SKU by its name, with its weight in a bundle's price."""


@dataclass(frozen=True)
class Sku:
    """One way to buy the goods; `terms` are its period, ladder and limits."""

    name: str
    price_minor: int
    terms: Mapping[str, Any] = field(default_factory=dict)
    imported: bool = True
    """Whether its codes are cards that somebody hands over; others are made, or sent, as they are paid for."""


@dataclass(frozen=True)
class Goods:
    """A product of a brand. `brand` is an index of `BRANDS`; `page` is what its page says."""

    product: str
    category: str
    brand: int
    skus: Sequence[Sku]
    page: dict[str, Any]
    how_to_use: str


@dataclass(frozen=True)
class TopUp:
    """A product that a supplier delivers to an account."""

    product: str
    category: str
    sku: str
    price_minor: int
    cost_minor: int
    supplier_sku: str
    buyer_fields: Sequence[Mapping[str, Any]]
    page: dict[str, Any]


@dataclass(frozen=True)
class Bundle:
    """Several brands' goods for one price. Of each group in `choices` the buyer takes one."""

    product: str
    category: str
    sku: str
    price_minor: int
    components: Sequence[Weighed]
    page: dict[str, Any]
    choices: Sequence[tuple[str, Sequence[Weighed]]] = ()


def page(description: str, *included: str, worth_minor: int, why: str) -> dict[str, Any]:
    """What a product's page says."""
    return {"description": description, "included": list(included), "worth_minor": worth_minor, "why": why}
