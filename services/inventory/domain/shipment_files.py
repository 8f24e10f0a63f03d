"""Shipments as CSV for Excel: a list with addresses to pack by, and the same list back with carriers and numbers."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from services.inventory.domain.redemption_files import plain
from services.inventory.domain.shipping import Address, Parcel
from shared.clock import SHANGHAI

ROWS_MAX = 5_000
"""Shipments of one file: what a storehouse sends in a day."""

CARRIER_LENGTH_MAX = 50
TRACKING_LENGTH_MAX = 64

_HEADERS: Final = (
    "component_id", "order_id", "商品", "数量", "最晚发货", "收件人", "电话", "省", "市", "区", "详细地址", "邮编",
    "carrier", "tracking_no",
)  # fmt: skip
_NEEDED: Final = frozenset({"component_id", "carrier", "tracking_no"})


class ShipmentFileError(Exception):
    """The file as a whole is no list of shipments; nothing was changed."""


class ShipmentLineError(Exception):
    """A line does not say what was sent and how. It never quotes the line."""


@dataclass(frozen=True, slots=True)
class AddressedRow:
    """One line of the list to pack by."""

    component_id: UUID
    order_id: UUID
    name: str
    quantity: int
    ship_before: datetime
    address: Address | None
    carrier: str | None
    tracking_no: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShippedLine:
    """One line of the list that comes back."""

    line: int
    component_id: UUID
    parcel: Parcel


def address_file(rows: Iterable[AddressedRow]) -> bytes:
    """The list to pack by. Filled in, it can be handed in as it is."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_HEADERS)
    writer.writerows(_line(row) for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def read_shipped(text: str) -> Iterator[ShippedLine | tuple[int, ShipmentLineError]]:
    """What a filled in list says, by line; lines without a carrier and a number were not sent and are passed over.

    :raises ShipmentFileError: it has no columns `component_id`, `carrier` and `tracking_no`, or too many lines.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    if not _NEEDED.issubset(reader.fieldnames or ()):
        raise ShipmentFileError(f"the first line names the columns {', '.join(sorted(_NEEDED))}")
    try:
        for count, row in enumerate(reader, start=1):
            if count > ROWS_MAX:
                raise ShipmentFileError(f"one list has at most {ROWS_MAX} shipments")
            told = {name: (row[name] or "").strip() for name in _NEEDED}
            if not (told["carrier"] or told["tracking_no"]):
                continue
            try:
                yield _shipped(reader.line_num, told)
            except ShipmentLineError as error:
                yield reader.line_num, error
    except csv.Error:
        raise ShipmentFileError(f"the table breaks off at line {reader.line_num}") from None


def _shipped(line: int, told: dict[str, str]) -> ShippedLine:
    try:
        component_id = UUID(told["component_id"].lstrip("`"))
    except ValueError:
        raise ShipmentLineError("component_id is none") from None
    carrier, tracking_no = told["carrier"].lstrip("'`"), told["tracking_no"].lstrip("'`")
    if not 0 < len(carrier) <= CARRIER_LENGTH_MAX or not 0 < len(tracking_no) <= TRACKING_LENGTH_MAX:
        raise ShipmentLineError("carrier or tracking_no is missing or too long")
    return ShippedLine(line, component_id, Parcel(carrier, tracking_no))


def _line(row: AddressedRow) -> tuple[str, ...]:
    address = row.address
    where = (
        (address.recipient, address.phone, address.province, address.city, address.district, address.detail)
        if address
        else ("", "", "", "", "", "")
    )
    return (
        f"`{row.component_id}",
        f"`{row.order_id}",
        plain(row.name),
        str(row.quantity),
        row.ship_before.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
        *(plain(text) for text in where),
        plain(address.postcode if address else ""),
        plain(row.carrier),
        plain(row.tracking_no),
    )
