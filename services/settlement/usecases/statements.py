"""Drawing statements: the figures from one state of the ledger, the files rendered once for their hashes, then kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from services.settlement import events
from services.settlement.domain.partners import PartnerUnknownError
from services.settlement.domain.periods import CUT_OFF_GRACE, Period, PeriodError
from services.settlement.domain.statement_files import FileDigest, FileFormat
from services.settlement.domain.statements import FileFacts, Statement, StatementDriftError
from services.settlement.repository import blocks, statements
from services.settlement.repository.due_statements import DueStatement, due, forget_provisional
from services.settlement.repository.snapshots import fix_snapshot
from services.settlement.repository.statements import StoredStatement
from services.settlement.usecases.sealing import final_number
from shared.clock import business_day
from shared.database import Database, UnitOfWork
from shared.messaging import announce
from shared.money import CNY

LOOK_BACK = timedelta(days=62)
"""How far back late postings are looked for: two months, so that both month statements they touch are revised."""

PROVISIONAL_KEPT = timedelta(days=7)
"""A provisional statement can be pulled again for this long."""


async def draw_statements(
    database: Database, *, partner_id: UUID, period: Period, now: datetime
) -> list[StoredStatement]:
    """The partner's statements of a period, one per currency: those there are, if they still say all, else new ones.

    An open period gives a provisional statement; a closed one a final one, or its next revision. It may be interrupted
    at any point and run again: the same facts make the same statement, byte for byte.

    :raises PeriodError: the period has not begun. :raises PartnerUnknownError: there is no such partner.
    """
    if not period.has_begun(now):
        raise PeriodError(f"{period.name} has not begun")
    last_no = await final_number(database)
    async with database.read() as uow:
        currencies = await statements.currencies(uow, partner_id) or [CNY]
    return [
        await _draw(database, partner_id=partner_id, currency=currency, period=period, last_no=last_no, now=now)
        for currency in currencies
    ]


async def due_statements(uow: UnitOfWork, *, now: datetime, limit: int) -> list[DueStatement]:
    """Statements that are to be drawn now: of periods that are over and missing, or revised by a late posting."""
    today = business_day(now - CUT_OFF_GRACE)
    return await due(uow, since=today - LOOK_BACK, until=today, limit=limit)


async def forget_provisional_statements(uow: UnitOfWork, *, now: datetime, limit: int) -> int:
    """Delete provisional statements that have had their time; answers how many went."""
    return await forget_provisional(uow, before=now - PROVISIONAL_KEPT, limit=limit)


async def _draw(
    database: Database, *, partner_id: UUID, currency: str, period: Period, last_no: int, now: datetime
) -> StoredStatement:
    before = await _latest(database, partner_id=partner_id, currency=currency, period=period)
    statement = await _figure(
        database,
        before.statement if before else None,
        partner_id=partner_id,
        currency=currency,
        period=period,
        last_no=last_no,
        now=now,
    )
    if before is not None and before.statement.statement_id == statement.statement_id:
        return before
    files = await _hashed(database, statement)
    async with database.begin() as uow:
        added = await statements.add(uow, statement, files, now=now)
        if added and statement.is_final:
            announce(uow, events.statement_ready(statement), now=now)
    if added:
        return StoredStatement(statement, files, now)
    raced = await _latest(database, partner_id=partner_id, currency=currency, period=period)
    assert raced is not None  # noqa: S101  # somebody else's row was in the way
    return raced


async def _figure(
    database: Database,
    before: Statement | None,
    *,
    partner_id: UUID,
    currency: str,
    period: Period,
    last_no: int,
    now: datetime,
) -> Statement:
    """What the ledger says now: the statement that was there before, or the one that comes next."""
    async with database.begin() as uow:
        await fix_snapshot(uow)
        name = await statements.partner_name(uow, partner_id)
        if name is None:
            raise PartnerUnknownError(f"there is no partner {partner_id}")
        sealed_no = (await blocks.head(uow)).to_no
        figures = await statements.figures(
            uow, partner_id=partner_id, currency=currency, period=period, sealed_no=sealed_no, last_no=last_no
        )
        final = period.is_over(now) and not await statements.unsealed_before(
            uow, sealed_no=sealed_no, last_no=last_no, day=period.to_day
        )
        anchor = await statements.anchor(uow, figures.through_no) if final else None
    if before is not None and before.is_final and (not final or before.through_no == figures.through_no):
        return before
    return Statement(
        partner_id=partner_id,
        partner_name=name,
        currency=currency,
        period=period,
        revision=(before.revision if before else 0) + 1 if final else 0,
        through_no=figures.through_no,
        anchor=anchor,
        opening=figures.opening,
        movements=figures.movements,
    )


async def _hashed(database: Database, statement: Statement) -> Mapping[FileFormat, FileFacts]:
    """Render every format in one pass over the lines.

    :raises StatementDriftError: the lines do not add up to the figures.
    """
    digests = {file_format: FileDigest(statement, file_format) for file_format in FileFormat}
    number, amount_minor, deferred_minor = 0, *statement.opening
    async for page in statements.lines(database, statement):
        for line in page:
            number += 1
            amount_minor += line.amount_minor
            deferred_minor += line.deferred_minor
            for digest in digests.values():
                digest.add(number, line)
    if (number, amount_minor, deferred_minor) != (statement.lines, *statement.closing):
        raise StatementDriftError(f"statement {statement.statement_id}: its lines do not add up to its figures")
    return {file_format: digest.facts() for file_format, digest in digests.items()}


async def _latest(database: Database, *, partner_id: UUID, currency: str, period: Period) -> StoredStatement | None:
    async with database.read() as uow:
        return await statements.latest(uow, partner_id=partner_id, currency=currency, period=period)
