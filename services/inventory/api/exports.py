"""Operators let unsold codes out, two of them together."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.exports import ExportUnknownError
from services.inventory.queries import exports as queries
from services.inventory.schemas import BatchReasonIn, ExportOut
from services.inventory.usecases import exporting
from services.inventory.usecases.importing import CardSealer
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import UnitOfWork
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, Reading, Work

_NO_STORE = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="cards.csv"'}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"example": "code,password,serial,expires_at,uses\r\nAB12-CD34,,,,1"}}}
}


routes = APIRouter(prefix="/v1/ops", tags=["cards"])


@routes.post("/batches/{batch_id}/exports", status_code=201, response_model=ExportOut)
async def request_export(
    batch_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Ask for the unsold codes of a batch. Another operator has to approve."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    export_id = await exporting.request_export(
        work, batch_id, operator=caller.subject, reason=body.reason, now=utc_now()
    )
    made = await _read(work, export_id)
    return await call.keep(work, status=201, body=made.model_dump_json().encode())


@routes.get("/exports")
async def list_exports(
    _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[ExportOut]:
    """All exports, the newest first."""
    return await queries.list_exports(read, cursor=cursor, limit=limit)


@routes.get("/exports/{export_id}")
async def read_export(export_id: UUID, _: CatalogueOperator, read: Reading) -> ExportOut:
    return await _read(read, export_id)


@routes.post("/exports/{export_id}/refuse", response_model=ExportOut)
async def refuse_export(
    export_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Refuse what another operator asked for."""
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    await exporting.refuse_export(work, export_id, operator=caller.subject, reason=body.reason, now=utc_now())
    decided = await _read(work, export_id)
    return await call.keep(work, status=200, body=decided.model_dump_json().encode())


def router(sealer: CardSealer, keyring: Keyring) -> APIRouter:
    """The paths that make and open a file."""
    routes = APIRouter(prefix="/v1/ops/exports/{export_id}", tags=["cards"])

    @routes.post("/approve", response_model=ExportOut)
    async def approve_export(
        export_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, work: Work, call: Idempotent
    ) -> Response:
        """Approve what another operator asked for. The file is made now and kept sealed for a day."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        await exporting.approve_export(
            work,
            export_id,
            operator=caller.subject,
            reason=body.reason,
            sealer=sealer,
            keyring=keyring,
            now=utc_now(),
        )
        decided = await _read(work, export_id)
        return await call.keep(work, status=200, body=decided.model_dump_json().encode())

    @routes.post("/download", response_class=Response, responses=_FILE)
    async def download_export(
        export_id: UUID, body: BatchReasonIn, caller: CatalogueOperator, request: Request
    ) -> Response:
        """The file, for the operator who asked for it. Every time is audited; it takes no Idempotency-Key."""
        async with request.app.state.database.begin() as work:
            file = await exporting.download_export(
                work, export_id, operator=caller.subject, reason=body.reason, keyring=keyring, now=utc_now()
            )
        return Response(file, media_type="text/csv", headers=_NO_STORE)

    return routes


async def _read(read: UnitOfWork, export_id: UUID) -> ExportOut:
    export = await queries.find_export(read, export_id)
    if export is None:
        raise ExportUnknownError(f"there is no export {export_id}")
    return export
