"""How much one buyer may have of a SKU, in all and on a day."""

import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.order.domain.checkouts import NewOrder
from services.order.domain.contacts import Contact
from services.order.domain.offers import Offer

LOST_AFTER = timedelta(minutes=10)
"""What was counted for a checkout that made no order by then is counted no more."""


class PurchaseLimitError(Exception):
    """The buyer would have more of the SKU than one may."""

    def __init__(self, sku_id: UUID, *, limit: int, left: int, period: str) -> None:
        super().__init__(f"one buyer may have {limit} of SKU {sku_id} ({period}); {left} are left to this one")
        self.extra = {"sku_id": str(sku_id), "limit": limit, "left": left, "period": period}


@dataclass(frozen=True, slots=True)
class Taking:
    """What one line counts against one buyer's limits, as these were when it was ordered."""

    order_id: UUID
    line_id: UUID
    sku_id: UUID
    buyer: str
    day: date
    quantity: int
    limit_in_all: int | None
    limit_a_day: int | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a buyer has of a SKU so far, in other orders."""

    in_all: int
    on_the_day: int


def buyers_of(*, member_id: UUID | None, contact: Contact | None, key: bytes) -> tuple[str, ...]:
    """Under which names purchases are counted: the member's, or a keyed hash of each way to reach a guest."""
    if member_id is not None:
        return (f"member:{member_id}",)
    ways = () if contact is None else (contact.email, contact.phone)
    return tuple(f"contact:{_hashed(way, key)}" for way in ways if way)


def takings_of(
    draft: NewOrder, offers: Mapping[UUID, Offer], *, buyers: Sequence[str], day: date
) -> tuple[Taking, ...]:
    """What an order counts against its buyer's limits. SKUs without a limit are not counted."""
    return tuple(
        Taking(
            order_id=draft.order.order_id,
            line_id=line.line_id,
            sku_id=line.sku_id,
            buyer=buyer,
            day=day,
            quantity=line.quantity,
            limit_in_all=limits.per_member,
            limit_a_day=limits.per_member_day,
        )
        for line in draft.lines
        if (limits := offers[line.sku_id].limits).per_member is not None or limits.per_member_day is not None
        for buyer in buyers
    )


def check_limits(takings: Sequence[Taking], taken: Mapping[tuple[str, UUID], Taken]) -> None:
    """Whether all of these may be had on top of what their buyers have.

    :raises PurchaseLimitError: a limit would be passed.
    """
    wanted: Counter[tuple[str, UUID]] = Counter()
    for taking in takings:
        wanted[taking.buyer, taking.sku_id] += taking.quantity
    for taking in takings:
        name = (taking.buyer, taking.sku_id)
        for limit, had, period in (
            (taking.limit_a_day, taken[name].on_the_day, "day"),
            (taking.limit_in_all, taken[name].in_all, "total"),
        ):
            if limit is not None and had + wanted[name] > limit:
                raise PurchaseLimitError(taking.sku_id, limit=limit, left=max(limit - had, 0), period=period)


def _hashed(way: str, key: bytes) -> str:
    return hmac.new(key, b"purchase-limit|" + way.encode(), hashlib.sha256).hexdigest()
