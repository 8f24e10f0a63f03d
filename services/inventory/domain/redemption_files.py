"""Redemptions as CSV for Excel: RFC 4180 in UTF-8 with a byte order mark, times in Shanghai's.

Ids carry a leading backtick so that Excel keeps them as text; text that could be read as a formula carries a leading
apostrophe (OWASP, CSV injection): a store's name comes from outside.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.clock import SHANGHAI

ROWS_MAX = 50_000
"""Redemptions of one file, about 15 MB; more are pulled by shorter periods."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_HEADERS: Final = (
    "核销号", "核销时间", "合作方编号", "门店", "终端", "收银员", "渠道", "订单号", "商品编号", "权益号", "券码(掩码)",
    "撤销时间", "撤销方", "撤销原因",
)  # fmt: skip
_CHANNEL_NAMES: Final = {
    None: "",
    "code": "券码",
    "qr": "二维码",
    "batch": "批量",
    "offline": "离线",
    "operator": "运营",
}
_UNDONE_BY_NAMES: Final = {None: "", "partner": "合作方", "operator": "平台"}


@dataclass(frozen=True, slots=True)
class RedemptionRow:
    """One line of the file."""

    redemption_id: UUID
    redeemed_at: datetime
    partner_id: UUID
    store: str | None
    terminal: str | None
    cashier: str | None
    channel: str | None
    order_id: UUID
    sku_id: UUID
    entitlement_id: UUID
    masked: str
    undone_at: datetime | None = None
    undone_by: str | None = None
    undo_reason: str | None = None


class ExportTooLargeError(Exception):
    """More redemptions than one file may hold."""


def redemption_file(rows: Iterable[RedemptionRow]) -> bytes:
    """The file."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_HEADERS)
    writer.writerows(_line(row) for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _line(row: RedemptionRow) -> tuple[str, ...]:
    return (
        f"`{row.redemption_id}",
        _moment(row.redeemed_at),
        f"`{row.partner_id}",
        plain(row.store),
        plain(row.terminal),
        plain(row.cashier),
        _CHANNEL_NAMES.get(row.channel, row.channel or ""),
        f"`{row.order_id}",
        f"`{row.sku_id}",
        f"`{row.entitlement_id}",
        row.masked,
        _moment(row.undone_at),
        _UNDONE_BY_NAMES.get(row.undone_by, row.undone_by or ""),
        plain(row.undo_reason),
    )


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str | None) -> str:
    """Text that no spreadsheet takes for a formula."""
    if text is None:
        return ""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text
