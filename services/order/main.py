"""The order service: the one place where its parts are put together."""

from functools import partial

import httpx
from fastapi import FastAPI
from starlette.middleware import Middleware

from services.order.api import PROBLEMS, ROUTERS
from services.order.api.desk import Desk
from services.order.api.hot_paths import hot_paths
from services.order.api.lane import LeanLane
from services.order.api.tickets import BODY_LIMITS
from services.order.clients import accounts, sandbox
from services.order.clients.accounts import Accounts
from services.order.clients.after_sale import AfterSale
from services.order.clients.codes import Codes
from services.order.clients.couriers import (
    AliyunSms,
    Channel,
    Mail,
    MailServer,
    MiniProgram,
    SmsAccount,
    WechatAccount,
)
from services.order.clients.membership import Membership
from services.order.clients.neighbours import Holds, Risk
from services.order.clients.providers import MoneyKeeper, Providers
from services.order.clients.webhooks import WebhookSender
from services.order.consumers import HANDLERS
from services.order.domain.messages import ChannelName
from services.order.jobs import Jobs
from services.order.jobs.messages import Messenger, Pages
from services.order.jobs.tickets import TicketJobs
from services.order.jobs.webhooks import WebhookMessenger
from services.order.queries.catalogue import Catalogue
from services.order.queries.figures import FreshFigures
from services.order.queries.watch import Watchers
from services.order.settings import Settings
from services.order.usecases.tickets import Papers
from shared.clock import utc_now
from shared.crypto import Keyring, Secret
from shared.database import Database
from shared.http import Background, IdentitySigner, ServiceClient, create_app, every, serve
from shared.messaging import Consumer, Relay, operations_router
from shared.observability import configure
from shared.settings import Environment, ProcessRole, read_key

SERVICE = "order"
PRUNE_EVERY_S = 60.0
TICKET_DEADLINES_EVERY_S = 30.0


def build(settings: Settings) -> FastAPI:
    """The application with everything behind it; nothing is connected before it starts."""
    database = Database.connect(settings.database_url, pool_size=settings.db_pool_size, application_name=SERVICE)
    identity_key = read_key(settings.keys_dir, "internal.key")
    signer = IdentitySigner(identity_key, SERVICE)
    inventory = ServiceClient(settings.inventory_url, signer, neighbour="inventory")
    risk = ServiceClient(settings.risk_url, signer, neighbour="risk")
    settlement = ServiceClient(settings.settlement_url, signer, neighbour="settlement")
    membership = ServiceClient(settings.membership_url, signer, neighbour="membership")
    outside = httpx.AsyncClient()
    sender = WebhookSender(anywhere=_anywhere(settings))
    consumer = Consumer(database, settings.kafka_bootstrap, settings.kafka_flavour, SERVICE, HANDLERS)
    catalogue = Catalogue(database)
    keyring = Keyring.from_file(settings.keys_dir / "kek.json")
    watchers = Watchers(database, alone=settings.roles == frozenset(ProcessRole))
    desk = Desk(
        database=database,
        catalogue=catalogue,
        hot=hot_paths(database),
        holds=Holds(inventory),
        risk=Risk(risk, timeout_s=settings.risk_timeout_s),
        providers=Providers({sandbox.NAME: _sandbox(settings, outside)}),
        accounts=Accounts(settlement),
        codes=Codes(inventory),
        watchers=watchers,
        figures=FreshFigures(database, utc_now, review_within=settings.review_within),
        keyring=keyring,
        guest_key=read_key(settings.keys_dir, "guest-token.key"),
        pay_window=settings.pay_window,
        webhooks_anywhere=_anywhere(settings),
        papers=Papers(keyring),
        ticket_deadlines=settings.ticket_deadlines,
        after_sale=AfterSale(inventory),
    )
    app = create_app(
        service=SERVICE,
        title="Orders",
        identity_key=identity_key,
        problems=PROBLEMS,
        ready=database.ping,
        background=[
            *_background(settings, desk, consumer, outside, membership),
            *_webhook_jobs(settings, WebhookMessenger(database, sender, desk.keyring, utc_now)),
        ],
        routers=(*ROUTERS, operations_router(database, consumer)),
        database=database,
        body_limits=BODY_LIMITS,
        on_start=[catalogue.refresh],
        on_stop=[
            inventory.close,
            risk.close,
            settlement.close,
            membership.close,
            outside.aclose,
            sender.close,
            database.close,
        ],
    )
    app.state.desk = desk
    app.user_middleware.append(Middleware(LeanLane, home=app))  # innermost, behind the edge
    return app


def main() -> None:
    """Serve until told to stop."""
    settings = Settings()
    configure(SERVICE, settings)
    serve(build(settings), host=settings.host, port=settings.port)


