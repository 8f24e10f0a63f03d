"""Cards in an Excel workbook, read row by row."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from services.inventory.domain.importing import ImportTooLargeError, ImportUnreadableError, rows_of_table
from shared.clock import SHANGHAI

UNPACKED_BYTES_MAX = 512 * 1024 * 1024
"""A workbook is a zip file; one that unpacks to more than this is not a list of cards."""

EXACT_DIGITS_MAX = 15
"""Excel keeps no more digits of a number. A longer code that was typed as a number is lost already."""


def rows_of_workbook(body: bytes) -> Iterator[tuple[int, object]]:
    """The rows of the first sheet; like a CSV file otherwise.

    :raises ImportUnreadableError: it is no workbook.
    :raises ImportTooLargeError: it unpacks to more than half a gigabyte.
    """
    _check_size(body)
    try:
        book = openpyxl.load_workbook(io.BytesIO(body), read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            yield from rows_of_table(
                (number, [_text(cell) for cell in _without_empty_end(row)])
                for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)
            )
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, IndexError, ValueError, SyntaxError, OSError):
        # What openpyxl raises on a damaged file is its parsers' own; none of it may be quoted.
        raise ImportUnreadableError("the file is not an Excel workbook that can be read") from None


def _check_size(body: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile:
        raise ImportUnreadableError("the file is not an Excel workbook") from None
    if unpacked > UNPACKED_BYTES_MAX:
        raise ImportTooLargeError("the workbook is too large when unpacked")


def _without_empty_end(row: Sequence[object]) -> Sequence[object]:
    """Sheets are wider than what was typed into them."""
    end = len(row)
    while end and row[end - 1] in (None, ""):
        end -= 1
    return row[:end]


def _text(cell: object) -> object:
    """A cell as an operator sees it. A number that Excel cannot have kept whole stays one and is refused as no text."""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.replace(tzinfo=SHANGHAI).isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) < 10**EXACT_DIGITS_MAX:
        return str(cell)
    return cell
