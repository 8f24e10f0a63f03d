"""An order's status as it changes, over a real connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn

from dev.stack.ports import find_free_ports
from shared.clock import new_id
from tests.order.facts import components, issued, split
from tests.order.shop import Shop, offer

Json = dict[str, Any]


@pytest.fixture
async def served(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """The shop on a port: event streams need one."""
    port = find_free_ports(1)[0]
    server = uvicorn.Server(uvicorn.Config(shop.app, port=port, lifespan="off", log_config=None, access_log=False))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10) as http:
        yield http
    server.should_exit = True
    await task


async def events(http: httpx.AsyncClient, order_id: str, headers: dict[str, str]) -> AsyncIterator[Json]:
    async with http.stream("GET", f"/v1/orders/{order_id}/stream", headers=headers) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))


class Watcher:
    """Somebody who looks at one order's stream."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.looks = asyncio.Event()

    async def watch(self, http: httpx.AsyncClient, order_id: str, headers: dict[str, str]) -> None:
        async for order in events(http, order_id, headers):
            self.seen.append(order["status"])
            self.looks.set()


async def test_every_watcher_sees_the_order_to_its_end(shop: Shop, replica: Shop, served: httpx.AsyncClient) -> None:
    """What another process changes is seen too; the stream ends by itself."""
    sold, member = offer(), new_id()
    await shop.sells(sold)
    await replica.desk.catalogue.refresh()
    order_id = (await shop.orders((sold, 1), member=member)).json()["order_id"]
    watchers = [Watcher() for _ in range(3)]
    headers = {**shop.headers(member), "Last-Event-ID": "17"}
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for watcher in watchers:
            group.create_task(watcher.watch(served, order_id, headers))
            await watcher.looks.wait()
        link = (await replica.begins_payment(order_id, member=member)).json()["pay_url"]
        await replica.notify(replica.receipt(link))
        await asyncio.sleep(0.4)
        order = await replica.order(order_id, member=member)
        await replica.hear(issued(order, components(order)[0]))
        await asyncio.sleep(0.4)
        await replica.hear(split(order, components(order)[0]))
    assert [watcher.seen for watcher in watchers] == [["pending_payment", "paid", "fulfilled", "completed"]] * 3


async def test_an_order_that_is_over_is_told_once(shop: Shop, served: httpx.AsyncClient) -> None:
    sold = offer()
    await shop.sells(sold)
    order = await shop.paid_order((sold, 1))
    await shop.hear(issued(order, components(order)[0]))
    await shop.hear(split(order, components(order)[0]))
    headers = shop.headers(None, order_id=UUID(order["order_id"]))
    told = [each async for each in events(served, order["order_id"], headers)]
    assert [each["status"] for each in told] == ["completed"]
    assert told[0]["lines"] == (await shop.order(order["order_id"], member=None))["lines"]


async def test_a_stopping_process_ends_its_streams(shop: Shop, served: httpx.AsyncClient) -> None:
    sold, member = offer(), new_id()
    await shop.sells(sold)
    order_id = (await shop.orders((sold, 1), member=member)).json()["order_id"]
    watcher = Watcher()
    task = asyncio.create_task(watcher.watch(served, order_id, shop.headers(member)))
    await watcher.looks.wait()
    shop.app.state.stopping.set()
    async with asyncio.timeout(3):
        await task
    assert watcher.seen == ["pending_payment"]
