"""A channel's address, where webhooks are heard."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from services.order.clients.webhooks import WebhookSender
from services.order.jobs.webhooks import WebhookMessenger
from shared.clock import utc_now
from shared.crypto import Secret
from shared.crypto.webhooks import TIME_HEADER, verify_webhook
from tests.order.reseller import Reseller


@dataclass
class Listener:
    """Hears what is signed with its secret. `status` is what it answers, `meanwhile` happens before it does."""

    url: str = ""
    secret: Secret = field(default_factory=lambda: Secret(""))
    status: int = 204
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent_at = datetime.fromtimestamp(int(headers[TIME_HEADER]), tz=UTC)  # the job's clock may be ahead of ours
        message_id = verify_webhook(self.secret, headers, body, now=sent_at)
        if self.meanwhile is not None:
            await self.meanwhile()
        self.heard.append((message_id, orjson.loads(body)))
        self.raw.append(body)
        return web.Response(status=self.status, headers={"Location": "http://127.0.0.1:9/"})

    @property
    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What was heard, by type and data."""
        return [(message["type"], message["data"]) for _, message in self.heard]


@asynccontextmanager
async def listening(reseller: Reseller, **body: Any) -> AsyncIterator[Listener]:
    """The channel hears at an address of this machine, as it may in development."""
    listener = Listener()
    app = web.Application()
    app.router.add_post("/hooks", listener.take)
    async with TestServer(app) as server:
        listener.url = str(server.make_url("/hooks"))
        answer = await reseller.hears_at(listener.url, **body)
        assert answer.status_code == 200, answer.text
        listener.secret = Secret(body.get("secret") or answer.json()["secret"])
        yield listener


async def deliver(
    reseller: Reseller, *, after: timedelta = timedelta(minutes=1), at: datetime | None = None, anywhere: bool = True
) -> None:
    """Send what is due by a clock that is ahead, or stands."""
    sender = WebhookSender(anywhere=anywhere)
    desk = reseller.shop.desk
    await WebhookMessenger(desk.database, sender, desk.keyring, lambda: at or utc_now() + after).send()
    await sender.close()
