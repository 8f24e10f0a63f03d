"""A guest is written to, comes back by the link, and gets back the money for a code that nobody has seen."""

import re
import secrets
from typing import Any

import httpx
import pytest

from dev.client import Access, Api
from tests.e2e import shop
from tests.e2e.shop import eventually, order_in

pytestmark = pytest.mark.e2e


async def test_a_guest_is_told_comes_back_by_the_link_and_is_refunded(api: Api, desk: Api, access: Access) -> None:
    goods = await shop.put_on_sale(desk, access)
    address = f"guest-{secrets.token_hex(6)}@example.org"
    placed = await shop.place(api, goods.sku_id, contact={"email": address})
    await shop.pay(api.signed_in(placed["access_token"]), placed["order_id"])

    (mail,) = await eventually(lambda: mails_to(access, address), bool)
    text = mail["content"]["text"]
    assert placed["order_no"] in text
    assert not any(code in text + mail["content"]["html"] for code in goods.codes)
    (token,) = set(re.findall(r"/o#(KO1\.[\w-]+)", text))
    opened = await api.post("/v1/orders/links", {"token": token}, expect=200)
    guest = api.signed_in(opened["access_token"])
    order = await order_in(guest, opened["order_id"], "completed")

    path = f"/v1/orders/{order['order_id']}/tickets"
    line = order["lines"][0]
    wish = {
        "line_id": line["line_id"],
        "component_id": line["components"][0]["component_id"],
        "kind": "refund",
        "reason": "not_needed",
        "description": "买错了",
    }
    ticket = await guest.post(path, wish)
    settled = await eventually(
        lambda: guest.get(f"{path}/{ticket['ticket_id']}"), lambda seen: seen["status"] == "resolved"
    )
    assert settled["resolution"] == "refund"
    await order_in(guest, order["order_id"], "refunded")
    rated = await guest.post(f"{path}/{ticket['ticket_id']}/rating", {"score": 5}, expect=200)
    assert rated["status"] == "closed"
    told = await eventually(lambda: mails_to(access, address), lambda mails: len(mails) == 3)
    assert {mail["content"]["subject"].partition(" / ")[2] for mail in told} == {
        "Your order is ready", "Your request was decided", "Your refund is done",
    }  # fmt: skip


async def mails_to(access: Access, address: str) -> list[dict[str, Any]]:
    """What the sandbox's mail server has for somebody."""
    async with httpx.AsyncClient(trust_env=False) as sandbox:
        answer = await sandbox.get(f"{access.sandbox['messages']}/admin/messages", params={"to": address})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items
