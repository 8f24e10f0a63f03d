"""Operators see how suppliers fare, and keep orders from one by hand."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.inventory.api.callers import CatalogueOperator
from services.inventory.domain.supply import SupplierUnknownError
from services.inventory.queries import health as health_queries
from services.inventory.schemas import CircuitIn, SupplierHealthOut
from services.inventory.usecases import health
from shared.clock import utc_now
from shared.http import Idempotent, Reading, Work

routes = APIRouter(prefix="/v1/ops/suppliers/{supplier_id}", tags=["suppliers"])


@routes.get("/health")
async def read_health(supplier_id: UUID, _: CatalogueOperator, read: Reading) -> SupplierHealthOut:
    """A supplier's last minute, and whether orders are kept from it."""
    found = await health_queries.read_health(read, supplier_id, now=utc_now())
    if found is None:
        raise SupplierUnknownError(f"there is no supplier {supplier_id}")
    return found


@routes.post("/circuit", status_code=204)
async def set_circuit(
    supplier_id: UUID, body: CircuitIn, _: CatalogueOperator, work: Work, call: Idempotent
) -> Response:
    """Open the circuit: new orders go to other suppliers until somebody closes it. Orders under way are asked about."""
    stored = await call.once(work)
    if stored is None:
        await health.set_circuit(work, supplier_id, closed=body.closed, reason=body.reason, now=utc_now())
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)
