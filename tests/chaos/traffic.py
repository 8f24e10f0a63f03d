"""Buyers who insist: every request is repeated with its own idempotency key until it is answered."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from dev.client import Api

INSIST_FOR_S = 90
AGAIN_AFTER_S = 0.25
TERMINAL = frozenset({"completed", "refunded", "cancelled"})


@dataclass(frozen=True)
class Order:
    """A guest's order. `api` carries its token."""

    order_id: str
    api: Api


async def buy_many(api: Api, sku_ids: Sequence[str], *, count: int) -> list[Order]:
    """So many guests order and pay, all at once; answers their paid orders."""
    return list(await asyncio.gather(*(_buy(api, sku_ids[number % len(sku_ids)]) for number in range(count))))


async def refund_many(orders: Sequence[Order]) -> None:
    """Their buyers want everything back."""
    await asyncio.gather(
        *(insist(one.api, "POST", f"/v1/orders/{one.order_id}/refunds", {"reason": "混乱测试"}) for one in orders)
    )


async def await_end(orders: Sequence[Order], *, within_s: float) -> dict[str, str]:
    """Wait until every order has come to an end; answers the state of each.

    :raises TimeoutError: with those that have not.
    """
    deadline = time.monotonic() + within_s
    waiting, ended = {one.order_id: one for one in orders}, {}
    while waiting and time.monotonic() < deadline:
        for order_id, one in list(waiting.items()):
            status = (await insist(one.api, "GET", f"/v1/orders/{order_id}"))["status"]
            if status in TERMINAL:
                ended[order_id] = status
                del waiting[order_id]
        await asyncio.sleep(AGAIN_AFTER_S)
    if waiting:
        states = [(await insist(one.api, "GET", f"/v1/orders/{one.order_id}"))["status"] for one in waiting.values()]
        raise TimeoutError(f"{len(waiting)} of {len(orders)} orders have not ended within {within_s} s: {states}")
    return ended


async def insist(api: Api, method: str, path: str, body: object = None) -> Any:
    """Ask until there is an answer that is not the platform's trouble.

    :raises TimeoutError: none came for `INSIST_FOR_S`.
    """
    headers = {**api.headers, **({"idempotency-key": str(uuid.uuid4())} if method != "GET" else {})}
    deadline, last = time.monotonic() + INSIST_FOR_S, ""
    while time.monotonic() < deadline:
        try:
            answer = await api.http.request(method, path, json=body, headers=headers)
        except httpx.TransportError as error:
            last = repr(error)
        else:
            if answer.is_success:
                return answer.json()
            last = f"{answer.status_code} {answer.text[:300]}"
            assert _is_trouble(answer), f"{method} {path}: {last}"
        await asyncio.sleep(AGAIN_AFTER_S)
    raise TimeoutError(f"{method} {path}: {last}")


def _is_trouble(answer: httpx.Response) -> bool:
    """Worth another try: the platform's failure, or an earlier try of ours that is still under way."""
    busy = answer.status_code == httpx.codes.CONFLICT and "in_progress" in answer.text
    return answer.is_server_error or busy or answer.status_code == httpx.codes.TOO_MANY_REQUESTS


async def _buy(api: Api, sku_id: str) -> Order:
    mail = f"{uuid.uuid4().hex}@example.com"
    basket = {"lines": [{"sku_id": sku_id, "quantity": 1}], "contact": {"email": mail}}
    placed = await insist(api, "POST", "/v1/orders", basket)
    guest = api.signed_in(placed["access_token"])
    payment = await insist(guest, "POST", f"/v1/orders/{placed['order_id']}/payments", {"provider": "sandbox"})
    await insist(Api(api.http), "POST", payment["pay_url"])
    return Order(placed["order_id"], guest)
