"""In which order the cards of a SKU are sold."""

import random
from datetime import datetime
from enum import StrEnum

NEVER_RANK = 2**62
"""The rank of a card that does not expire where the earliest expiry comes first."""

RANDOM_BITS = 53
"""What a double holds exactly: PostgreSQL draws the same range."""

PRIORITY_DEFAULT = 100
PRIORITY_MAX = 1_000_000


class PickOrder(StrEnum):
    """Which card goes next. Cards of equal rank go in the order of their import."""

    SEQUENTIAL = "sequential"
    RANDOM = "random"
    EARLIEST_EXPIRY = "earliest_expiry"
    BATCH_PRIORITY = "batch_priority"


def rank_of(order: PickOrder, *, expires_at: datetime | None, priority: int = PRIORITY_DEFAULT) -> int:
    """A card's place on the shelf: the lowest is sold next. `repository/cards.py: RANK` says the same in SQL."""
    if order is PickOrder.RANDOM:
        return random.getrandbits(RANDOM_BITS)
    if order is PickOrder.EARLIEST_EXPIRY:
        return NEVER_RANK if expires_at is None else int(expires_at.timestamp())
    return priority if order is PickOrder.BATCH_PRIORITY else 0
