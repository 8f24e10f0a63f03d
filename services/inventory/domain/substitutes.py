"""What is delivered instead of something that cannot be had: at least its worth, of the same brand unless an operator says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import RejectReason
from services.inventory.domain.kinds import Source

SUBSTITUTES_MAX = 5

SUBSTITUTED_FOR: Final = frozenset(
    {
        RejectReason.OUT_OF_STOCK,
        RejectReason.NO_SUPPLIER,
        RejectReason.PRICE_GUARD,
        RejectReason.SUPPLIER_FAILED,
        RejectReason.OVER,
    }
)
"""Why something cannot be had that another thing may stand in for. What the buyer did not tell, it needs to know too."""


class SubstituteRefusedError(Exception):
    """The one cannot stand in for the other."""


@dataclass(frozen=True, slots=True)
class SubstituteFacts:
    """What is asked of a SKU that stands in, or is stood in for. `needs` are buyer fields that it cannot do without."""

    sku_id: UUID
    kind: SkuKind
    price_minor: int
    currency: str
    partner_id: UUID | None
    asks: frozenset[str]
    needs: frozenset[str]


@dataclass(frozen=True, slots=True)
class Substitute:
    """A SKU that may be delivered instead."""

    sku_id: UUID
    name: str
    kind: SkuKind
    source: Source


def check_substitutes(
    ordered: SubstituteFacts, substitutes: Sequence[SubstituteFacts], *, other_partners: bool
) -> None:
    """Whether these may be delivered instead of what was ordered.

    :raises SubstituteRefusedError: one is a bundle, worth less, in another currency, of another brand without leave, or
        needs to know what the buyer is not asked.
    """
    for facts in (ordered, *substitutes):
        if facts.kind is SkuKind.BUNDLE:
            raise SubstituteRefusedError("a bundle neither stands in nor is stood in for: its parts are")
    for facts in substitutes:
        if facts.currency != ordered.currency or facts.price_minor < ordered.price_minor:
            raise SubstituteRefusedError(f"SKU {facts.sku_id} is worth less than what was ordered")
        if facts.partner_id != ordered.partner_id and not other_partners:
            raise SubstituteRefusedError(f"SKU {facts.sku_id} is of another brand: say other_partners if that will do")
        if not facts.needs <= ordered.asks:
            raise SubstituteRefusedError(f"SKU {facts.sku_id} needs to know more than the buyer is asked")
