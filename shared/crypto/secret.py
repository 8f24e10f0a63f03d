"""A text that must never be shown by accident."""

import hmac
from typing import NoReturn, Self

MASK = "***"


class Secret:
    """Holds a code, a password or a token. Every way of printing it shows `***`; `reveal` is the one way out.

    It can be neither pickled nor serialised, and comparing two takes the same time whatever they hold.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a set or a dict key would be one more place to leak from

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
