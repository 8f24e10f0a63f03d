"""Operators look at what all partners honoured."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.inventory.api.partner import csv_response
from services.inventory.api.redemption_filter import Filter
from services.inventory.domain.redemption_files import redemption_file
from services.inventory.queries import redemptions
from services.inventory.schemas import ConflictOut, RedemptionOpsOut
from shared.http import DEFAULT_PAGE, Cursor, Identity, OperatorCaller, Page, PageSize, Problem, Reading

routes = APIRouter(prefix="/v1/ops/redemptions", tags=["redemptions"])


def _redemption_operator(caller: OperatorCaller) -> Identity:
    if not (caller.may("support") or caller.may("finance")):
        raise Problem(403, "auth.forbidden", "Not allowed", "needs the role support or finance")
    return caller


RedemptionOperator = Annotated[Identity, Depends(_redemption_operator)]
"""Support answers buyers and stores, finance reconciles with partners."""


@routes.get("")
async def list_all_redemptions(
    _: RedemptionOperator,
    wanted: Filter,
    read: Reading,
    partner_id: UUID | None = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[RedemptionOpsOut]:
    """What partners honoured, the newest first; what was undone is marked."""
    return await redemptions.list_redemptions(
        read, replace(wanted, partner_id=partner_id), RedemptionOpsOut, cursor=cursor, limit=limit
    )


@routes.get("/conflicts")
async def list_conflicts(
    _: RedemptionOperator,
    read: Reading,
    partner_id: UUID | None = None,
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[ConflictOut]:
    """Vouchers that stores accepted without a network and that could not be honoured, the newest first."""
    return await redemptions.list_conflicts(read, partner_id=partner_id, cursor=cursor, limit=limit)


@routes.get("/export", response_class=Response)
async def export_all_redemptions(
    _: RedemptionOperator, wanted: Filter, read: Reading, partner_id: UUID | None = None
) -> Response:
    """The same as a CSV file for Excel, the oldest first: at most 50,000 redemptions."""
    rows = await redemptions.find_for_file(read, replace(wanted, partner_id=partner_id))
    return csv_response(redemption_file(rows))
