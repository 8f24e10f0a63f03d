"""Operators hand in large files of cards, look at them before, and watch how they are taken in."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.api.uploads import BODY_SCHEMA, CostMinor, Separator, read_rows
from services.inventory.domain.importing import ImportUnknownError
from services.inventory.queries import imports
from services.inventory.schemas import BrokenLineOut, ImportOut, PreviewOut, ShownLineOut
from services.inventory.usecases.canaries import report_touched
from services.inventory.usecases.file_imports import Preview, preview, receive
from services.inventory.usecases.importing import CardSealer
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import UnitOfWork
from shared.http import Cursor, Idempotent, Page, PageSize, Reading

IMPORTS_PER_PAGE = 20

DryRun = Annotated[bool, Query(description="read the file and change nothing: the answer is 200 with a preview")]
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": PreviewOut, "description": "What importing the file would come to (`dry_run`)"}
}


def router(sealer: CardSealer, keyring: Keyring) -> APIRouter:
    """Paths of file imports."""
    routes = APIRouter(prefix="/v1/ops/skus/{sku_id}/imports", tags=["cards"])

    @routes.post("", status_code=202, response_model=ImportOut, responses=_ANSWERS, openapi_extra=BODY_SCHEMA)
    async def import_file(
        sku_id: UUID,
        request: Request,
        caller: CatalogueOperator,
        call: Idempotent,
        dry_run: DryRun = False,  # noqa: FBT002  # a query parameter
        accept_valid: bool = False,  # noqa: FBT001, FBT002  # a query parameter
        cost_minor: CostMinor = None,
        separator: Separator = None,
    ) -> Response:
        """Hand in a file. It is kept sealed when this answers; ask for its import to see it go to the shelf."""
        rows, told_cost_minor = await read_rows(request, separator=separator)
        if dry_run:
            async with request.app.state.database.read() as read:
                seen = await preview(read, rows, sku_id=sku_id, sealer=sealer, now=utc_now())
            async with request.app.state.database.begin() as work:
                await report_touched(work, seen.known, place="import", subject=caller.subject, now=utc_now())
            return Response(_preview(seen).model_dump_json(), media_type="application/json")
        async with request.app.state.database.begin() as work:
            stored = await call.once(work)
            if stored is not None:
                return stored.response()
            file = await receive(
                work,
                rows,
                sku_id=sku_id,
                cost_minor=cost_minor if cost_minor is not None else told_cost_minor,
                accept_valid=accept_valid,
                imported_by=caller.subject,
                sealer=sealer,
                keyring=keyring,
                now=utc_now(),
            )
            begun = await _find(work, file.import_id, sku_id=sku_id)
            return await call.keep(work, status=202, body=begun.model_dump_json().encode())

    @routes.get("")
    async def list_imports(
        sku_id: UUID, _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = IMPORTS_PER_PAGE
    ) -> Page[ImportOut]:
        """Files that were handed in for this SKU, the newest first."""
        return await imports.list_imports(read, sku_id, cursor=cursor, limit=limit)

    @routes.get("/{import_id}")
    async def read_import(sku_id: UUID, import_id: UUID, _: CatalogueOperator, read: Reading) -> ImportOut:
        """How far the import is, and which lines it refuses and why."""
        return await _find(read, import_id, sku_id=sku_id)

    return routes


async def _find(read: UnitOfWork, import_id: UUID, *, sku_id: UUID) -> ImportOut:
    found = await imports.find_import(read, import_id, sku_id=sku_id)
    if found is None:
        raise ImportUnknownError(f"there is no import {import_id} of this SKU")
    return found


def _preview(seen: Preview) -> PreviewOut:
    return PreviewOut(
        received=seen.received,
        valid=seen.valid,
        refused=seen.received - seen.valid,
        reasons=seen.reasons,
        lines=[BrokenLineOut(line=entry.line, reason=entry.fault.value) for entry in seen.broken],
        first=[ShownLineOut(**asdict(line)) for line in seen.first],
    )
