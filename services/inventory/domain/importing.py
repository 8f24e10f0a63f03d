"""Read a file of cards: which lines are cards, which are not and why. A reason never quotes the line."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.inventory.domain.cards import DUPLICATES, FIELDS, CardSecret, LineFault, LineFaultError, read_card

CARDS_MAX = 200_000
"""Cards of one import. They are sealed and written in one transaction."""

REPORTED_LINES_MAX = 1_000
"""Broken lines that an answer lists; the number of all of them is always told."""

COLUMNS = ("code", "password", "serial", "expires_at")
"""The order of fields in a file without a header line."""

_SEPARATORS = ("\t", "----", ",", ";", "|")
"""What stands between the fields of a text line, the first that is found; cards are sold as `code----password`."""


class ImportUnreadableError(Exception):
    """The body as a whole is not a list of cards; nothing was changed."""


class ImportTooLargeError(Exception):
    """More cards than one import takes; nothing was changed."""


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that cannot be taken. Lines are counted from 1, blank ones and the header included."""

    line: int
    fault: LineFault


class ImportRefusedError(Exception):
    """Some lines are broken and nothing was changed."""

    def __init__(self, broken: Sequence[BrokenLine]) -> None:
        super().__init__(f"{len(broken)} lines cannot be taken; nothing was imported")
        self.broken = tuple(broken)

    @property
    def extra(self) -> dict[str, object]:
        """What a problem document tells beside the code."""
        return report(self.broken)


class ImportDuplicateError(ImportRefusedError):
    """Nothing is wrong with the lines but that these cards are here already, or twice in the file."""


@dataclass(frozen=True, slots=True)
class ReadLine:
    """A line that is a card."""

    line: int
    card: CardSecret


def report(broken: Sequence[BrokenLine]) -> dict[str, object]:
    """The broken lines as an answer lists them."""
    listed = [{"line": entry.line, "reason": entry.fault.value} for entry in broken[:REPORTED_LINES_MAX]]
    return {"refused": len(broken), "lines": listed}


def refusal(broken: Sequence[BrokenLine]) -> ImportRefusedError:
    """The error that fits: duplicates only, or worse."""
    kind = ImportDuplicateError if all(entry.fault in DUPLICATES for entry in broken) else ImportRefusedError
    return kind(sorted(broken, key=lambda entry: entry.line))


def decode_text(body: bytes) -> str:
    """UTF-8 with or without a mark, else GB 18030, which Chinese spreadsheets write.

    :raises ImportUnreadableError: it is neither.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ImportUnreadableError("the file is neither UTF-8 nor GB 18030 text")


def rows_of_text(text: str) -> Iterator[tuple[int, object]]:
    """One card per line, fields separated by the first separator that the line has."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            separator = next((sign for sign in _SEPARATORS if sign in line and "://" not in line), "\t")
            yield number, _named(COLUMNS, line.split(separator))


def rows_of_csv(text: str) -> Iterator[tuple[int, object]]:
    """A table. Its first line names the columns if it names `code`; else they are code, password, serial, expires_at."""
    reader = csv.reader(text.splitlines(keepends=True))
    columns: Sequence[str] = COLUMNS
    try:
        for row in reader:
            names = [field.strip().lower() for field in row]
            if reader.line_num == 1 and "code" in names:
                columns = names
            elif any(names):
                yield reader.line_num, _named(columns, row)
    except csv.Error:
        raise ImportUnreadableError(f"the table breaks off at line {reader.line_num}") from None


def rows_of_list(cards: Sequence[object]) -> Iterator[tuple[int, object]]:
    """Cards of a JSON list: objects, or the codes alone. The first is line 1."""
    for number, card in enumerate(cards, start=1):
        yield number, {"code": card} if isinstance(card, str) else card


def read_lines(rows: Iterable[tuple[int, object]], *, now: datetime) -> tuple[list[ReadLine], list[BrokenLine]]:
    """Tell cards from broken lines.

    :raises ImportTooLargeError: there are more than 200,000 lines.
    :raises ImportUnreadableError: there is no line at all, or the table cannot be read.
    """
    good: list[ReadLine] = []
    broken: list[BrokenLine] = []
    for number, row in rows:
        if len(good) + len(broken) == CARDS_MAX:
            raise ImportTooLargeError(f"one import takes {CARDS_MAX} cards")
        try:
            good.append(ReadLine(number, read_card(_fields(row), now=now)))
        except LineFaultError as error:
            broken.append(BrokenLine(number, error.fault))
    if not good and not broken:
        raise ImportUnreadableError("there is no card in it")
    return good, broken


def _fields(row: object) -> Mapping[str, object]:
    if isinstance(row, LineFault):
        raise LineFaultError(row)
    if not isinstance(row, Mapping):
        raise LineFaultError(LineFault.NOT_A_CARD)
    return row


def _named(columns: Sequence[str], fields: Sequence[str]) -> object:
    if len(fields) > len(columns):
        return LineFault.TOO_MANY_FIELDS
    if not FIELDS.issuperset(columns):
        return LineFault.UNKNOWN_FIELD
    return dict(zip(columns, fields, strict=False))
