"""Builds the membership service and runs it. `KAQUAN_ROLES` says which parts of it this process is."""

from collections.abc import Sequence

import httpx
from fastapi import FastAPI

from services.membership import jobs
from services.membership.api import PROBLEMS, Doors, router
from services.membership.clients.wechat import WechatSignIn
from services.membership.consumers import HANDLERS
from services.membership.domain.vault import Vault
from services.membership.settings import ACCESS_TOKEN_LIFETIME, Settings
from services.membership.usecases.access_tokens import AccessTokens
from services.membership.usecases.operators import create_missing
from services.membership.usecases.passwords import Passwords
from services.membership.usecases.sessions import Sessions
from services.membership.usecases.signin import SignIn
from shared.clock import utc_now
from shared.crypto import Keyring, Secret
from shared.database import Database
from shared.http import Background, create_app, every, serve
from shared.messaging import Consumer, Relay, operations_router
from shared.observability import configure
from shared.settings import ProcessRole, read_key

SERVICE = "membership"
FORGET_EVERY_S = 600.0


def build(settings: Settings) -> FastAPI:
    """The application, with everything that its roles run beside it. Nothing connects before it starts."""
    database = Database.connect(settings.database_url, pool_size=settings.db_pool_size, application_name=SERVICE)
    consumer = Consumer(database, settings.kafka_bootstrap, settings.kafka_flavour, SERVICE, HANDLERS)
    outside = httpx.AsyncClient()
    doors = _doors(settings, database, outside)
    passwords = doors.sign_in.passwords

    async def create_operators() -> None:
        seed = settings.read_operator_seed() if ProcessRole.API in settings.roles else []
        await create_missing(database, seed, vault=doors.vault, passwords=passwords, now=utc_now())

    return create_app(
        service=SERVICE,
        title="Kaquan membership",
        identity_key=read_key(settings.keys_dir, "internal.key"),
        problems=PROBLEMS,
        ready=database.ping,
        background=_background(settings, database, consumer),
        routers=[router(doors), operations_router(database, consumer)],
        database=database,
        on_start=[create_operators],
        on_stop=[passwords.close, outside.aclose, database.close],
    )


def main() -> None:
    """Run until told to stop."""
    settings = Settings()
    configure(SERVICE, settings)
    serve(build(settings), host=settings.host, port=settings.port)


def _doors(settings: Settings, database: Database, outside: httpx.AsyncClient) -> Doors:
    keyring = Keyring.from_file(settings.keys_dir / "kek.json")
    vault = Vault(keyring, index_key=read_key(settings.keys_dir, "blind-index.key"))
    signing_key = (settings.keys_dir / "access-token.pem").read_bytes()
    sign_in = SignIn(
        database=database,
        vault=vault,
        passwords=Passwords(settings.hashing_cost),
        sessions=Sessions(AccessTokens(signing_key, lifetime=ACCESS_TOKEN_LIFETIME), settings.session_policies),
        lock_policy=settings.lock_policy,
    )
    wechat = WechatSignIn(
        settings.wechat_url,
        app_id=settings.wechat_app_id,
        app_secret=Secret((settings.keys_dir / "wechat.key").read_text(encoding="utf-8").strip()),
        http=outside,
    )
    return Doors(sign_in=sign_in, vault=vault, wechat=wechat)


def _background(settings: Settings, database: Database, consumer: Consumer) -> list[Background]:
    relay = Relay(database, settings.kafka_bootstrap, SERVICE)

    async def keep_tiers() -> None:
        await jobs.keep_tiers(database, utc_now, grace=settings.tier_grace)

    by_role: dict[ProcessRole, Sequence[Background]] = {
        ProcessRole.CONSUMER: (consumer.run,),
        ProcessRole.RELAY: (relay.run,),
        ProcessRole.JOBS: (
            every(settings.tier_job_every_s, keep_tiers, name="membership.keep_tiers"),
            every(FORGET_EVERY_S, lambda: jobs.forget(database, utc_now), name="membership.forget"),
        ),
    }
    return [work for role, works in by_role.items() if role in settings.roles for work in works]


if __name__ == "__main__":
    main()
