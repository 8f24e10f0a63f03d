"""Operators import cards, as JSON, text, CSV or an uploaded file."""

import asyncio
from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.datastructures import UploadFile

from services.inventory.api.bodies import parse_body
from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.importing import (
    ImportUnreadableError,
    decode_text,
    read_lines,
    report,
    rows_of_csv,
    rows_of_list,
    rows_of_text,
)
from services.inventory.queries import operations
from services.inventory.schemas import PRICE_MINOR_MAX, BatchIn, BatchOut, BatchResultOut
from services.inventory.usecases.importing import CardSealer, SealedImport, import_cards
from shared.clock import utc_now
from shared.http import Cursor, Idempotent, Page, PageSize, Problem, Reading

BODY_BYTES_MAX = 64 * 1024 * 1024
"""200,000 cards with password, serial and expiry fit in this."""

BATCHES_PER_PAGE = 10
FILE_FIELD = "file"

_BODY_SCHEMA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": BatchIn.model_json_schema()},
            "text/csv": {
                "schema": {"type": "string", "example": "code,password,serial,expires_at\nAB12-CD34,,S1,2027-12-31"}
            },
            "text/plain": {"schema": {"type": "string", "example": "AB12-CD34----9876"}},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {FILE_FIELD: {"type": "string", "format": "binary"}}}
            },
        },
    }
}

CostMinor = Annotated[int | None, Query(ge=0, le=PRICE_MINOR_MAX)]


def router(sealer: CardSealer) -> APIRouter:
    """Paths of card batches."""
    routes = APIRouter(prefix="/v1/ops/skus/{sku_id}/batches", tags=["cards"])

    @routes.post("", status_code=201, response_model=BatchResultOut, openapi_extra=_BODY_SCHEMA)
    async def import_batch(
        sku_id: UUID,
        request: Request,
        caller: CatalogueOperator,
        call: Idempotent,
        accept_valid: bool = False,  # noqa: FBT001, FBT002  # a query parameter
        cost_minor: CostMinor = None,
    ) -> Response:
        """Import cards. Broken lines are reported and nothing is changed, unless `accept_valid` takes the good ones."""
        rows, told_cost_minor = await _read_rows(request)
        sealed = await asyncio.to_thread(_seal, sealer, rows, sku_id)
        cost = cost_minor if cost_minor is not None else told_cost_minor
        async with request.app.state.database.begin() as work:
            stored = await call.once(work)
            if stored is not None:
                return stored.response()
            result = await import_cards(
                work,
                sealed,
                cost_minor=cost,
                accept_valid=accept_valid,
                imported_by=caller.subject,
                now=utc_now(),
            )
            answer = {"batch_id": result.batch_id, "accepted": result.accepted, **report(result.broken)}
            return await call.keep(work, status=201, body=orjson.dumps(answer, default=str))

    @routes.get("")
    async def list_batches(
        sku_id: UUID, _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = BATCHES_PER_PAGE
    ) -> Page[BatchOut]:
        """Imports with what became of their cards, the newest first."""
        return await operations.list_batches(read, sku_id, cursor=cursor, limit=limit)

    return routes


def _seal(sealer: CardSealer, rows: Iterator[tuple[int, object]], sku_id: UUID) -> SealedImport:
    good, broken = read_lines(rows, now=utc_now())
    return sealer.seal_all(good, sku_id=sku_id, broken=broken)


async def _read_rows(request: Request) -> tuple[Iterator[tuple[int, object]], int]:
    """The lines of the body, by its media type, and the cost of a card where the body tells it."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        body = parse_body(BatchIn, await request.body())
        return rows_of_list(body.codes), body.cost_minor
    if media_type == "text/csv":
        return rows_of_csv(decode_text(await request.body())), 0
    if media_type == "text/plain":
        return rows_of_text(decode_text(await request.body())), 0
    if media_type == "multipart/form-data":
        return await _read_upload(request), 0
    raise Problem(415, "body.media_type", "Cards come as application/json, text/csv, text/plain or multipart/form-data")


async def _read_upload(request: Request) -> Iterator[tuple[int, object]]:
    async with request.form(max_files=1, max_fields=5) as form:
        file = form.get(FILE_FIELD)
        if not isinstance(file, UploadFile):
            raise ImportUnreadableError(f"the form has no file {FILE_FIELD!r}")
        text = decode_text(await file.read())
        is_table = (file.filename or "").lower().endswith(".csv") or file.content_type == "text/csv"
    return rows_of_csv(text) if is_table else rows_of_text(text)
