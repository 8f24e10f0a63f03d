"""Waiting for an order's next state with one request: `If-None-Match` and `Prefer: wait`."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from services.order.queries import watch
from shared.clock import new_id
from tests.order.facts import components, issued
from tests.order.shop import Shop, offer

Json = dict[str, Any]


async def look(shop: Shop, order_id: str, headers: dict[str, str], **conditions: str) -> httpx.Response:
    names = {"known": "If-None-Match", "prefer": "Prefer"}
    asked = {names[name]: value for name, value in conditions.items()}
    return await shop.http.get(f"/v1/orders/{order_id}", headers={**headers, **asked})


@pytest.fixture
async def placed(shop: Shop) -> tuple[str, dict[str, str], str]:
    """A new order, what its owner signs in with, and the ETag that the checkout gave."""
    sold, member = offer(), new_id()
    await shop.sells(sold)
    answer = await shop.orders((sold, 1), member=member)
    return answer.json()["order_id"], shop.headers(member), answer.headers["etag"]


async def pay(shop: Shop, order_id: str, headers: dict[str, str]) -> None:
    body = {"provider": "sandbox"}
    keyed = {**headers, "Idempotency-Key": str(new_id())}
    link = (await shop.http.post(f"/v1/orders/{order_id}/payments", json=body, headers=keyed)).json()["pay_url"]
    await shop.notify(shop.receipt(link))


async def test_an_unchanged_order_is_not_told_again(shop: Shop, placed: tuple[str, dict[str, str], str]) -> None:
    order_id, headers, etag = placed
    told = await look(shop, order_id, headers)
    assert (told.status_code, told.headers["etag"]) == (200, etag)
    for known in (etag, f"W/{etag}", f'"0", {etag}'):
        again = await look(shop, order_id, headers, known=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert (await look(shop, order_id, headers, known='"77"')).status_code == 200


async def test_each_change_ends_one_wait(shop: Shop, placed: tuple[str, dict[str, str], str]) -> None:
    order_id, headers, etag = placed
    waiting = asyncio.create_task(look(shop, order_id, headers, known=etag, prefer="respond-async, wait=8"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await pay(shop, order_id, headers)
    paid = await asyncio.wait_for(waiting, 3)
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    waiting = asyncio.create_task(look(shop, order_id, headers, known=paid.headers["etag"], prefer="wait=8"))
    await asyncio.sleep(0.1)
    await shop.hear(issued(paid.json(), components(paid.json())[0]))
    assert (await asyncio.wait_for(waiting, 3)).json()["status"] == "fulfilled"


async def test_a_wait_ends_by_time(shop: Shop, placed: tuple[str, dict[str, str], str]) -> None:
    order_id, headers, etag = placed
    began = time.perf_counter()
    answer = await look(shop, order_id, headers, known=etag, prefer="wait=1")
    assert answer.status_code == 304
    assert 0.9 < time.perf_counter() - began < 3


async def test_nobody_waits_for_the_order_of_another(shop: Shop, placed: tuple[str, dict[str, str], str]) -> None:
    order_id, _, etag = placed
    answer = await asyncio.wait_for(look(shop, order_id, shop.headers(new_id()), known=etag, prefer="wait=8"), 1)
    assert (answer.status_code, answer.json()["code"]) == (404, "order.not_found")


async def test_who_finds_no_place_to_wait_is_answered_at_once(
    shop: Shop, placed: tuple[str, dict[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, headers, etag = placed
    monkeypatch.setattr(watch, "WATCHES_MAX", 0)
    answer = await asyncio.wait_for(look(shop, order_id, headers, known=etag, prefer="wait=8"), 1)
    assert answer.status_code == 304


async def test_waits_end_when_the_process_stops(shop: Shop, placed: tuple[str, dict[str, str], str]) -> None:
    order_id, headers, etag = placed
    waiting = asyncio.create_task(look(shop, order_id, headers, known=etag, prefer="wait=8"))
    await asyncio.sleep(0.2)
    shop.app.state.stopping.set()
    assert (await asyncio.wait_for(waiting, 3)).status_code == 304
