"""Where messages of a shop under test go: the sandbox for messages itself, and a membership that knows some contacts."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer

from dev.stack.ports import find_free_ports
from sandbox.messages.app import build_app
from sandbox.messages.mail import MailSetup
from services.order.clients.couriers import (
    AliyunSms,
    Channel,
    Mail,
    MailServer,
    MiniProgram,
    Security,
    SmsAccount,
    WechatAccount,
    WechatTemplate,
)
from services.order.clients.membership import Membership
from services.order.domain.messages import ChannelName, Occasion
from services.order.jobs.messages import Messenger, Pages
from shared.clock import Clock, utc_now
from shared.crypto import Secret
from shared.http import IdentitySigner, ServiceClient
from tests.order.shop import Shop

SMS_SECRET = "an access key's secret"
WECHAT_SECRET = "an app's secret"
SANDBOX = "http://sandbox"
SHOP_URL = "https://shop.example"
Json = dict[str, Any]

WECHAT_TEMPLATE = WechatTemplate(template_id="tmpl", fields={"character_string1": "order_no", "thing2": "goods"})


@dataclass
class Contacts:
    """Membership as order meets it."""

    known: dict[str, Json] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    broken: bool = False

    async def answer(self, request: web.Request) -> web.Response:
        member_ids = (await request.json())["member_ids"]
        self.asked.append(member_ids)
        if self.broken:
            return web.Response(status=500)
        found = [{"member_id": each, **self.known[each]} for each in member_ids if each in self.known]
        return web.json_response({"contacts": found})


@dataclass
class Mailroom:
    """The sandbox over HTTP, and its mail server's port."""

    http: httpx.AsyncClient
    smtp_port: int
    contacts: Contacts
    membership: ServiceClient

    async def taken(self, via: str | None = None) -> list[Json]:
        """What arrived."""
        answer = await self.http.get(f"{SANDBOX}/admin/messages", params={"via": via} if via else None)
        items: list[Json] = answer.json()["items"]
        return items

    async def faults(self, *faults: Mapping[str, object]) -> None:
        """What goes wrong from now on."""
        told = await self.http.post(f"{SANDBOX}/admin/faults", json={"faults": list(faults)})
        assert told.status_code == 204, told.text

    def mail(self, *, timeout_s: float = 5.0, port: int | None = None) -> Mail:
        server = MailServer("127.0.0.1", port or self.smtp_port, Security.NONE, timeout_s=timeout_s)
        return Mail(server, sender="no-reply@shop.example", sender_name="卡券")

    def sms(self, *, secret: str = SMS_SECRET, timeout_s: float = 5.0) -> AliyunSms:
        account = SmsAccount("LTAI5tTest", Secret(secret), "卡券", {each: f"SMS_{each.upper()}" for each in Occasion})
        return AliyunSms(SANDBOX, account, http=self.http, clock=utc_now, timeout_s=timeout_s)

    def mini_program(self, *, secret: str = WECHAT_SECRET) -> MiniProgram:
        account = WechatAccount("wx", Secret(secret), "pages/order/index", dict.fromkeys(Occasion, WECHAT_TEMPLATE))
        return MiniProgram(SANDBOX, account, http=self.http, clock=utc_now)

    def channels(self) -> dict[ChannelName, Channel]:
        """All of them."""
        return {
            ChannelName.MINI_PROGRAM: self.mini_program(),
            ChannelName.SMS: self.sms(),
            ChannelName.EMAIL: self.mail(),
        }

    def messenger(
        self, shop: Shop, *, channels: Mapping[ChannelName, Channel] | None = None, clock: Clock = utc_now
    ) -> Messenger:
        """The service's jobs for messages."""
        return Messenger(
            database=shop.database,
            membership=Membership(self.membership, clock),
            channels=self.channels() if channels is None else channels,
            keyring=shop.desk.keyring,
            pages=Pages(SHOP_URL, shop.desk.guest_key, timedelta(days=3)),
            clock=clock,
        )

    async def deliver(self, shop: Shop, *, names: Sequence[ChannelName] = tuple(ChannelName)) -> None:
        """Find the ways of what is new and send it."""
        messenger = self.messenger(shop)
        await messenger.find_ways()
        for name in names:
            await messenger.send(name)


@contextlib.asynccontextmanager
async def open_mailroom(identity_key: bytes) -> AsyncIterator[Mailroom]:
    """The sandbox, running in this process with a real mail server."""
    port = find_free_ports(1)[0]
    app = build_app(MailSetup("127.0.0.1", port), sms_secret=SMS_SECRET, wechat_secret=WECHAT_SECRET)
    contacts = Contacts()
    neighbour = web.Application()
    neighbour.router.add_post("/internal/contacts", contacts.answer)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=httpx.ASGITransport(app=app)))
        server = await stack.enter_async_context(TestServer(neighbour))
        client = ServiceClient(str(server.make_url("")).rstrip("/"), IdentitySigner(identity_key, "order"))
        stack.push_async_callback(client.close)
        yield Mailroom(http, port, contacts, client)
