"""Ids and the human-facing order number."""

from datetime import date, datetime
from uuid import UUID

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no I, L, O or U, which people mistake for others."""

RANDOM_CHARACTERS = 11
RANDOM_BITS = RANDOM_CHARACTERS * 5
"""55 bits: nobody guesses another's number, and ten million orders a day meet by chance once in two years."""


class OrderNumberError(Exception):
    """No order has such a number: a letter is wrong, or one too many or too few."""


def order_number(day: date, *, entropy: int) -> str:
    """The number people read out: the day, 11 random characters, one check character.

    `entropy` is a random integer of `RANDOM_BITS` bits from a source that cannot be predicted.
    """
    body = "".join(ALPHABET[entropy >> (5 * place) & 31] for place in range(RANDOM_CHARACTERS))
    number = f"{day:%Y%m%d}{body}"
    return number + _check_character(number)


def check_order_number(text: str) -> None:
    """Find any one wrong letter in a number that was read out or copied.

    :raises OrderNumberError: its length, a letter or its check character is wrong.
    """
    length = len("YYYYMMDD") + RANDOM_CHARACTERS + 1
    if len(text) != length or not set(text) <= set(ALPHABET) or _check_character(text[:-1]) != text[-1]:
        raise OrderNumberError("the order number is mistyped: its check character does not fit")


def part_id(order_id: UUID, position: int) -> UUID:
    """The id of an order's line or component, derived from the order's: a repeated checkout makes the same ids.

    `position` counts the order's lines and components together, from 1; an order has far fewer than 4096 of them.
    """
    return UUID(int=order_id.int ^ position)


def _check_character(number: str) -> str:
    """Luhn's algorithm for 32 characters."""
    total = 0
    factor = 2
    for character in reversed(number):
        product = factor * ALPHABET.index(character)
        total += product // 32 + product % 32
        factor = 3 - factor
    return ALPHABET[-total % 32]


def first_id(at: datetime) -> UUID:
    """The smallest UUIDv7 of a moment: what was made from then on have a larger id."""
    return UUID(int=int(at.timestamp() * 1000) << 80)