def _background(
    settings: Settings, desk: Desk, consumer: Consumer, outside: httpx.AsyncClient, membership: ServiceClient
) -> list[Background]:
    tasks: list[Background] = []
    if ProcessRole.API in settings.roles:
        tasks += [desk.catalogue.run, desk.watchers.run]
    if ProcessRole.CONSUMER in settings.roles:
        tasks.append(consumer.run)
    if ProcessRole.RELAY in settings.roles:
        tasks.append(Relay(desk.database, settings.kafka_bootstrap, SERVICE).run)
    if ProcessRole.JOBS in settings.roles:
        keepers = Providers[MoneyKeeper]({sandbox.NAME: _sandbox(settings, outside), accounts.NAME: desk.accounts})
        tasks += _jobs(settings, Jobs(desk.database, keepers, desk.risk, settings.review_within, utc_now))
        tasks += _ticket_jobs(settings, desk)
        tasks += _message_jobs(settings, _messenger(settings, desk, membership, outside))
    return tasks


def _jobs(settings: Settings, jobs: Jobs) -> list[Background]:
    return [
        every(settings.cancel_every_s, jobs.cancel_unpaid, name="order.cancel"),
        every(settings.cancel_every_s, jobs.expire_reviews, name="order.review"),
        every(settings.judge_every_s, jobs.ask_risk_again, name="order.judge"),
        every(settings.query_every_s, jobs.query_payments, name="order.query"),
        every(settings.refund_every_s, jobs.send_refunds, name="order.refund"),
        every(settings.nudge_every_s, jobs.nudge_overdue, name="order.nudge"),
        every(PRUNE_EVERY_S, jobs.prune, name="order.prune"),
    ]


def _webhook_jobs(settings: Settings, messenger: WebhookMessenger) -> list[Background]:
    if ProcessRole.JOBS not in settings.roles:
        return []
    return [
        every(settings.webhook_every_s, messenger.send, name="order.webhooks"),
        every(PRUNE_EVERY_S, messenger.prune, name="order.webhooks.prune"),
    ]


def _anywhere(settings: Settings) -> bool:
    """On a development machine webhooks may go to other processes on it; nowhere else."""
    return settings.environment is Environment.DEVELOPMENT


def _ticket_jobs(settings: Settings, desk: Desk) -> list[Background]:
    jobs = TicketJobs(desk.database, desk.after_sale, desk.papers, desk.ticket_deadlines, utc_now)
    return [
        every(settings.ticket_every_s, jobs.settle, name="order.tickets"),
        every(TICKET_DEADLINES_EVERY_S, jobs.keep_deadlines, name="order.ticket_deadlines"),
    ]


def _message_jobs(settings: Settings, messenger: Messenger) -> list[Background]:
    """One for each channel, so that none waits for another."""
    return [
        every(settings.message_every_s, messenger.find_ways, name="order.messages"),
        *(
            every(settings.message_every_s, partial(messenger.send, name), name=f"order.messages.{name}")
            for name in messenger.channels
        ),
    ]


def _messenger(settings: Settings, desk: Desk, membership: ServiceClient, outside: httpx.AsyncClient) -> Messenger:
    return Messenger(
        database=desk.database,
        membership=Membership(membership, utc_now),
        channels=_channels(settings, outside),
        keyring=desk.keyring,
        pages=Pages(settings.pages_url, desk.guest_key, settings.order_link_life),
        clock=utc_now,
    )


def _channels(settings: Settings, outside: httpx.AsyncClient) -> dict[ChannelName, Channel]:
    """Those that are set up. The order is that in which operators see them."""
    channels: dict[ChannelName, Channel] = {}
    timeout_s = settings.channel_timeout_s
    if settings.wechat_url:
        program = WechatAccount(
            settings.wechat_app_id,
            _secret(settings, "wechat.key"),
            settings.wechat_order_page,
            settings.wechat_templates,
        )
        channels[ChannelName.MINI_PROGRAM] = MiniProgram(
            settings.wechat_url, program, http=outside, clock=utc_now, timeout_s=timeout_s
        )
    if settings.sms_url:
        account = SmsAccount(
            settings.sms_access_key_id, _secret(settings, "sms.key"), settings.sms_sign_name, settings.sms_templates
        )
        channels[ChannelName.SMS] = AliyunSms(
            settings.sms_url, account, http=outside, clock=utc_now, timeout_s=timeout_s
        )
    if settings.smtp_host:
        server = MailServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_security,
            user=settings.smtp_user,
            password=_secret(settings, "smtp.key") if settings.smtp_user else None,
            ca_file=settings.smtp_ca_file,
            timeout_s=timeout_s,
        )
        channels[ChannelName.EMAIL] = Mail(server, sender=settings.mail_from, sender_name=settings.mail_from_name)
    return channels


def _secret(settings: Settings, name: str) -> Secret:
    """A provider's password or secret: text, as the provider gave it."""
    return Secret((settings.keys_dir / name).read_text(encoding="utf-8").strip())


def _sandbox(settings: Settings, outside: httpx.AsyncClient) -> sandbox.SandboxProvider:
    return sandbox.SandboxProvider(
        base_url=settings.sandbox_payment_url,
        page_url=settings.sandbox_payment_page_url,
        notify_url=f"{settings.gateway_url.rstrip('/')}/v1/payments/{sandbox.NAME}/notify",
        return_url=f"{settings.pages_url}/orders",
        merchant_id=settings.sandbox_merchant_id,
        key=read_key(settings.keys_dir, "payment-sandbox.key"),
        http=outside,
        clock=utc_now,
    )


if __name__ == "__main__":
    main()
