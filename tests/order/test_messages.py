"""Buyers are told: in the inbox, by mail, text message and mini-program. A link, never a code; nobody waits for it."""

import asyncio
import re
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from services.order.domain.messages import ChannelName
from services.order.usecases import messages
from services.order.usecases.refunds import record_money_sent
from shared.clock import new_id, utc_now
from shared.contracts import EntitlementExpiringV1
from shared.http import Identity, Role
from tests.order.facts import components, issued, rejected, reversed_, revoked
from tests.order.mailroom import Json, Mailroom
from tests.order.shop import Shop, bundle, offer


async def fulfilled_order(shop: Shop, *, member: UUID | None = None) -> Json:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1), member=member)
    await shop.hear(issued(order, components(order)[0]))
    return order


async def deliveries(shop: Shop) -> list[tuple[str, str, int, str | None]]:
    async with shop.database.read() as uow:
        rows = await uow.raw.fetch("SELECT channel, status, tries, failure FROM message_deliveries ORDER BY channel")
    return [tuple(row) for row in rows]


async def test_a_guest_gets_a_link_that_opens_the_order(shop: Shop, mailroom: Mailroom) -> None:
    order = await fulfilled_order(shop)
    await mailroom.deliver(shop)
    (mail,) = await mailroom.taken()
    assert (mail["via"], mail["to"]) == ("email", "guest@example.org")
    assert order["order_no"] in mail["content"]["text"]
    assert "1234" not in re.sub(order["order_no"], "", mail["content"]["text"] + mail["content"]["html"])
    (token,) = set(re.findall(r"https://shop\.example/o#(KO1\.[\w-]+)", mail["content"]["text"]))
    opened = await shop.http.post("/v1/orders/links", json={"token": token}, headers=anonymous(shop))
    assert opened.status_code == 200, opened.text
    assert opened.json()["order_id"] == order["order_id"]
    assert opened.json()["access_token"].startswith("g1.")
    assert opened.headers["cache-control"] == "no-store"


async def test_a_link_that_was_changed_or_is_over_opens_nothing(shop: Shop, mailroom: Mailroom) -> None:
    await fulfilled_order(shop)
    past = mailroom.messenger(shop, clock=lambda: utc_now() - timedelta(days=3, seconds=1))
    await mailroom.messenger(shop).find_ways()
    async with shop.database.begin() as uow:
        await uow.raw.execute("UPDATE message_deliveries SET due_at = due_at - interval '4 days'")
    await past.send(ChannelName.EMAIL)
    (mail,) = await mailroom.taken()
    (over,) = set(re.findall(r"o#(KO1\.[\w-]+)", mail["content"]["text"]))
    for token in (over, over[:-1] + ("A" if over[-1] != "A" else "B"), "KO1.", "g1.abc.def", ""):
        answer = await shop.http.post("/v1/orders/links", json={"token": token}, headers=anonymous(shop))
        assert (answer.status_code, answer.json()["code"]) == (410, "order.link_invalid"), token


async def test_a_member_is_reached_everywhere_and_reads_it_in_the_inbox(shop: Shop, mailroom: Mailroom) -> None:
    member = new_id()
    openid = "o" + "x" * 27
    mailroom.contacts.known[str(member)] = {"phone": "+8613800138000", "email": "li@b.cn", "wechat_openid": openid}
    order = await fulfilled_order(shop, member=member)
    await mailroom.deliver(shop)
    taken = {message["via"]: message for message in await mailroom.taken()}
    assert {via: message["to"] for via, message in taken.items()} == {
        "email": "li@b.cn", "sms": "+8613800138000", "wechat": openid,
    }  # fmt: skip
    page = f"https://shop.example/orders/{order['order_id']}"
    assert taken["sms"]["content"]["link"] == page
    assert page in taken["email"]["content"]["html"]
    assert taken["wechat"]["content"]["page"] == f"pages/order/index?order_id={order['order_id']}"
    assert "#" not in page

    headers = shop.headers(member)
    inbox = (await shop.http.get("/v1/me/messages", headers=headers)).json()["items"]
    assert [(each["occasion"], each["order_id"], each["read_at"]) for each in inbox] == [
        ("fulfilled", order["order_id"], None)
    ]
    assert (await shop.http.get("/v1/me/messages/unread", headers=headers)).json() == {"unread": 1}
    read = await shop.http.post(f"/v1/me/messages/{inbox[0]['message_id']}/read", headers=shop.headers(member))
    assert read.status_code == 204
    assert (await shop.http.get("/v1/me/messages", params={"unread": True}, headers=headers)).json()["items"] == []


