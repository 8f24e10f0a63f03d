"""Operators import cards, of which few enough come at once that the answer can be waited for."""

import asyncio
from collections.abc import Collection, Iterator
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.api.uploads import BODY_SCHEMA, CostMinor, Separator, read_rows
from services.inventory.domain.importing import read_lines, report
from services.inventory.queries import batches
from services.inventory.schemas import BatchOut, BatchResultOut
from services.inventory.usecases.canaries import report_touched
from services.inventory.usecases.importing import CardSealer, SealedImport, find_link_hosts, import_cards
from shared.clock import utc_now
from shared.http import Cursor, Idempotent, Page, PageSize, Reading

BATCHES_PER_PAGE = 10


def router(sealer: CardSealer) -> APIRouter:
    """Paths of card batches."""
    routes = APIRouter(prefix="/v1/ops/skus/{sku_id}/batches", tags=["cards"])

    @routes.post("", status_code=201, response_model=BatchResultOut, openapi_extra=BODY_SCHEMA)
    async def import_batch(
        sku_id: UUID,
        request: Request,
        caller: CatalogueOperator,
        call: Idempotent,
        accept_valid: bool = False,  # noqa: FBT001, FBT002  # a query parameter
        cost_minor: CostMinor = None,
        separator: Separator = None,
    ) -> Response:
        """Import cards. Broken lines are reported and nothing is changed, unless `accept_valid` takes the good ones."""
        rows, told_cost_minor = await read_rows(request, separator=separator)
        async with request.app.state.database.read() as read:
            hosts = await find_link_hosts(read, sku_id)
        sealed = await asyncio.to_thread(_seal, sealer, rows, sku_id, hosts)
        cost = cost_minor if cost_minor is not None else told_cost_minor
        async with request.app.state.database.begin() as watch:  # apart: a refused import is reported too
            indexes = [line.card.code_index for line in sealed.lines]
            await report_touched(watch, indexes, place="import", subject=caller.subject, now=utc_now())
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
        return await batches.list_batches(read, sku_id, cursor=cursor, limit=limit)

    return routes


def _seal(
    sealer: CardSealer, rows: Iterator[tuple[int, object]], sku_id: UUID, link_hosts: Collection[str] | None
) -> SealedImport:
    good, broken = read_lines(rows, now=utc_now(), link_hosts=link_hosts)
    return sealer.seal_all(good, sku_id=sku_id, broken=broken)
