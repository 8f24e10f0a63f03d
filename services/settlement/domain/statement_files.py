"""Statements as files: CSV for Excel, JSON for programs. Line by line, so that a million lines need no memory.

CSV is RFC 4180 in UTF-8 with a byte order mark. Ids carry a leading backtick, as the bills of WeChat Pay do, so that
Excel keeps them as text; text that could be read as a formula carries a leading apostrophe (OWASP, CSV injection).
Amounts are in yuan, times in Shanghai's. JSON has amounts in minor units and times in UTC.
"""

import csv
import hashlib
import io
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import orjson

from services.settlement.domain.statements import Balance, FileFacts, MovementKind, Statement, StatementLine
from shared.clock import SHANGHAI
from shared.money import format_minor

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

_KIND_NAMES: Final = {
    MovementKind.SHARE: "售出分成",
    MovementKind.REDEMPTION: "核销确认",
    MovementKind.REDEMPTION_UNDONE: "核销撤销",
    MovementKind.REVERSAL: "退款冲回",
}

_LINE_HEADERS: Final = (
    "序号", "入账时间", "分录号", "业务类型", "参与角色", "订单号", "订单明细号", "商品编号", "核销凭证号",
    "应付变动(元)", "待核销变动(元)",
)  # fmt: skip

_PARTY_NAMES: Final = {"brand": "品牌", "supplier": "供应商", "channel": "渠道"}


class FileFormat(StrEnum):
    """How a statement may be pulled."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A file in three parts; `line` takes the line's number, from 1."""

    media_type: str
    head: Callable[[Statement], bytes]
    line: Callable[[Statement, int, StatementLine], bytes]
    tail: Callable[[Statement], bytes]


async def rendered(
    statement: Statement, file_format: FileFormat, pages: AsyncIterator[list[StatementLine]]
) -> AsyncIterator[bytes]:
    """The file, in one piece per page of lines."""
    rendering = RENDERINGS[file_format]
    yield rendering.head(statement)
    number = 0
    async for page in pages:
        yield b"".join(rendering.line(statement, number + place, line) for place, line in enumerate(page, start=1))
        number += len(page)
    yield rendering.tail(statement)


class FileDigest:
    """What a rendered file will be known by, without keeping it."""

    def __init__(self, statement: Statement, file_format: FileFormat) -> None:
        self._statement = statement
        self._rendering = RENDERINGS[file_format]
        self._hash = hashlib.sha256()
        self._size = 0
        self._take(self._rendering.head(statement))

    def add(self, number: int, line: StatementLine) -> None:
        """The next line, counted from 1."""
        self._take(self._rendering.line(self._statement, number, line))

    def facts(self) -> FileFacts:
        """After the last line: hash and size of the whole file."""
        self._take(self._rendering.tail(self._statement))
        return FileFacts(self._hash.hexdigest(), self._size)

    def _take(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._size += len(piece)


def plain_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def _csv_rows(*rows: tuple[object, ...]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _csv_head(statement: Statement) -> bytes:
    def money(minor: int) -> str:
        return format_minor(minor, statement.currency)

    def balance(name: str, at: Balance) -> tuple[object, ...]:
        return (name, "", money(at.amount_minor), money(at.deferred_minor))

    anchor = statement.anchor
    return b"\xef\xbb\xbf" + _csv_rows(
        ("对账单号", f"`{statement.statement_id}"),
        ("合作方", plain_text(statement.partner_name)),
        ("合作方编号", f"`{statement.partner_id}"),
        ("账期", f"`{statement.period.name}"),
        ("状态", f"第{statement.revision}版" if statement.is_final else "临时(账期未结束)"),
        ("币种", statement.currency),
        ("截至分录号", f"`{statement.through_no}"),
        ("账本区块", f"`{anchor.block_no}" if anchor else ""),
        ("区块哈希", f"`{anchor.block_hash.hex()}" if anchor else ""),
        (),
        ("汇总", "笔数", "应付(元)", "待核销(元)"),
        balance("期初余额", statement.opening),
        *(
            (_KIND_NAMES[kind], lines, money(amount), money(deferred))
            for kind, lines, amount, deferred in statement.movements
        ),
        balance("期末余额", statement.closing),
        (),
        _LINE_HEADERS,
    )


def _csv_line(statement: Statement, number: int, line: StatementLine) -> bytes:
    # No field can hold a comma, a quote or a line break, so nothing needs quoting.
    entitlement = f"`{line.entitlement_id}" if line.entitlement_id else ""
    return (
        f"{number},{line.posted_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S},`{line.journal_no}-{line.line_no},"
        f"{_KIND_NAMES[line.kind]},{_PARTY_NAMES[line.party]},`{line.order_id},`{line.component_id},`{line.sku_id},"
        f"{entitlement},{format_minor(line.amount_minor, statement.currency)},"
        f"{format_minor(line.deferred_minor, statement.currency)}\r\n"
    ).encode()


def _json_head(statement: Statement) -> bytes:
    opening, closing, anchor = statement.opening, statement.closing, statement.anchor
    head = {
        "statement": {
            "statement_id": statement.statement_id,
            "partner_id": statement.partner_id,
            "partner_name": statement.partner_name,
            "period": statement.period.name,
            "from_day": statement.period.from_day,
            "to_day": statement.period.to_day,
            "status": "final" if statement.is_final else "provisional",
            "revision": statement.revision,
            "currency": statement.currency,
            "through_journal_no": statement.through_no,
            "block_no": anchor.block_no if anchor else None,
            "block_hash": anchor.block_hash.hex() if anchor else None,
        },
        "summary": {
            "lines": statement.lines,
            "opening_minor": opening.amount_minor,
            "movement_minor": closing.amount_minor - opening.amount_minor,
            "closing_minor": closing.amount_minor,
            "opening_deferred_minor": opening.deferred_minor,
            "movement_deferred_minor": closing.deferred_minor - opening.deferred_minor,
            "closing_deferred_minor": closing.deferred_minor,
            "movements": [movement._asdict() for movement in statement.movements],
        },
    }
    return orjson.dumps(head, default=str)[:-1] + b',"lines":['


def _json_line(_: Statement, number: int, line: StatementLine) -> bytes:
    return (b"\n" if number == 1 else b",\n") + orjson.dumps({"number": number, **line._asdict()}, default=str)


RENDERINGS: Final = {
    FileFormat.CSV: Rendering("text/csv; charset=utf-8", _csv_head, _csv_line, lambda _: b""),
    FileFormat.JSON: Rendering("application/json", _json_head, _json_line, lambda _: b"\n]}\n"),
}