async def test_messages_of_others_are_not_there(shop: Shop) -> None:
    member, stranger = new_id(), new_id()
    await fulfilled_order(shop, member=member)
    (message,) = (await shop.http.get("/v1/me/messages", headers=shop.headers(member))).json()["items"]
    assert (await shop.http.get("/v1/me/messages", headers=shop.headers(stranger))).json()["items"] == []
    answer = await shop.http.post(f"/v1/me/messages/{message['message_id']}/read", headers=shop.headers(stranger))
    assert (answer.status_code, answer.json()["code"]) == (404, "message.not_found")
    await shop.http.post("/v1/me/messages/read", headers=shop.headers(stranger))
    assert (await shop.http.get("/v1/me/messages/unread", headers=shop.headers(member))).json() == {"unread": 1}


async def test_what_could_not_be_had_and_its_money_are_told_once_each(shop: Shop) -> None:
    sold = bundle(1, 1)
    await shop.sells(sold)
    member = new_id()
    order = await shop.paid_order((sold, 1), member=member)
    good, bad = components(order)
    for _ in range(2):
        await shop.hear(issued(order, good), rejected(order, bad))
    refund_id = (await shop.order(order["order_id"], member=member))["refunds"][0]["refund_id"]
    for _ in range(2):
        await shop.hear(revoked(order, bad, refund_id), reversed_(order, bad, refund_id))
        async with shop.database.begin() as uow:
            sent = {UUID(refund_id): UUID(order["order_id"])}
            await record_money_sent(uow, sent, provider_of={UUID(refund_id): "sandbox"}, now=utc_now())
    inbox = (await shop.http.get("/v1/me/messages", headers=shop.headers(member))).json()["items"]
    assert sorted(each["occasion"] for each in inbox) == ["fulfilled", "refunded", "unavailable"]
    told = {each["occasion"]: each["text"] for each in inbox}
    assert "¥5.00" in told["refunded"]
    assert "会员 1" in told["unavailable"]
    assert "会员 0" in told["fulfilled"]
    assert "会员 1" not in told["fulfilled"]


async def test_who_has_it_now_is_told_that_it_ends(shop: Shop, mailroom: Mailroom) -> None:
    member = new_id()
    order = await fulfilled_order(shop)
    (part,) = components(order)

    def ends(holder: UUID | None, entitlement_id: UUID) -> EntitlementExpiringV1:
        return EntitlementExpiringV1(
            order_id=UUID(order["order_id"]),
            component_id=UUID(part["component_id"]),
            sku_id=UUID(part["sku_id"]),
            member_id=holder,
            entitlement_id=entitlement_id,
            expires_at=utc_now() + timedelta(days=2),
        )

    first, second = new_id(), new_id()
    await shop.hear(ends(None, first), ends(member, second))
    await shop.hear(ends(None, first), ends(member, second))
    (told,) = (await shop.http.get("/v1/me/messages", headers=shop.headers(member))).json()["items"]
    assert (told["occasion"], "月卡" in told["text"]) == ("expiring", True)
    await mailroom.deliver(shop)
    subjects = [mail["content"]["subject"] for mail in await mailroom.taken()]
    assert len(subjects) == 2
    assert any("到期" in subject for subject in subjects)


async def test_a_slow_or_broken_channel_holds_up_no_other(shop: Shop, mailroom: Mailroom) -> None:
    member = new_id()
    mailroom.contacts.known[str(member)] = {"phone": "+8613800138000", "email": "li@b.cn"}
    await fulfilled_order(shop, member=member)
    await mailroom.faults({"kind": "error", "via": "email"}, {"kind": "limit", "via": "sms", "times": 1})
    await mailroom.deliver(shop)
    assert await deliveries(shop) == [
        ("email", "waiting", 1, "smtp_451"),
        ("sms", "waiting", 1, "isv.BUSINESS_LIMIT_CONTROL"),
    ]
    later = mailroom.messenger(shop, clock=lambda: utc_now() + timedelta(minutes=1))
    await later.send(ChannelName.SMS)
    assert (await deliveries(shop))[1] == ("sms", "sent", 2, None)
    assert [message["via"] for message in await mailroom.taken()] == ["sms"]


