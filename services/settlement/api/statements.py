"""Partners pull their statements; operators see all."""

import base64
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.settlement.api.callers import FinanceOperator, OwnPartnerId
from services.settlement.domain.periods import period_named
from services.settlement.domain.statement_files import FileFormat
from services.settlement.queries.statements import statement, statement_file, statement_out, statements
from services.settlement.schemas.statements import StatementOut, StatementPage
from services.settlement.usecases.statements import draw_statements
from shared.clock import utc_now
from shared.database import Database
from shared.http import DEFAULT_PAGE, Cursor, PageSize, Problem, Reading

PeriodName = Annotated[str | None, Query(max_length=10, description="2026-11 or 2026-11-20, in Shanghai")]

_FORMATS = ", ".join(FileFormat)


def router() -> APIRouter:
    """Statements."""
    routes = APIRouter()

    @routes.get("/v1/partner/statements")
    async def list_own_statements(
        partner_id: OwnPartnerId,
        request: Request,
        period: PeriodName = None,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> StatementPage:
        """The statements of one period, drawn now if need be: one per currency. Without a period: all final ones."""
        database: Database = request.app.state.database
        if period is None:
            async with database.read() as work:
                return await statements(work, partner_id=partner_id, period=None, cursor=cursor, limit=limit)
        drawn = await draw_statements(database, partner_id=partner_id, period=period_named(period), now=utc_now())
        return StatementPage(items=[statement_out(one) for one in drawn])

    @routes.get("/v1/partner/statements/{statement_id}")
    async def get_own_statement(partner_id: OwnPartnerId, statement_id: UUID, work: Reading) -> StatementOut:
        return await statement(work, partner_id=partner_id, statement_id=statement_id)

    @routes.get("/v1/partner/statements/{statement_id}/file", response_class=StreamingResponse)
    async def get_own_file(
        partner_id: OwnPartnerId,
        statement_id: UUID,
        request: Request,
        file_format: Annotated[str, Query(alias="format", max_length=10)] = FileFormat.CSV,
    ) -> StreamingResponse:
        """The statement as a file: the same bytes every time. Its SHA-256 is in `ETag` and `Repr-Digest` (RFC 9530)."""
        file = await statement_file(
            request.app.state.database,
            partner_id=partner_id,
            statement_id=statement_id,
            file_format=_format_named(file_format),
        )
        digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        headers = {
            "Content-Length": str(file.size_bytes),
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "ETag": f'"{file.sha256}"',
            "Repr-Digest": f"sha-256=:{digest}:",
            "Cache-Control": "private, no-transform",
        }
        return StreamingResponse(file.pieces, media_type=file.media_type, headers=headers)

    @routes.get("/v1/ops/statements")
    async def list_statements(
        _: FinanceOperator,
        work: Reading,
        partner_id: UUID | None = None,
        period: PeriodName = None,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> StatementPage:
        """Final statements of all partners."""
        name = period_named(period).name if period else None
        return await statements(work, partner_id=partner_id, period=name, cursor=cursor, limit=limit)

    return routes


def _format_named(name: str) -> FileFormat:
    """:raises Problem: 406 `statement.format_unavailable`."""
    try:
        return FileFormat(name)
    except ValueError:
        raise Problem(
            406, "statement.format_unavailable", "Statements come in other formats", f"format is one of {_FORMATS}"
        ) from None
