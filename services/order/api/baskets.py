"""What quotes and checkouts have in common: a basket, and whether it can be had at all."""

from services.order.api.desk import Desk
from services.order.domain.pricing import SkuUnknownError, WantedLine, check_lines
from services.order.schemas.checkout import QuoteIn
from shared.clock import utc_now
from shared.http import Problem


def wanted_lines(body: QuoteIn) -> list[WantedLine]:
    return [WantedLine(line.sku_id, line.quantity, tuple(line.choices), line.accept_substitutes) for line in body.lines]


def refuse_unoffered(body: QuoteIn) -> None:
    """What would change the price and is not offered must not be taken silently."""
    if body.coupon_id is not None:
        raise Problem(400, "coupon.unknown", "There is no such coupon")
    if body.points:
        raise Problem(400, "points.not_accepted", "Points are not taken in payment")


async def check_basket(desk: Desk, wanted: list[WantedLine]) -> None:
    """Look at the tables once more before saying that a SKU is not known: it may be new."""
    try:
        check_lines(desk.catalogue.offers, wanted, now=utc_now())
    except SkuUnknownError:
        await desk.catalogue.refresh()
        check_lines(desk.catalogue.offers, wanted, now=utc_now())
