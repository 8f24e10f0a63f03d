"""Read a file of cards: which lines are cards, which are not and why. A reason never quotes the line."""

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.inventory.domain.cards import DUPLICATES, FIELDS, CardSecret, LineFault, LineFaultError, read_card

CARDS_MAX = 200_000
"""Cards of one import. They are sealed and written in one transaction."""

FILE_LINES_MAX = 500_000
"""Lines of a file that a job takes in. They are sealed and written down in one transaction, and stored in many."""

REPORTED_LINES_MAX = 1_000
"""Broken lines that an answer lists; the number of all of them is always told."""

COLUMNS = ("code", "password", "serial", "expires_at", "cost_minor")
"""The order of fields in a file without a header line."""

_SEPARATORS = ("\t", "----", ",", ";", "|")
"""What stands between the fields of a text line, the first that is found; cards are sold as `code----password`."""


class ImportState(StrEnum):
    """Where a file of cards stands: sealed and written down, being stored, on the shelf, or not taken."""

    SEALED = "sealed"
    STORING = "storing"
    DONE = "done"
    REFUSED = "refused"


class ImportUnknownError(Exception):
    """There is no such import of that SKU."""


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


def rows_of_text(text: str, *, separator: str | None = None) -> Iterator[tuple[int, object]]:
    """One card per line, fields separated by `separator`, else by the first usual separator that the line has."""
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if line.strip():
            own = separator or next((sign for sign in _SEPARATORS if sign in line and "://" not in line), "\t")
            yield number, _named(COLUMNS, line.split(own))


def rows_of_csv(text: str) -> Iterator[tuple[int, object]]:
    """A table. Its first line names the columns if it names `code`; else they are as in COLUMNS."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        yield from rows_of_table((reader.line_num, row) for row in reader)
    except csv.Error:
        raise ImportUnreadableError(f"the table breaks off at line {reader.line_num}") from None


def rows_of_table(table: Iterable[tuple[int, Sequence[object]]]) -> Iterator[tuple[int, object]]:
    """Numbered rows of fields. Row 1 names the columns if it names `code`; else they are as in COLUMNS."""
    columns: Sequence[str] = COLUMNS
    for number, row in table:
        if number == 1:
            names = [str(field or "").strip().lower() for field in row]
            if "code" in names:
                columns = names
                continue
        if any(field and str(field).strip() for field in row):
            yield number, _named(columns, row)


def rows_of_list(cards: Sequence[object]) -> Iterator[tuple[int, object]]:
    """Cards of a JSON list: objects, or the codes alone. The first is line 1."""
    for number, card in enumerate(cards, start=1):
        yield number, {"code": card} if isinstance(card, str) else card


def read_lines(
    rows: Iterable[tuple[int, object]], *, now: datetime, link_hosts: Collection[str] | None = None
) -> tuple[list[ReadLine], list[BrokenLine]]:
    """Tell cards from broken lines; with `link_hosts` only links to these are cards.

    :raises ImportTooLargeError: there are more than 200,000 lines.
    :raises ImportUnreadableError: there is no line at all, or the table cannot be read.
    """
    good: list[ReadLine] = []
    broken: list[BrokenLine] = []
    for line in read_each(rows, now=now, lines_max=CARDS_MAX, link_hosts=link_hosts):
        if isinstance(line, ReadLine):
            good.append(line)
        else:
            broken.append(line)
    return good, broken


def read_each(
    rows: Iterable[tuple[int, object]], *, now: datetime, lines_max: int, link_hosts: Collection[str] | None = None
) -> Iterator[ReadLine | BrokenLine]:
    """The lines one after the other, so that a large file is never in memory as cards.

    :raises ImportTooLargeError: there are more than `lines_max` lines.
    :raises ImportUnreadableError: there is no line at all, or the table cannot be read.
    """
    count = 0
    for number, row in rows:
        count += 1
        if count > lines_max:
            raise ImportTooLargeError(f"one import takes {lines_max} cards")
        try:
            yield ReadLine(number, read_card(_fields(row), now=now, link_hosts=link_hosts))
        except LineFaultError as error:
            yield BrokenLine(number, error.fault)
    if count == 0:
        raise ImportUnreadableError("there is no card in it")


def _fields(row: object) -> Mapping[str, object]:
    if isinstance(row, LineFault):
        raise LineFaultError(row)
    if not isinstance(row, Mapping):
        raise LineFaultError(LineFault.NOT_A_CARD)
    return row


def _named(columns: Sequence[str], fields: Sequence[object]) -> object:
    if len(fields) > len(columns):
        return LineFault.TOO_MANY_FIELDS
    if not FIELDS.issuperset(columns):
        return LineFault.UNKNOWN_FIELD
    return dict(zip(columns, fields, strict=False))
