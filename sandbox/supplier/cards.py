"""Cards as the supplier makes them: of a seed, so that an order's cards are the same whenever it is asked for them."""

import hashlib
from dataclasses import dataclass

CARD_PREFIX = "CARD-"
"""Products of this name are cards; the others go to an account."""


@dataclass(frozen=True, slots=True)
class Card:
    """A card in clear: it is pretended, and worth nothing."""

    code: str
    password: str


def is_card(product_code: str) -> bool:
    return product_code.startswith(CARD_PREFIX)


def make_cards(seed: str, quantity: int) -> list[Card]:
    """As many cards as were ordered."""
    digests = (hashlib.sha256(f"{seed}|{number}".encode()).hexdigest().upper() for number in range(quantity))
    return [Card(digest[:16], digest[16:24]) for digest in digests]
