"""The query parameters that choose redemptions."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from pydantic import AwareDatetime

from services.inventory.domain.redeeming import RedemptionChannel
from services.inventory.queries.redemptions import RedemptionFilter
from services.inventory.schemas.base import NAME_LENGTH_MAX

_Text = Annotated[str | None, Query(max_length=NAME_LENGTH_MAX)]
_Moment = Annotated[AwareDatetime | None, Query(examples=["2026-11-20T00:00:00+08:00"])]


def read_filter(  # one per query parameter
    *,
    store: _Text = None,
    terminal: _Text = None,
    cashier: _Text = None,
    channel: RedemptionChannel | None = None,
    order_id: UUID | None = None,
    sku_id: UUID | None = None,
    since: _Moment = None,
    until: _Moment = None,
    undone: bool | None = None,
) -> RedemptionFilter:
    """`since` is part of the period of redemption, `until` is not. `undone`: those alone, or all others."""
    return RedemptionFilter(
        store=store,
        terminal=terminal,
        cashier=cashier,
        channel=channel,
        order_id=order_id,
        sku_id=sku_id,
        since=since,
        until=until,
        undone=undone,
    )


Filter = Annotated[RedemptionFilter, Depends(read_filter)]
