"""Operators look into the ledger and have it verified."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.settlement.api.callers import FinanceOperator
from services.settlement.domain.accounts import AccountKind
from services.settlement.queries.ledger import accounts, journals_of_order
from services.settlement.queries.verify import verify_ledger
from services.settlement.schemas.ledger import AccountPage, JournalsOut, LedgerVerification
from shared.http import DEFAULT_PAGE, Cursor, PageSize, Reading, Work


def router() -> APIRouter:
    """The ledger."""
    routes = APIRouter()

    @routes.get("/v1/ops/ledger/verify")
    async def verify(_: FinanceOperator, request: Request) -> LedgerVerification:
        """Read all that is sealed again, and name the first entry that is not what it was."""
        return await verify_ledger(request.app.state.database)

    @routes.get("/v1/ops/ledger/accounts")
    async def list_accounts(
        _: FinanceOperator,
        work: Work,
        kind: AccountKind | None = None,
        owner: Annotated[str | None, Query(max_length=60, pattern="^[A-Za-z0-9_.-]+$")] = None,
        cursor: Cursor = None,
        limit: PageSize = DEFAULT_PAGE,
    ) -> AccountPage:
        """Accounts with their balances, up to the last committed posting."""
        return await accounts(work, kind=kind, owner=owner, cursor=cursor, limit=limit)

    @routes.get("/v1/ops/ledger/journals")
    async def list_journals(_: FinanceOperator, work: Reading, order_id: UUID) -> JournalsOut:
        """Everything that one order did to the ledger."""
        return await journals_of_order(work, order_id)

    return routes
