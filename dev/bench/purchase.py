"""One whole purchase as a mini-program makes it: order, pay, wait, read the code."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from dev.bench.connection import Answer, Target

WAIT = "wait=5"
"""Who knows the order's state is answered when it changes, or after so many seconds."""

LOOK_AGAIN_AFTER_S = 0.15
"""After an answer that told nothing new."""

GIVE_UP_AFTER_S = 30
NOT_MODIFIED = 304
READABLE = frozenset({"issued", "settled"})


class PurchaseFailedError(RuntimeError):
    """A step of a purchase was not answered as it should be; the message is the step and the status."""


@dataclass(frozen=True)
class Buyer:
    """Who buys, and from where: risk sees a member, a device and an address."""

    token: str
    device: str
    ip: str

    @property
    def headers(self) -> dict[str, str]:
        known = {"X-Device-Id": self.device, "X-Forwarded-For": self.ip}
        return {**known, "Authorization": f"Bearer {self.token}"} if self.token else known


@dataclass(frozen=True)
class Shop:
    """Connections to the gateway and to the payment provider's page."""

    gateway: Target
    provider: Target


@dataclass(frozen=True)
class Purchase:
    """What one purchase took. Times in seconds; `code` is what the buyer can read."""

    order_id: str
    order_s: float
    paid_to_readable_s: float
    whole_s: float
    code: str = field(repr=False)


async def buy(shop: Shop, buyer: Buyer, sku_id: str) -> Purchase:
    """One purchase, from order to code.

    :raises PurchaseFailedError: a step failed.
    """
    began = time.perf_counter()
    order = await place(shop, buyer, sku_id)
    if order is None:
        raise PurchaseFailedError("order: 409")
    ordered = time.perf_counter()
    buyer = with_order_token(buyer, order)
    await pay(shop, buyer, str(order["order_id"]))
    paid = time.perf_counter()
    code = await read_code(shop, buyer, str(order["order_id"]))
    done = time.perf_counter()
    return Purchase(str(order["order_id"]), ordered - began, done - paid, done - began, code)


async def place(shop: Shop, buyer: Buyer, sku_id: str) -> dict[str, object] | None:
    """Place an order for one unit; None when it is sold out."""
    body: dict[str, object] = {"lines": [{"sku_id": sku_id, "quantity": 1}]}
    if not buyer.token:
        body["contact"] = {"email": f"{buyer.device}@example.com"}
    answer = await _write(shop.gateway, buyer, "/v1/orders", body)
    if answer.status == 409 and orjson.loads(answer.body).get("code") == "stock.insufficient":  # noqa: PLR2004
        return None
    return _content("order", answer, 201)


def with_order_token(buyer: Buyer, order: dict[str, object]) -> Buyer:
    """A guest goes on with the token of the order."""
    return Buyer(str(order["access_token"]), buyer.device, buyer.ip) if not buyer.token else buyer


async def pay(shop: Shop, buyer: Buyer, order_id: str) -> None:
    payment = _content(
        "payment", await _write(shop.gateway, buyer, f"/v1/orders/{order_id}/payments", {"provider": "sandbox"}), 201
    )
    link = urlsplit(str(payment["pay_url"]))
    answer = await shop.provider.request("POST", f"{link.path}?{link.query}")
    _content("pay", answer, 200)


async def read_code(shop: Shop, buyer: Buyer, order_id: str) -> str:
    """Follow the order from state to state until its component is issued, then reveal the code."""
    give_up, known = time.perf_counter() + GIVE_UP_AFTER_S, '"1"'  # the ETag of a new order
    while time.perf_counter() < give_up:
        condition = {"If-None-Match": known, "Prefer": WAIT}
        answer = await shop.gateway.request("GET", f"/v1/orders/{order_id}", headers={**buyer.headers, **condition})
        if answer.status == NOT_MODIFIED:
            await asyncio.sleep(LOOK_AGAIN_AFTER_S)
            continue
        order = _content("status", answer, 200)
        component = order["lines"][0]["components"][0]
        if component["status"] in READABLE:
            return await _reveal(shop, buyer, component["entitlement_ids"][0])
        known = f'"{order["version"]}"'
    raise PurchaseFailedError("status: never issued")


async def _reveal(shop: Shop, buyer: Buyer, entitlement_id: str) -> str:
    answer = await _write(shop.gateway, buyer, f"/v1/wallet/entitlements/{entitlement_id}/reveal", {})
    return str(_content("reveal", answer, 200)["code"])


async def _write(target: Target, buyer: Buyer, path: str, body: object) -> Answer:
    headers = {**buyer.headers, "Idempotency-Key": str(uuid.uuid4())}
    return await target.request("POST", path, headers=headers, body=orjson.dumps(body))


def _content(step: str, answer: Answer, expect: int) -> dict[str, Any]:
    if answer.status != expect:
        raise PurchaseFailedError(f"{step}: {answer.status} {_problem_code(answer)}")
    content: dict[str, Any] = orjson.loads(answer.body)
    return content


def _problem_code(answer: Answer) -> str:
    try:
        return str(orjson.loads(answer.body)["code"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "no problem+json"
