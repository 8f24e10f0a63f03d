"""Codes that we make: signs that nobody confuses, in groups, the last one a check of the others (Luhn mod N).

The check tells a slip of the finger from a code that does not exist, without asking us: from the right, every second sign
counts twice, digits of the doubled value in base N are added, and all must come to a multiple of N.
"""

import secrets
from dataclasses import dataclass
from enum import StrEnum
from math import log2

SEPARATOR = "-"

ENTROPY_BITS_MIN = 60
"""Below this somebody who tries codes at tills all day might find one."""

LENGTH_MAX = 40


class Alphabet(StrEnum):
    """Which signs a code has: of those that the eye confuses (0 O Q, 1 I L, U V, 2 Z) one at most. Their number is even,
    or the check would miss slips.
    """

    MIXED = "mixed"
    LETTERS = "letters"
    DIGITS = "digits"

    @property
    def signs(self) -> str:
        """The signs, each with the value of its place."""
        return _SIGNS[self]


_SIGNS = {
    Alphabet.MIXED: "23456789ABCDEFGHJKMNPRSTVWXY",
    Alphabet.LETTERS: "ABCDEFGHJKMNPRSTVWXY",
    Alphabet.DIGITS: "0123456789",
}


@dataclass(frozen=True, slots=True)
class CodePattern:
    """How a code looks: `prefix`, then groups of signs between dashes. As it stands it has 91 bits that nobody knows."""

    prefix: str = ""
    alphabet: Alphabet = Alphabet.MIXED
    groups: int = 4
    group_length: int = 5

    @property
    def length(self) -> int:
        """Signs without the prefix and dashes, the check included."""
        return self.groups * self.group_length

    @property
    def entropy_bits(self) -> float:
        """What somebody who guesses has to guess: every sign but the check."""
        return (self.length - 1) * log2(len(self.alphabet.signs))


def make_code(pattern: CodePattern) -> str:
    """A new code, from the system's randomness."""
    signs = pattern.alphabet.signs
    body = "".join(secrets.choice(signs) for _ in range(pattern.length - 1))
    whole = body + check_sign(body, alphabet=pattern.alphabet)
    size = pattern.group_length
    groups = [whole[start : start + size] for start in range(0, len(whole), size)]
    return SEPARATOR.join([pattern.prefix, *groups] if pattern.prefix else groups)


def check_sign(body: str, *, alphabet: Alphabet) -> str:
    """The sign that makes the code add up."""
    signs = alphabet.signs
    base = len(signs)
    total = 0
    for place, sign in enumerate(reversed(body)):
        value = signs.index(sign) * (1 if place % 2 else 2)
        total += value // base + value % base
    return signs[-total % base]