async def test_tries_end_and_an_operator_sends_again(shop: Shop, mailroom: Mailroom) -> None:
    order = await fulfilled_order(shop)
    await mailroom.faults({"kind": "error", "via": "email"})
    for hour in range(20):
        messenger = mailroom.messenger(shop, clock=partial(later, hours=2 * hour))
        await messenger.find_ways()
        await messenger.send(ChannelName.EMAIL)
    assert await deliveries(shop) == [("email", "given_up", 10, "smtp_451")]
    headers = shop.operator_headers()
    listed = await shop.http.get("/v1/ops/messages", params={"status": "given_up"}, headers=headers)
    (message,) = listed.json()["items"]
    assert (message["order_id"], message["deliveries"][0]["failure"]) == (order["order_id"], "smtp_451")
    assert "guest@example.org" not in listed.text
    figures = await shop.http.get("/internal/figures", headers=shop.signed(Identity(Role.SERVICE, "gateway")))
    assert figures.json()["messages"] == {"waiting": 0, "given_up": 1}

    await mailroom.faults()
    path = f"/v1/ops/messages/{message['message_id']}/sendings"
    assert (await shop.http.post(path, headers=shop.operator_headers(scope="catalogue"))).status_code == 403
    again = [await shop.http.post(path, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in again] == [202, 202]
    await mailroom.deliver(shop)
    assert await deliveries(shop) == [("email", "sent", 1, None)]
    assert len(await mailroom.taken()) == 1
    unknown = await shop.http.post(f"/v1/ops/messages/{new_id()}/sendings", headers=shop.operator_headers())
    assert (unknown.status_code, unknown.json()["code"]) == (404, "message.not_found")


async def test_a_lasting_no_is_not_tried_again(shop: Shop, mailroom: Mailroom) -> None:
    await fulfilled_order(shop)
    await mailroom.faults({"kind": "refuse", "via": "email"})
    await mailroom.deliver(shop)
    assert await deliveries(shop) == [("email", "given_up", 1, "smtp_550")]


async def test_membership_silent_nothing_is_lost_and_guests_go_on(shop: Shop, mailroom: Mailroom) -> None:
    member = new_id()
    mailroom.contacts.known[str(member)] = {"email": "li@b.cn"}
    mailroom.contacts.broken = True
    await fulfilled_order(shop, member=member)
    await fulfilled_order(shop)
    await mailroom.deliver(shop)
    assert [mail["to"] for mail in await mailroom.taken()] == ["guest@example.org"]
    mailroom.contacts.broken = False
    later = mailroom.messenger(shop, clock=lambda: utc_now() + timedelta(minutes=3))
    await later.find_ways()
    await later.send(ChannelName.EMAIL)
    assert [mail["to"] for mail in await mailroom.taken()] == ["guest@example.org", "li@b.cn"]


async def test_a_member_without_addresses_has_the_inbox_alone(shop: Shop, mailroom: Mailroom) -> None:
    await fulfilled_order(shop, member=new_id())
    await mailroom.deliver(shop)
    assert await deliveries(shop) == []
    async with shop.database.read() as uow:
        assert await uow.raw.fetchval("SELECT count(*) FROM messages WHERE address_at IS NOT NULL") == 0


async def test_several_processes_send_each_message_once(shop: Shop, replica: Shop, mailroom: Mailroom) -> None:
    for _ in range(12):
        await fulfilled_order(shop)
    messengers = [mailroom.messenger(each) for each in (shop, replica, shop, replica)]
    await asyncio.gather(*(each.find_ways() for each in messengers))
    await asyncio.gather(*(each.send(ChannelName.EMAIL) for each in messengers))
    ids = [mail["message_id"] for mail in await mailroom.taken()]
    assert (len(ids), len(set(ids))) == (12, 12)


async def test_who_dies_after_sending_sends_again_under_the_same_id(
    shop: Shop, mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fulfilled_order(shop)
    await mailroom.messenger(shop).find_ways()

    async def die(*_: object, **__: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(messages, "record_tries", die)
        with pytest.raises(ConnectionResetError):
            await mailroom.messenger(shop).send(ChannelName.EMAIL)
    await mailroom.messenger(shop).send(ChannelName.EMAIL)
    assert len(await mailroom.taken()) == 1, "it is booked while the lease lasts"
    await mailroom.messenger(shop, clock=lambda: utc_now() + timedelta(minutes=3)).send(ChannelName.EMAIL)
    first, second = await mailroom.taken()
    assert first["message_id"] == second["message_id"]
    assert await deliveries(shop) == [("email", "sent", 2, None)]


async def test_nothing_personal_is_logged_or_kept(
    shop: Shop, mailroom: Mailroom, capsys: pytest.CaptureFixture[str]
) -> None:
    member = new_id()
    mailroom.contacts.known[str(member)] = {"phone": "+8613800138000", "email": "li@b.cn", "wechat_openid": "o" * 28}
    await fulfilled_order(shop, member=member)
    await fulfilled_order(shop)
    await mailroom.faults(
        {"kind": "refuse", "via": "email"}, {"kind": "refuse", "via": "sms"}, {"kind": "refuse", "via": "wechat"}
    )
    await mailroom.deliver(shop)
    async with shop.database.read() as uow:
        kept = str(await uow.raw.fetch("SELECT m, d FROM messages m LEFT JOIN message_deliveries d USING (message_id)"))
    said = "".join(capsys.readouterr())
    assert "message.refused" in said
    for secret in ("13800138000", "li@b.cn", "o" * 28, "guest@example.org", "KO1."):
        assert secret not in said + kept


def later(*, hours: int) -> datetime:
    return utc_now() + timedelta(hours=hours)


def anonymous(shop: Shop) -> dict[str, str]:
    return shop.signed(Identity(Role.ANONYMOUS, "", "10.0.0.1"))
