"""What a basket costs now, and why."""

from fastapi import APIRouter

from services.order.api.baskets import check_basket, refuse_unoffered, wanted_lines
from services.order.api.desk import OrderDesk
from services.order.domain.pricing import Adjustment, Quote, Tier, check_gates, price
from services.order.queries.tiers import tier_of
from services.order.schemas.checkout import AdjustmentOut, QuoteIn, QuoteLineOut, QuoteOut
from shared.clock import utc_now
from shared.http import Caller

router = APIRouter(tags=["orders"])


@router.post("/v1/quotes")
async def quote(body: QuoteIn, caller: Caller, desk: OrderDesk) -> QuoteOut:
    """What a basket costs now, and why. Nothing is held."""
    refuse_unoffered(body)
    wanted = wanted_lines(body)
    await check_basket(desk, wanted)
    tier: Tier | None = None
    if caller.member_id is not None:
        async with desk.database.read() as uow:
            tier = await tier_of(uow, caller.member_id)
    check_gates(desk.catalogue.offers, wanted, tier=tier, now=utc_now())
    return _quote_out(price(desk.catalogue.offers, wanted, tier=tier))


def _quote_out(quoted: Quote) -> QuoteOut:
    return QuoteOut(
        currency=quoted.currency,
        list_minor=quoted.list_minor,
        total_minor=quoted.total_minor,
        lines=[
            QuoteLineOut(
                sku_id=line.offer.sku_id,
                name=line.offer.name,
                quantity=line.quantity,
                unit_minor=line.offer.price_minor,
                list_minor=line.list_minor,
                total_minor=line.total_minor,
                period=line.offer.period,
                adjustments=[_adjustment(step) for step in line.adjustments],
            )
            for line in quoted.lines
        ],
        adjustments=[_adjustment(step) for step in quoted.adjustments],
    )


def _adjustment(step: Adjustment) -> AdjustmentOut:
    return AdjustmentOut(kind=step.kind, label=step.label, amount_minor=step.amount_minor, rule=step.rule)
