"""After-sale: opened on what is one's own, settled by rule where that is clear, decided once, rated once."""

import asyncio
from collections import Counter
from datetime import timedelta

from services.order.domain.tickets import (
    AUTOMATIC_MAX,
)
from shared.clock import new_id
from shared.contracts import OrderRefundRequestedV1
from shared.http import Identity, Role
from tests.order.after_sale import PNG, Buyer, buyer_of, decides, operator, settle
from tests.order.shop import Shop, offer


async def test_what_nobody_has_seen_is_refunded_at_once(shop: Shop) -> None:
    buyer = await buyer_of(shop, member=new_id())
    ticket_id = await buyer.ticket()
    await settle(shop)
    seen = await buyer.sees(ticket_id)
    assert (seen["status"], seen["resolution"]) == ("resolved", "refund")
    (refund,) = await shop.announced(OrderRefundRequestedV1)
    assert (str(refund.refund_id), len(refund.components)) == (seen["refund_id"], 1)
    inbox = (await shop.http.get("/v1/me/messages", headers=shop.headers(buyer.member))).json()["items"]
    assert inbox[0]["occasion"] == "ticket_resolved"
    await settle(shop)
    assert len(await shop.announced(OrderRefundRequestedV1)) == 1


async def test_a_code_that_was_seen_waits_for_a_person_and_finance_pays_it_back(shop: Shop) -> None:
    shop.inventory.seen = True
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket()
    await settle(shop)
    assert (await buyer.sees(ticket_id))["status"] == "waiting_for_shop"
    refused = await decides(shop, ticket_id, "refund")
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.forbidden")
    assert await shop.announced(OrderRefundRequestedV1) == []
    assert (await decides(shop, ticket_id, "refund", scope="finance")).json()["resolution"] == "refund"
    assert len(await shop.announced(OrderRefundRequestedV1)) == 1


async def test_a_bad_card_is_replaced_by_inventorys_rule_or_by_a_person(shop: Shop) -> None:
    first, second = await buyer_of(shop), await buyer_of(shop)
    by_rule = await first.ticket("replacement")
    await settle(shop)
    assert (await first.sees(by_rule))["resolution"] == "replacement"
    shop.inventory.exchanges = False
    by_person = await second.ticket("replacement")
    await settle(shop)
    waiting = await second.sees(by_person)
    assert (waiting["status"], waiting["messages"][-1]["author"]) == ("waiting_for_shop", "system")
    assert (await decides(shop, by_person, "replacement")).json()["status"] == "replacing"
    await settle(shop)
    assert (await second.sees(by_person))["resolution"] == "replacement"
    assert shop.inventory.exchanged == [by_rule, by_person]


async def test_a_replacement_that_cannot_be_had_goes_back_to_the_shop(shop: Shop) -> None:
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket("replacement")
    shop.inventory.exchange_refused = "stock.insufficient"
    assert (await decides(shop, ticket_id, "replacement")).status_code == 200
    assert (await decides(shop, ticket_id, "refund", scope="finance")).json()["code"] == "ticket.decided"
    await settle(shop)
    seen = await buyer.sees(ticket_id)
    assert (seen["status"], "stock.insufficient" in seen["messages"][-1]["text"]) == ("waiting_for_shop", True)
    assert (await decides(shop, ticket_id, "refund", scope="finance")).json()["resolution"] == "refund"


async def test_nobody_decides_while_a_card_is_being_exchanged(shop: Shop) -> None:
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket("replacement")
    shop.inventory.exchange_gate = asyncio.Event()
    shop.inventory.asked.clear()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(settle(shop))
        await asyncio.wait_for(shop.inventory.asked.wait(), 10)
        early = await decides(shop, ticket_id, "refund", scope="finance")
        withdrawn = await buyer.does(ticket_id, "withdrawal")
        shop.inventory.exchange_gate.set()
    assert {early.json()["code"], withdrawn.json()["code"]} == {"ticket.decided"}
    assert (await buyer.sees(ticket_id))["resolution"] == "replacement"
    assert await shop.announced(OrderRefundRequestedV1) == []


async def test_inventory_silent_a_ticket_waits_and_then_a_person_looks(shop: Shop) -> None:
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket()
    shop.inventory.broken = True
    await settle(shop)
    assert (await buyer.sees(ticket_id))["status"] == "open"
    for hour in range(1, 10):
        await settle(shop, later=timedelta(hours=2 * hour))
    assert (await buyer.sees(ticket_id))["status"] == "waiting_for_shop"
    assert await shop.announced(OrderRefundRequestedV1) == []


async def test_automatic_answers_have_a_limit(shop: Shop) -> None:
    member = new_id()
    buyer = await buyer_of(shop, member=member, parts=AUTOMATIC_MAX + 1)
    tickets = [await buyer.ticket(part=part) for part in range(AUTOMATIC_MAX + 1)]
    await settle(shop)
    found = [(await buyer.sees(ticket_id))["status"] for ticket_id in tickets]
    assert found == ["resolved"] * AUTOMATIC_MAX + ["waiting_for_shop"]


