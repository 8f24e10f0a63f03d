"""Statements: opening, movements and closing tie to the ledger; drawn again they are the same bytes; late facts revise."""

import asyncio
import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import pytest

from services.settlement import jobs
from services.settlement.domain.periods import PeriodError, period_named
from services.settlement.domain.statement_files import FileFormat
from services.settlement.domain.statements import StatementDriftError
from services.settlement.queries.statements import statement_file
from services.settlement.repository import statements as store
from services.settlement.repository.statements import StoredStatement
from services.settlement.usecases.statements import draw_statements
from shared.contracts import StatementReadyV1
from tests.settlement.house import House
from tests.settlement.purchases import NOON, Purchase

DAY = timedelta(days=1)


async def draw(house: House, partner_id: UUID, period: str, *, now: datetime | None = None) -> StoredStatement:
    (drawn,) = await draw_statements(
        house.database, partner_id=partner_id, period=period_named(period), now=now or house.now
    )
    return drawn


async def file_of(house: House, drawn: StoredStatement, file_format: FileFormat) -> bytes:
    file = await statement_file(
        house.database,
        partner_id=drawn.statement.partner_id,
        statement_id=drawn.statement.statement_id,
        file_format=file_format,
    )
    content = b"".join([piece async for piece in file.pieces])
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (file.sha256, file.size_bytes)
    return content


async def three_days(house: House) -> tuple[UUID, UUID]:
    """Sales on three days, a redemption on the second, a refund on the third. Answers brand and channel."""
    contract = await house.two_brands()
    purchases = [Purchase(amount_minor=1_999, contract=contract) for _ in range(3)]
    for day, purchase in enumerate(purchases):
        house.now = NOON + day * DAY
        await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
        if day == 1:
            await house.deliver(purchases[0].redeemed())
        if day == 2:
            await house.deliver(purchases[0].reversed(), purchases[0].refunded())
    await house.seal()
    brand, channel, _ = (share.partner_id for share in contract.shares)
    assert brand is not None
    assert channel is not None
    return brand, channel


async def test_opening_and_movements_make_closing_day_by_day(house: House) -> None:
    brand, channel = await three_days(house)
    now = NOON + 5 * DAY
    expected = {  # opening, closing, opening deferred, closing deferred
        brand: [(0, 1_399, 0, 0), (1_399, 2_798, 0, 0), (2_798, 2_798, 0, 0)],
        channel: [(0, 0, 0, 250), (0, 250, 250, 250), (250, 0, 250, 500)],
    }
    for partner_id, days in expected.items():
        for number, (opening, closing, opening_deferred, closing_deferred) in enumerate(days):
            period = (NOON + number * DAY).date().isoformat()
            statement = (await draw(house, partner_id, period, now=now)).statement
            assert statement.opening == (opening, opening_deferred)
            assert statement.closing == (closing, closing_deferred)
        month = (await draw(house, partner_id, "2026-11", now=now)).statement
        assert (month.opening, month.closing) == ((0, 0), (days[-1][1], days[-1][3]))
        assert not month.is_final
    balances = await house.balances()
    assert balances[f"payable:{brand}:CNY"] == -2_798
    assert balances[f"deferred:{channel}:CNY"] == -500


async def test_the_json_file_adds_up_line_by_line(house: House) -> None:
    _, channel = await three_days(house)
    drawn = await draw(house, channel, "2026-11", now=NOON + 30 * DAY)
    document = orjson.loads(await file_of(house, drawn, FileFormat.JSON))
    summary, lines = document["summary"], document["lines"]
    assert summary["opening_minor"] + summary["movement_minor"] == summary["closing_minor"] == 0
    assert sum(line["amount_minor"] for line in lines) == summary["movement_minor"]
    assert sum(line["deferred_minor"] for line in lines) == summary["movement_deferred_minor"] == 500
    assert [line["number"] for line in lines] == list(range(1, summary["lines"] + 1))
    assert [line["kind"] for line in lines] == ["share", "share", "redemption", "share", "reversal", "reversal"]
    assert {line["party"] for line in lines} == {"channel"}
    by_kind = {movement["kind"]: movement for movement in summary["movements"]}
    assert by_kind["redemption"] == {"kind": "redemption", "lines": 1, "amount_minor": 250, "deferred_minor": -250}
    assert by_kind["reversal"] == {"kind": "reversal", "lines": 2, "amount_minor": -250, "deferred_minor": 0}


