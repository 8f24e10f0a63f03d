"""Which supplier is asked for a component, and which one next."""

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.inventory.domain.delivery import RejectReason

SUPPLIERS_MAX = 3
"""How many suppliers one component is tried with. The buyer waits: more of them is a refund that comes late."""

_DRAW_BITS = 64


@dataclass(frozen=True, slots=True)
class Offer:
    """What one supplier asks for a SKU. `guarded`: never pay more than the buyer did.

    `held_back`: its circuit is open, so that it is asked only when there is no other.
    """

    sku_id: UUID
    supplier_id: UUID
    supplier_sku: str
    cost_minor: int
    priority: int
    weight: int
    guarded: bool
    held_back: bool = False


def choose(
    offers: Sequence[Offer],
    *,
    component_id: UUID,
    quantity: int,
    amount_minor: int,
    tried: Collection[UUID] = (),
) -> Offer | RejectReason:
    """The offer to buy by, or why there is none.

    The lowest priority number first; among equals a component falls to each supplier with the likelihood of its
    weight, and always to the same one, whoever asks and however often.
    """
    left = [offer for offer in offers if offer.supplier_id not in tried]
    if not left:
        return RejectReason.NO_SUPPLIER
    allowed = [offer for offer in left if not offer.guarded or offer.cost_minor * quantity <= amount_minor]
    if not allowed:
        return RejectReason.PRICE_GUARD
    return min(allowed, key=lambda offer: (offer.held_back, offer.priority, _lot(component_id, offer)))


def _lot(component_id: UUID, offer: Offer) -> tuple[float, UUID]:
    """Weighted rendezvous hashing: the smallest lot wins, with a likelihood in proportion to the weight."""
    digest = hashlib.blake2b(component_id.bytes + offer.supplier_id.bytes, digest_size=_DRAW_BITS // 8).digest()
    draw = (int.from_bytes(digest) + 1) / (1 << _DRAW_BITS)
    return -math.log(draw) / offer.weight, offer.supplier_id