async def test_one_ticket_at_a_time_about_a_component(shop: Shop, replica: Shop) -> None:
    buyer = await buyer_of(shop, member=new_id())
    other = Buyer(replica, buyer.order, buyer.member)
    answers = await asyncio.gather(*((buyer, other)[each % 2].opens("question", key=f"k{each}") for each in range(16)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"ticket.already_open"}
    (ticket_id,) = [answer.json()["ticket_id"] for answer in answers if answer.status_code == 201]
    assert (await buyer.does(ticket_id, "withdrawal")).json()["status"] == "closed"
    assert (await buyer.opens("question")).status_code == 201


async def test_refund_and_replacement_at_once_are_one_of_them(shop: Shop, replica: Shop) -> None:
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket("replacement")
    outcomes = ["refund", "replacement"] * 8
    answers = await asyncio.gather(
        *(
            decides((shop, replica)[place % 2], ticket_id, outcome, scope="finance")
            for place, outcome in enumerate(outcomes)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 15}
    await asyncio.gather(settle(shop), settle(replica))
    await settle(shop)
    seen = await buyer.sees(ticket_id)
    refunds = await shop.announced(OrderRefundRequestedV1)
    assert (len(refunds), len(shop.inventory.exchanged)) == ((1, 0) if seen["resolution"] == "refund" else (0, 1))


async def test_a_decision_asked_for_twice_is_one(shop: Shop) -> None:
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket("question")
    headers = operator(shop, "finance")
    path, body = f"/v1/ops/tickets/{ticket_id}/resolution", {"outcome": "refund", "reason": "好的"}
    first, again = [await shop.http.post(path, json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert len(await shop.announced(OrderRefundRequestedV1)) == 1


async def test_both_sides_write_and_deadlines_are_kept(shop: Shop) -> None:
    buyer = await buyer_of(shop, member=new_id())
    ticket_id = await buyer.ticket("question")
    await settle(shop, later=timedelta(hours=25))
    headers = operator(shop)
    late = (await shop.http.get("/v1/ops/tickets", headers=headers)).json()["items"]
    assert [(each["ticket_id"], each["escalated_at"] is not None) for each in late] == [(ticket_id, True)]
    assert (await shop.http.get("/v1/ops/tickets", params={"overdue": True}, headers=headers)).json()["items"] == []

    taken = await shop.http.post(f"/v1/ops/tickets/{ticket_id}/assignment", json={}, headers=headers)
    assert taken.status_code == 200
    mine = await shop.http.get("/v1/ops/tickets", params={"mine": True}, headers=headers)
    assert len(mine.json()["items"]) == 1
    answered = await shop.http.post(
        f"/v1/ops/tickets/{ticket_id}/messages", json={"text": "请提供截图"}, headers=operator(shop)
    )
    assert answered.json()["status"] == "waiting_for_buyer"
    assert (await buyer.does(ticket_id, "messages", {"text": "见附件"})).json()["status"] == "waiting_for_shop"
    assert [each["author"] for each in (await buyer.sees(ticket_id))["messages"]] == ["buyer", "shop", "buyer"]
    await shop.http.post(f"/v1/ops/tickets/{ticket_id}/messages", json={"text": "好的"}, headers=operator(shop))
    await settle(shop, later=timedelta(days=8))
    assert (await buyer.sees(ticket_id))["status"] == "closed"
    assert (await buyer.does(ticket_id, "messages", {"text": "还在吗"})).json()["code"] == "ticket.decided"


async def test_satisfaction_is_asked_once(shop: Shop) -> None:
    buyer = await buyer_of(shop)
    ticket_id = await buyer.ticket()
    early = await buyer.does(ticket_id, "rating", {"score": 5})
    assert (early.status_code, early.json()["code"]) == (409, "ticket.not_to_rate")
    await settle(shop)
    assert (await buyer.does(ticket_id, "rating", {"score": 6})).status_code == 422
    assert (await buyer.does(ticket_id, "rating", {"score": 4, "comment": "很快"})).json()["status"] == "closed"
    assert (await buyer.does(ticket_id, "rating", {"score": 1})).json()["code"] == "ticket.not_to_rate"
    detail = (await shop.http.get(f"/v1/ops/tickets/{ticket_id}", headers=operator(shop))).json()
    assert (detail["score"], detail["comment"]) == (4, "很快")
    figures = await shop.http.get("/internal/figures", headers=shop.signed(Identity(Role.SERVICE, "gateway")))
    assert figures.json()["tickets"] == {"active": 0, "overdue": 0, "satisfaction": 4.0, "ratings": 1}


async def test_tickets_of_others_and_what_is_not_there_are_refused(shop: Shop) -> None:
    buyer, stranger = await buyer_of(shop, member=new_id()), await buyer_of(shop)
    ticket_id = await buyer.ticket("question")
    intruder = Buyer(shop, buyer.order, new_id())
    for answer in (
        await intruder.opens(),
        await intruder.does(ticket_id, "messages", {"text": "x"}),
        await intruder.does(ticket_id, "withdrawal"),
        await intruder.does(ticket_id, "rating", {"score": 1}),
        await intruder.shows(ticket_id, PNG),
        await stranger.does(ticket_id, "messages", {"text": "x"}),
        await stranger.shows(ticket_id, PNG),
    ):
        assert answer.status_code == 404, answer.text
    assert len((await buyer.sees(ticket_id))["messages"]) == 1
    assert (await buyer.opens(component_id=str(new_id()))).json()["code"] == "component.unknown"
    assert (await buyer.opens(reason="odd")).status_code == 422
    assert (await buyer.opens(description="")).status_code == 422
    assert (await decides(shop, str(new_id()), "refused")).json()["code"] == "ticket.not_found"
    no_role = await shop.http.get("/v1/ops/tickets", headers=shop.operator_headers(scope="catalogue"))
    assert no_role.status_code == 403


async def test_a_ticket_is_about_what_was_delivered_lately(shop: Shop) -> None:
    sold = offer()
    await shop.sells(sold)
    waiting = Buyer(shop, await shop.paid_order((sold, 1)), None)
    assert (await waiting.opens()).json()["code"] == "ticket.not_allowed"
    old = await buyer_of(shop)
    async with shop.database.begin() as uow:
        await uow.raw.execute("UPDATE order_components SET issued_at = issued_at - interval '31 days'")
    assert (await old.opens()).json()["code"] == "ticket.not_allowed"
