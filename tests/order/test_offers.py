"""What inventory announces of products, and what order makes of it at checkout."""

from datetime import timedelta

from shared.clock import new_id, utc_now
from tests.order.shop import Shop, offer, product


async def test_the_clock_opens_and_closes_the_shelf_whatever_was_announced(shop: Shop) -> None:
    now, hour = utc_now(), timedelta(hours=1)
    early, late, open_now = offer(), offer(), offer()
    await shop.hear(
        product(early, on_shelf=True, listed=True, on_shelf_from=now + hour),
        product(late, on_shelf=True, listed=True, on_shelf_until=now - hour),
        product(open_now, on_shelf=False, listed=True, on_shelf_from=now - hour, on_shelf_until=now + hour),
    )
    await shop.desk.catalogue.refresh()
    answers = [await shop.orders((sold, 1), member=new_id()) for sold in (early, late, open_now)]
    assert [answer.status_code for answer in answers] == [409, 409, 201]
    assert answers[0].json()["code"] == "sku.off_shelf"
