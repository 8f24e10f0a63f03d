"""Operators keep suppliers, and decide what a supplier does not tell."""

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.supply import SupplierOffer, TaskState
from services.inventory.queries import operations
from services.inventory.schemas import (
    SupplierIn,
    SupplierOut,
    SupplierPatch,
    SupplierSkuIn,
    SupplierSkusIn,
    SupplierTaskOut,
    TaskResolutionIn,
)
from services.inventory.usecases import suppliers, supplying
from services.inventory.usecases.importing import CardSealer
from shared.clock import utc_now
from shared.crypto import Keyring, Secret
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, Page, PageSize, Reading, Work

_PREFIX = "/v1/ops/suppliers"

routes = APIRouter(prefix=_PREFIX, tags=["suppliers"])


def router(keyring: Keyring, sealer: CardSealer) -> APIRouter:
    """The paths that seal: a supplier's secret, codes that we make instead of what one does not deliver."""
    sealing = APIRouter(prefix=_PREFIX, tags=["suppliers"])

    @sealing.post("", status_code=201, response_model=dict[str, UUID])
    async def add_supplier(body: SupplierIn, _: CatalogueOperator, work: Work, call: Idempotent) -> Response:
        """Add a supplier, with what it supplies. Its secret is stored sealed and never shown again."""
        stored = await call.once(work)
        if stored is not None:
            return stored.response()
        supplier_id = await suppliers.add_supplier(
            work,
            name=body.name,
            base_url=body.base_url,
            merchant_id=body.merchant_id,
            secret=Secret(body.secret.get_secret_value()),
            wire=None if body.wire is None else body.wire.model_dump(mode="json"),
            offers=_offers(body.skus),
            keyring=keyring,
            now=utc_now(),
        )
        return await call.keep(work, status=201, body=f'{{"supplier_id":"{supplier_id}"}}'.encode())

    @sealing.patch("/{supplier_id}", status_code=204)
    async def change_supplier(
        supplier_id: UUID, body: SupplierPatch, _: CatalogueOperator, work: Work, call: Idempotent
    ) -> Response:
        """Move a supplier, stop and resume buying from it, change the secret or how it is spoken to."""
        stored = await call.once(work)
        if stored is None:
            await suppliers.change_supplier(
                work,
                supplier_id,
                base_url=body.base_url,
                active=body.active,
                secret=None if body.secret is None else Secret(body.secret.get_secret_value()),
                wire=None if body.wire is None else body.wire.model_dump(mode="json"),
                low_balance_minor=body.low_balance_minor,
                keyring=keyring,
                now=utc_now(),
            )
            await call.keep(work, status=204, body=b"")
        return Response(status_code=204)

    @sealing.post("/tasks/{task_id}/resolve", status_code=204)
    async def resolve_task(
        task_id: UUID, body: TaskResolutionIn, _: CatalogueOperator, work: Work, call: Idempotent
    ) -> Response:
        """Say what became of an order when the supplier does not: found out by telephone, by its bill."""
        stored = await call.once(work)
        if stored is None:
            delivered = body.outcome == "delivered"
            await supplying.resolve_task(work, task_id, delivered=delivered, sealer=sealer, now=utc_now())
            await call.keep(work, status=204, body=b"")
        return Response(status_code=204)

    return sealing


@routes.get("")
async def list_suppliers(
    _: CatalogueOperator, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[SupplierOut]:
    """Suppliers with their offers, the newest first."""
    return await operations.list_suppliers(read, cursor=cursor, limit=limit)


@routes.put("/{supplier_id}/skus", status_code=204)
async def map_skus(
    supplier_id: UUID, body: SupplierSkusIn, _: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Add or replace offers."""
    stored = await call.once(work)
    if stored is None:
        await suppliers.map_skus(work, supplier_id, _offers(body.skus))
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)


@routes.get("/tasks")
async def list_tasks(
    _: CatalogueOperator,
    read: Reading,
    state: TaskState = TaskState.UNKNOWN,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[SupplierTaskOut]:
    """Orders with suppliers that are in this state, the newest first."""
    return await operations.list_tasks(read, state=state, cursor=cursor, limit=limit)


def _offers(skus: Sequence[SupplierSkuIn]) -> list[SupplierOffer]:
    return [SupplierOffer(**sku.model_dump()) for sku in skus]