def table(rows: Sequence[Sequence[str]], first_cell: str) -> list[Sequence[str]]:
    """The rows of a section, up to the blank row after it."""
    start = next(place for place, row in enumerate(rows) if row[:1] == [first_cell])
    end = next((place for place in range(start, len(rows)) if not rows[place]), len(rows))
    return list(rows[start:end])


async def test_the_csv_file_is_safe_in_excel(house: House) -> None:
    partner_id = await house.partner('=HYPERLINK("http://x","甲")')
    contract = await house.two_brands()
    contract = await house.contract(
        replace(contract.shares[0], partner_id=partner_id), contract.shares[2], sku_id=contract.sku_id
    )
    purchase = Purchase(amount_minor=123_456, contract=contract)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued(), purchase.reversed())
    drawn = await draw(house, partner_id, "2026-11-20")
    content = await file_of(house, drawn, FileFormat.CSV)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    header = {row[0]: row[1] for row in rows if len(row) == 2}
    assert header["合作方"] == '\'=HYPERLINK("http://x","甲")'
    assert header["账期"] == "`2026-11-20"
    assert header["状态"] == "临时(账期未结束)"
    assert table(rows, "汇总")[1:] == [
        ["期初余额", "", "0.00", "0.00"],
        ["售出分成", "1", "864.19", "0.00"],
        ["退款冲回", "1", "-864.19", "0.00"],
        ["期末余额", "", "0.00", "0.00"],
    ]
    headers, *lines = table(rows, "序号")
    assert headers[1:6] == ["入账时间", "分录号", "业务类型", "参与角色", "订单号"]
    assert [line[3] for line in lines] == ["售出分成", "退款冲回"]
    assert lines[0][1] == "2026-11-20 12:00:00"
    assert lines[0][5] == f"`{purchase.order_id}"
    assert [line[9] for line in lines] == ["864.19", "-864.19"]
    harmless = all(not cell.startswith(("=", "+", "@", "\t")) for row in rows for cell in row)
    assert harmless


