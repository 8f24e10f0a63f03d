"""Statements that were drawn, and their files, streamed."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select, tuple_

from services.settlement.domain.statement_files import RENDERINGS, FileFormat, rendered
from services.settlement.domain.statements import Balance, Statement, StatementDriftError
from services.settlement.repository import statements as store
from services.settlement.repository.statements import StoredStatement
from services.settlement.schemas.statements import FileOut, MovementOut, StatementOut, StatementPage, SummaryOut
from services.settlement.tables import STATEMENTS
from shared.database import Database, UnitOfWork
from shared.http import Problem, decode_cursor, encode_cursor


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A file about to be sent: what is known of it, and its pieces."""

    name: str
    media_type: str
    sha256: str
    size_bytes: int
    pieces: AsyncIterator[bytes]


async def statement(uow: UnitOfWork, *, partner_id: UUID, statement_id: UUID) -> StatementOut:
    """One statement of this partner's.

    :raises Problem: 404 `statement.not_found`, also for another partner's.
    """
    return statement_out(await _found(uow, partner_id=partner_id, statement_id=statement_id))


async def statements(
    uow: UnitOfWork, *, partner_id: UUID | None, period: str | None, cursor: str | None, limit: int
) -> StatementPage:
    """Final statements, of one partner or of all, of one period or of all; the latest periods first.

    :raises Problem: 422 `cursor.invalid`.
    """
    columns = STATEMENTS.c
    query = (
        select(STATEMENTS)
        .where(columns.revision > 0)
        .order_by(columns.to_day.desc(), columns.statement_id.desc())
        .limit(limit + 1)
    )
    if partner_id is not None:
        query = query.where(columns.partner_id == partner_id)
    if period is not None:
        query = query.where(columns.period == period)
    if cursor is not None:
        query = query.where(tuple_(columns.to_day, columns.statement_id) < tuple_(*_key_in(cursor)))
    rows = (await uow.sql.execute(query)).mappings().all()
    items = [statement_out(store.stored(row)) for row in rows[:limit]]
    more = None
    if len(rows) > limit:
        last = rows[limit - 1]
        more = encode_cursor(last["to_day"].isoformat(), str(last["statement_id"]))
    return StatementPage(items=items, next_cursor=more)


async def statement_file(
    database: Database, *, partner_id: UUID, statement_id: UUID, file_format: FileFormat
) -> StatementFile:
    """A statement's file. Its pieces end with an error instead of the last one if they are not what was announced.

    :raises Problem: 404 `statement.not_found`, also for another partner's.
    """
    async with database.read() as uow:
        found = await _found(uow, partner_id=partner_id, statement_id=statement_id)
    facts = found.files[file_format]
    drawn = found.statement
    version = f"r{drawn.revision}" if drawn.is_final else f"provisional-{drawn.through_no}"
    pages = store.lines(database, drawn)
    return StatementFile(
        name=f"statement-{drawn.period.name}-{drawn.currency}-{version}.{file_format}",
        media_type=RENDERINGS[file_format].media_type,
        sha256=facts.sha256,
        size_bytes=facts.size_bytes,
        pieces=_checked(rendered(drawn, file_format, pages), sha256=facts.sha256),
    )


def statement_out(found: StoredStatement) -> StatementOut:
    """A statement as it is shown."""
    drawn = found.statement
    return StatementOut(
        statement_id=drawn.statement_id,
        partner_id=drawn.partner_id,
        partner_name=drawn.partner_name,
        period=drawn.period.name,
        from_day=drawn.period.from_day,
        to_day=drawn.period.to_day,
        status="final" if drawn.is_final else "provisional",
        revision=drawn.revision,
        currency=drawn.currency,
        through_journal_no=drawn.through_no,
        block_no=drawn.anchor.block_no if drawn.anchor else None,
        block_hash=drawn.anchor.block_hash.hex() if drawn.anchor else None,
        summary=_summary(drawn),
        files=[
            FileOut(
                format=file_format,
                sha256=facts.sha256,
                size_bytes=facts.size_bytes,
                href=f"/v1/partner/statements/{drawn.statement_id}/file?format={file_format}",
            )
            for file_format, facts in found.files.items()
        ],
        drawn_at=found.drawn_at,
    )


def _summary(drawn: Statement) -> SummaryOut:
    opening, closing = drawn.opening, drawn.closing
    moved = Balance(closing.amount_minor - opening.amount_minor, closing.deferred_minor - opening.deferred_minor)
    return SummaryOut(
        lines=drawn.lines,
        opening_minor=opening.amount_minor,
        movement_minor=moved.amount_minor,
        closing_minor=closing.amount_minor,
        opening_deferred_minor=opening.deferred_minor,
        movement_deferred_minor=moved.deferred_minor,
        closing_deferred_minor=closing.deferred_minor,
        movements=[MovementOut(**movement._asdict()) for movement in drawn.movements],
    )


async def _found(uow: UnitOfWork, *, partner_id: UUID, statement_id: UUID) -> StoredStatement:
    found = await store.find(uow, partner_id=partner_id, statement_id=statement_id)
    if found is None:
        raise Problem(404, "statement.not_found", "There is no such statement")
    return found


async def _checked(pieces: AsyncIterator[bytes], *, sha256: str) -> AsyncIterator[bytes]:
    """The pieces one behind, so that a file whose bytes have changed is cut off instead of passed for whole."""
    digest = hashlib.sha256()
    held = b""
    async for piece in pieces:
        if not piece:
            continue
        digest.update(piece)
        if held:
            yield held
        held = piece
    if digest.hexdigest() != sha256:
        raise StatementDriftError(f"the file is {digest.hexdigest()}; announced was {sha256}")
    yield held


def _key_in(cursor: str) -> tuple[date, UUID]:
    to_day, statement_id = decode_cursor(cursor, parts=2)
    try:
        return date.fromisoformat(str(to_day)), UUID(str(statement_id))
    except ValueError:
        raise Problem(422, "cursor.invalid", "The cursor is not one of ours") from None
