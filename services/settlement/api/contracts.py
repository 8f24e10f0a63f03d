"""Operators publish split contracts, version by version."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.settlement.api.callers import FinanceOperator
from services.settlement.queries.contracts import contract_version, contracts
from services.settlement.schemas.contracts import ContractIn, ContractOut, ContractPage
from services.settlement.usecases.contracts import publish_contract
from shared.clock import utc_now
from shared.http import DEFAULT_PAGE, Cursor, Idempotent, PageSize, Reading, Work


def router() -> APIRouter:
    """Split contracts."""
    routes = APIRouter()

    @routes.post("/v1/ops/split-contracts", status_code=201, response_model=ContractOut)
    async def publish(body: ContractIn, caller: FinanceOperator, work: Work, call: Idempotent) -> Response:
        """Publish the SKU's next version. Orders made before keep the version they locked."""
        if stored := await call.once(work):
            return stored.response()
        contract = await publish_contract(
            work,
            sku_id=body.sku_id,
            shares=[share.to_share() for share in body.shares],
            effective_from=body.effective_from,
            published_by=caller.operator_id,
            now=utc_now(),
        )
        answer = await contract_version(work, contract_id=contract.contract_id, version=contract.version)
        return await call.keep(work, status=201, body=answer.model_dump_json().encode())

    @routes.get("/v1/ops/split-contracts")
    async def list_contracts(
        _: FinanceOperator,
        work: Reading,
        sku_id: UUID | None = None,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> ContractPage:
        return await contracts(work, sku_id=sku_id, cursor=cursor, limit=limit)

    @routes.get("/v1/ops/split-contracts/{contract_id}/versions/{version}")
    async def get_version(contract_id: UUID, version: int, _: FinanceOperator, work: Reading) -> ContractOut:
        return await contract_version(work, contract_id=contract_id, version=version)

    return routes