async def test_many_pages_are_one_file(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LINES_PER_PAGE", 7)
    contract = await house.two_brands()
    purchases = [Purchase(amount_minor=100 + number, contract=contract) for number in range(50)]
    await house.deliver(*(event for one in purchases for event in (one.paid(), one.issued(), one.accrued())))
    drawn = await draw(house, contract.shares[0].partner_id or UUID(int=0), "2026-11-20")
    document = orjson.loads(await file_of(house, drawn, FileFormat.JSON))
    assert len(document["lines"]) == 50
    monkeypatch.undo()
    assert orjson.loads(await file_of(house, drawn, FileFormat.JSON)) == document


async def test_drawn_again_it_is_the_same_and_so_are_its_bytes(house: House) -> None:
    brand, _ = await three_days(house)
    now = NOON + DAY
    first = await draw(house, brand, "2026-11-20", now=now)
    assert await draw(house, brand, "2026-11-20", now=now + DAY) == first
    before = [await file_of(house, first, file_format) for file_format in FileFormat]
    await house.run("DELETE FROM statements")
    again = await draw(house, brand, "2026-11-20", now=now + 2 * DAY)
    assert again.statement == first.statement
    assert again.files == first.files
    assert [await file_of(house, again, file_format) for file_format in FileFormat] == before


async def test_an_open_period_is_provisional_until_it_is_over(house: House) -> None:
    contract = await house.two_brands()
    brand = contract.shares[0].partner_id or UUID(int=0)
    midnight = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    purchase = Purchase(contract=contract)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    unsealed = await draw(house, brand, "2026-11-20")
    assert (unsealed.statement.revision, unsealed.statement.closing.amount_minor) == (0, 1_399)
    assert unsealed.statement.anchor is None
    await house.seal()
    assert await draw(house, brand, "2026-11-20", now=midnight + timedelta(minutes=4)) == unsealed
    final = await draw(house, brand, "2026-11-20", now=midnight + timedelta(minutes=5))
    assert (final.statement.revision, final.statement.closing.amount_minor) == (1, 1_399)
    assert final.statement.anchor is not None
    assert await house.announced(StatementReadyV1) == [
        StatementReadyV1(partner_id=brand, statement_id=final.statement.statement_id, period="2026-11-20", revision=1)
    ]
    assert await file_of(house, unsealed, FileFormat.CSV)  # what was drawn before can still be pulled


async def test_what_is_not_sealed_is_not_final(house: House) -> None:
    contract = await house.two_brands()
    purchase = Purchase(contract=contract)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    drawn = await draw(house, contract.shares[0].partner_id or UUID(int=0), "2026-11-20", now=NOON + 2 * DAY)
    assert not drawn.statement.is_final


async def test_a_late_fact_makes_a_revision_of_every_statement_after_it(house: House) -> None:
    contract = await house.two_brands()
    brand = contract.shares[0].partner_id or UUID(int=0)
    for day in range(2):
        house.now = NOON + day * DAY
        purchase = Purchase(contract=contract)
        await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    await house.seal()
    later = NOON + 2 * DAY
    await jobs.cut_off(house.database, lambda: later)
    old = [await draw(house, brand, period, now=later) for period in ("2026-11-20", "2026-11-21")]
    assert [one.statement.revision for one in old] == [1, 1]
    old_bytes = await file_of(house, old[0], FileFormat.CSV)

    house.now = NOON  # a process whose clock or commit lagged behind
    late = Purchase(contract=contract)
    await house.deliver(late.paid(), late.issued(), late.accrued())
    await house.seal()
    await jobs.cut_off(house.database, lambda: later)
    new = [await draw(house, brand, period, now=later) for period in ("2026-11-20", "2026-11-21")]
    assert [one.statement.revision for one in new] == [2, 2]
    assert new[0].statement.closing.amount_minor == new[1].statement.opening.amount_minor == 2_798
    assert new[1].statement.movements == old[1].statement.movements
    assert await file_of(house, old[0], FileFormat.CSV) == old_bytes
    said = [ready.revision for ready in await house.announced(StatementReadyV1) if ready.partner_id == brand]
    assert sorted(said) == [1, 1, 2, 2]


async def test_the_cut_off_draws_days_and_months_once(house: House) -> None:
    brand, channel = await three_days(house)
    first_of_month = datetime(2026, 11, 30, 16, 5, tzinfo=UTC)
    for now in (first_of_month - timedelta(seconds=1), first_of_month, first_of_month + DAY):
        await jobs.cut_off(house.database, lambda now=now: now)  # type: ignore[misc]  # bound by the default
    drawn = await house.rows("SELECT partner_id, period, revision FROM statements ORDER BY period, partner_id")
    expected = [
        (partner_id, period, 1)
        for period in ("2026-11", "2026-11-20", "2026-11-21", "2026-11-22")
        for partner_id in sorted((brand, channel))
    ]
    assert drawn == expected
    assert len(await house.announced(StatementReadyV1)) == len(expected)


async def test_four_who_draw_at_once_draw_each_statement_once(house: House) -> None:
    brand, _ = await three_days(house)
    period = period_named("2026-11-20")
    now = NOON + 2 * DAY
    drawn = await asyncio.gather(
        *(draw_statements(house.database, partner_id=brand, period=period, now=now) for _ in range(4))
    )
    assert all(one == drawn[0] for one in drawn)
    assert len(await house.announced(StatementReadyV1)) == 1


async def test_a_file_whose_lines_were_changed_is_cut_off(house: House) -> None:
    brand, _ = await three_days(house)
    drawn = await draw(house, brand, "2026-11-20", now=NOON + 2 * DAY)
    await house.run("ALTER TABLE postings DISABLE TRIGGER USER")
    await house.run("UPDATE postings SET amount_minor = amount_minor + 1 WHERE partner_id = $1", brand)
    with pytest.raises(StatementDriftError):
        await file_of(house, drawn, FileFormat.CSV)


async def test_a_partner_without_movements_has_an_empty_statement(house: House) -> None:
    partner_id = await house.partner()
    drawn = await draw(house, partner_id, "2026-11-19")
    assert (drawn.statement.revision, drawn.statement.lines, drawn.statement.closing) == (1, 0, (0, 0))
    assert orjson.loads(await file_of(house, drawn, FileFormat.JSON))["lines"] == []


@pytest.mark.parametrize("name", ["2026", "2026-13", "2026-11-31", "2026-1", "20261120", "2026-11-20 ", "0000-01", ""])
def test_a_period_is_a_month_or_a_day(name: str) -> None:
    with pytest.raises(PeriodError):
        period_named(name)


async def test_a_period_that_has_not_begun_has_no_statement(house: House) -> None:
    partner_id = await house.partner()
    with pytest.raises(PeriodError):
        await draw(house, partner_id, "2026-12")
