"""Concurrent requests of one kind, joined into shared statements."""

from collections.abc import Sequence
from uuid import UUID

from services.order.api.desk import HotPaths, Json
from services.order.domain.checkouts import ClaimWanted
from services.order.domain.payments import PayableOrder, PaymentOutcome, PaymentWanted
from services.order.queries.orders import read_orders
from services.order.usecases.checkout import (
    Claimed,
    Done,
    Placement,
    claim_checkouts,
    place_orders,
    release_checkouts,
)
from services.order.usecases.payments import Reported, open_payments, settle_reports
from shared.clock import utc_now
from shared.database import Coalescer, Database

LOOKING_LANES = 2
"""Looks do not wait for each other's locks; two at a time keep one slow page from holding up the rest."""


def hot_paths(database: Database) -> HotPaths:
    """Claims, openings and placements are one statement each and need no transaction around it; reports lock first."""

    async def claim(wanted: Sequence[ClaimWanted]) -> Sequence[Claimed | Done | Exception]:
        async with database.read() as uow:
            return await claim_checkouts(uow, wanted, now=utc_now())

    async def release(claims: Sequence[tuple[str, str, UUID]]) -> Sequence[None]:
        async with database.read() as uow:
            await release_checkouts(uow, claims)
        return [None] * len(claims)

    async def place(placements: Sequence[Placement]) -> Sequence[None]:
        async with database.read() as uow:
            return await place_orders(uow, placements)

    async def open_them(wanted: Sequence[PaymentWanted]) -> Sequence[PayableOrder | Exception]:
        async with database.read() as uow:
            return await open_payments(uow, wanted, now=utc_now())

    async def settle(reports: Sequence[Reported]) -> Sequence[PaymentOutcome | Exception]:
        async with database.begin() as uow:
            return await settle_reports(uow, reports, now=utc_now())

    async def look(order_ids: Sequence[UUID]) -> Sequence[Json | None]:
        async with database.read() as uow:
            orders = await read_orders(uow, set(order_ids))
        return [orders.get(order_id) for order_id in order_ids]

    return HotPaths(
        claims=Coalescer(claim),
        releases=Coalescer(release),
        placements=Coalescer(place),
        payments=Coalescer(open_them),
        reports=Coalescer(settle),
        looks=Coalescer(look, lanes=LOOKING_LANES),
    )
