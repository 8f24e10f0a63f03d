"""What goods need to know of the buyer, and whether what he told will do."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

VALUE_LENGTH_MAX = 200
"""What inventory keeps of one value."""

_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "any": re.compile(r"[^\x00-\x1f\x7f]+"),
    "digits": re.compile(r"[0-9]+"),
    "alphanumeric": re.compile(r"[A-Za-z0-9_-]+"),
    "email": re.compile(r"[^@\s\"<>]{1,64}@[^@\s\"<>.]+(\.[^@\s\"<>.]+)+"),
    "phone": re.compile(r"\+?[0-9][0-9 -]{5,18}[0-9]"),
    "cn_mobile": re.compile(r"(\+?86)?1[3-9][0-9]{9}"),
    "qq": re.compile(r"[1-9][0-9]{4,11}"),
}
"""A closed set, none of which takes longer than the value is long. A pattern that is not known here lets all through:
who announces it is newer than we are, and inventory has the last word."""


ADDRESS = "address"

ADDRESS_PARTS: Final[Mapping[str, tuple[str, bool]]] = {
    "recipient": ("any", True),
    "phone": ("phone", True),
    "province": ("any", True),
    "city": ("any", True),
    "district": ("any", False),
    "detail": ("any", True),
    "postcode": ("digits", False),
}
"""What an address has: how each part looks, and whether it must be there."""


@dataclass(frozen=True, slots=True)
class BuyerField:
    """Something the goods need to know. `choices` are what may be answered, where that is limited; of the kind `address`
    the answer is one.
    """

    name: str
    pattern: str
    required: bool
    choices: frozenset[str]
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """What is wrong with one field of one line; never the value itself."""

    line: int
    field: str
    code: str


class BuyerFieldsError(Exception):
    """Something is missing that the goods need, or does not look like it."""

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("; ".join(f"line {fault.line + 1}: {fault.field} is {fault.code}" for fault in faults))
        self.extra = {
            "errors": [{"line": fault.line, "field": fault.field, "code": fault.code} for fault in faults],
        }


def check_told(lines: Iterable[tuple[Sequence[BuyerField], Mapping[str, str]]]) -> None:
    """Whether what was told with each line is what its goods ask for. Goods that ask for nothing in particular take all.

    :raises BuyerFieldsError: something is `missing`, `malformed`, `not_a_choice` or `unknown`.
    """
    faults = [
        FieldFault(line, name, code)
        for line, (asked, told) in enumerate(lines)
        if asked
        for name, code in _faults(asked, told)
    ]
    if faults:
        raise BuyerFieldsError(faults)


def _faults(asked: Sequence[BuyerField], told: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for field in asked:
        value = told.get(field.name, "")
        if value:
            yield from _value_faults(field, value)
        elif field.required:
            yield field.name, "missing"
    for name in sorted(told.keys() - {field.name for field in asked}):
        yield name, "unknown"


def _value_faults(field: BuyerField, value: str) -> Iterable[tuple[str, str]]:
    if field.kind == ADDRESS:
        yield from ((f"{field.name}.{part}", code) for part, code in _address_faults(value))
    elif field.choices:
        if value not in field.choices:
            yield field.name, "not_a_choice"
    elif len(value) > VALUE_LENGTH_MAX or not _looks_right(field.pattern, value):
        yield field.name, "malformed"


def _address_faults(value: str) -> Iterable[tuple[str, str]]:
    try:
        told = orjson.loads(value)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        yield "recipient", "missing"
        return
    for part, (pattern, required) in ADDRESS_PARTS.items():
        text = told.get(part, "")
        if not text:
            if required:
                yield part, "missing"
        elif not isinstance(text, str) or len(text) > VALUE_LENGTH_MAX or not _looks_right(pattern, text):
            yield part, "malformed"
    for part in sorted(told.keys() - ADDRESS_PARTS.keys()):
        yield part, "unknown"


def _looks_right(pattern: str, value: str) -> bool:
    known = _PATTERNS.get(pattern)
    return known is None or known.fullmatch(value) is not None
