"""One purchase as the order service lives it, its neighbours played by the test."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from services.order.domain.orders import UnknownComponentError
from services.order.usecases.changes import OrderNotFoundError
from shared.clock import new_id, utc_now
from shared.contracts import (
    ContractPublishedV1,
    InventoryReserveV1,
    MemberTierChangedV1,
    OrderCompletedV1,
    OrderCreatedV1,
    OrderFulfilledV1,
    OrderPaidV1,
    OrderRefundRequestedV1,
)
from shared.contracts.order import RefundReason
from shared.contracts.settlement import ContractShare, PartyKind
from tests.order.facts import components, denied, issued, rejected, released, split, statuses
from tests.order.shop import Shop, bundle, offer, product


async def test_a_member_buys_a_bundle(shop: Shop) -> None:
    member = new_id()
    sold = bundle(1, 1, 1, price_minor=1000)
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    assert order["status"] == "paid"
    assert [part["amount_minor"] for part in components(order)] == [334, 333, 333]
    await shop.hear(issued(order, components(order)[0]))
    assert (await shop.order(order["order_id"], member=member))["status"] == "fulfilling"
    await shop.hear(*[issued(order, part) for part in components(order)[1:]])
    assert (await shop.order(order["order_id"], member=member))["status"] == "fulfilled"
    await shop.hear(*[split(order, part) for part in components(order)])
    done = await shop.order(order["order_id"], member=member)
    assert done["status"] == "completed"
    assert statuses(done) == ["settled"] * 3
    assert all(part["masked"] == ["****1234"] for part in components(done))
    assert [type(event) for event in await shop.announced()] == [
        OrderCreatedV1,
        OrderPaidV1,
        InventoryReserveV1,
        OrderFulfilledV1,
        OrderCompletedV1,
    ]


async def test_a_guest_buys_with_the_token_of_the_order(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    placed = (await shop.orders((sold, 2))).json()
    assert placed["access_token"].startswith("g1.")
    assert datetime.fromisoformat(placed["pay_before"]) > utc_now()
    seen = await shop.order(placed["order_id"], member=None)
    assert (seen["status"], seen["total_minor"]) == ("pending_payment", 2000)
    assert "guest@example.org" not in str(seen)
    assert not any("guest@example.org" in event.model_dump_json() for event in await shop.announced())


async def test_settlement_may_be_heard_before_the_issue(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    (part,) = components(order)
    await shop.hear(split(order, part))
    assert (await shop.order(order["order_id"], member=None))["status"] == "paid"
    await shop.hear(issued(order, part))
    assert (await shop.order(order["order_id"], member=None))["status"] == "completed"
    assert len(await shop.announced(OrderFulfilledV1)) == len(await shop.announced(OrderCompletedV1)) == 1


async def test_a_fact_told_again_changes_and_announces_nothing(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    (part,) = components(order)
    await shop.hear(issued(order, part), issued(order, part), split(order, part), split(order, part))
    before = await shop.order(order["order_id"], member=None)
    await shop.hear(issued(order, part), split(order, part))
    assert await shop.order(order["order_id"], member=None) == before
    assert len(await shop.announced(OrderFulfilledV1)) == len(await shop.announced(OrderCompletedV1)) == 1


async def test_hundreds_of_facts_are_taken_in_few_statements(shop: Shop) -> None:
    """A query per row is a defect: the number of statements must not grow with the number of facts."""
    sold = bundle(1, 2)
    await shop.sells(sold)
    orders = [await shop.paid_order((sold, 1)) for _ in range(20)]

    async def statements(count: int, start: int) -> int:
        facts = [issued(order, part) for order in orders[start : start + count] for part in components(order)]
        async with shop.database.begin() as uow:
            seen: list[str] = []
            uow.raw.add_query_logger(lambda record: seen.append(record.query))
            await shop.handle(uow, facts)
            await uow.flush()
            return len(seen)

    assert await statements(1, 0) == await statements(19, 1) <= 3


async def test_a_fact_about_an_unknown_order_or_component_is_refused(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    (part,) = components(order)
    with pytest.raises(OrderNotFoundError):
        await shop.hear(split({**order, "order_id": str(new_id())}, part))
    with pytest.raises(UnknownComponentError):
        await shop.hear(split(order, {**part, "component_id": str(new_id())}))


async def test_what_cannot_be_had_goes_back_by_itself(shop: Shop) -> None:
    sold = bundle(1, 1)
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    first, second = components(order)
    await shop.hear(issued(order, first))
    await shop.hear(rejected(order, second))
    seen = await shop.order(order["order_id"], member=None)
    assert (seen["status"], statuses(seen)) == ("refunding", ["issued", "revoking"])
    assert components(seen)[1]["reason"] == "out_of_stock"
    (asked,) = await shop.announced(OrderRefundRequestedV1)
    assert (asked.reason, [str(each.component_id) for each in asked.components]) == (
        RefundReason.NOT_FULFILLED,
        [second["component_id"]],
    )
    await shop.hear(rejected(order, second))
    assert len(await shop.announced(OrderRefundRequestedV1)) == 1
    assert len(await shop.announced(OrderFulfilledV1)) == 1


async def test_a_flagged_order_waits_for_risk(shop: Shop) -> None:
    sold = bundle(1, 1)
    await shop.sells(sold)
    shop.risk.decision = "review"
    order = await shop.paid_order((sold, 1))
    assert (order["status"], statuses(order)) == ("held", ["pending"] * 2)
    assert await shop.announced(InventoryReserveV1) == []
    assert [event.held for event in await shop.announced(OrderPaidV1)] == [True]
    await shop.hear(released(order), released(order))
    seen = await shop.order(order["order_id"], member=None)
    assert (seen["status"], statuses(seen)) == ("paid", ["reserving"] * 2)
    (command,) = await shop.announced(InventoryReserveV1)
    assert len(command.components) == 2


async def test_a_denied_order_goes_back_whole(shop: Shop) -> None:
    sold = bundle(1, 1)
    await shop.sells(sold)
    shop.risk.decision = "challenge"
    order = await shop.paid_order((sold, 1))
    await shop.hear(denied(order))
    await shop.hear(denied(order), released(order))
    seen = await shop.order(order["order_id"], member=None)
    assert (seen["status"], statuses(seen)) == ("refunding", ["revoking"] * 2)
    (asked,) = await shop.announced(OrderRefundRequestedV1)
    assert (asked.reason, len(asked.components)) == (RefundReason.RISK_DENIED, 2)
    assert await shop.announced(InventoryReserveV1) == []


async def test_a_free_order_is_paid_at_once(shop: Shop) -> None:
    gift = offer(price_minor=0)
    await shop.sells(gift)
    placed = (await shop.orders((gift, 1), member=new_id())).json()
    assert (placed["status"], placed["total_minor"]) == ("paid", 0)
    assert [type(event) for event in await shop.announced()] == [OrderCreatedV1, OrderPaidV1, InventoryReserveV1]
    shop.risk.decision = "review"
    held = (await shop.orders((gift, 1), member=new_id())).json()
    assert held["status"] == "held"


async def test_the_contract_in_force_is_locked_with_the_order(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    now = utc_now()
    contract_id = new_id()

    def published(version: int, effective_from: datetime) -> ContractPublishedV1:
        return ContractPublishedV1(
            sku_id=sold.sku_id,
            contract_id=contract_id,
            version=version,
            hash=f"{version:064x}",
            effective_from=effective_from,
            shares=(ContractShare(party_kind=PartyKind.PLATFORM, remainder=True),),
        )

    await shop.orders((sold, 1))
    await shop.hear(published(2, now - timedelta(days=1)), published(1, now - timedelta(days=2)))
    await shop.hear(published(3, now + timedelta(days=1)))
    await shop.desk.catalogue.refresh()
    await shop.orders((sold, 1))
    locked = [event.lines[0].components[0] for event in await shop.announced(OrderCreatedV1)]
    assert [(part.contract_id, part.contract_version, part.contract_hash) for part in locked] == [
        (None, 0, None),
        (contract_id, 2, f"{2:064x}"),
    ]


async def test_an_older_product_or_tier_is_ignored(shop: Shop) -> None:
    sold, member, product_id = offer(price_minor=1000), new_id(), new_id()
    dearer = sold.model_copy(update={"price_minor": 2000})

    def tier(sequence: int, price_bp: int) -> MemberTierChangedV1:
        return MemberTierChangedV1(
            member_id=member, sequence=sequence, tier=f"t{sequence}", price_bp=price_bp, changed_at=utc_now()
        )

    await shop.hear(product(dearer, product_id=product_id, version=3), product(sold, product_id=product_id, version=2))
    await shop.hear(tier(2, 9000), tier(1, 5000))
    placed = (await shop.orders((sold, 1), member=member)).json()
    assert placed["total_minor"] == 1800
    assert placed["adjustments"] == [
        {"kind": "tier", "label": "t2 会员价 9 折", "amount_minor": 200, "rule": "tier:t2:9000"}
    ]


async def test_a_replica_sells_what_the_other_has_heard_of(shop: Shop, replica: Shop) -> None:
    sold = offer()
    await shop.hear(product(sold))
    assert (await replica.orders((sold, 1))).status_code == 201


async def test_an_order_is_its_owner_s_alone(shop: Shop) -> None:
    sold, owner = offer(), new_id()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=owner)
    order_id = order["order_id"]
    foreign = [
        shop.headers(new_id()),
        shop.headers(None, order_id=new_id()),
        shop.headers(None, order_id=UUID(order_id)),
    ]
    for headers in foreign:
        for method, path, body in (
            ("GET", "", None),
            ("GET", "/stream", None),
            ("POST", "/payments", {"provider": "sandbox"}),
            ("POST", "/refunds", {}),
        ):
            answer = await shop.http.request(method, f"/v1/orders/{order_id}{path}", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, "order.not_found"), (method, path)
    assert await shop.order(order_id, member=owner) == order


async def test_a_member_lists_the_orders_page_by_page(shop: Shop) -> None:
    sold, member = offer(), new_id()
    await shop.sells(sold)
    made = [(await shop.orders((sold, 1), member=member)).json()["order_id"] for _ in range(5)]
    await shop.orders((sold, 1), member=new_id())
    seen, cursor = [], None
    for _ in range(3):
        parameters = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await shop.http.get("/v1/orders", params=parameters, headers=shop.headers(member))).json()
        seen += [order["order_id"] for order in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, cursor) == (made[::-1], None)
