"""Builds the risk service and runs it. `KAQUAN_ROLES` says which parts of it this process is."""

from collections.abc import Awaitable, Callable, Sequence

from fastapi import FastAPI

from services.risk.api import PROBLEMS, Recorder, routers
from services.risk.consumers import handlers
from services.risk.domain.engine import Engine
from services.risk.domain.rules import RuleSet
from services.risk.jobs import Follower, Journal, prune
from services.risk.settings import Settings
from services.risk.usecases import Desk
from shared.clock import utc_now
from shared.database import Database
from shared.http import Background, create_app, every, serve
from shared.messaging import Consumer, Relay, operations_router
from shared.observability import configure
from shared.settings import ProcessRole, read_key

SERVICE = "risk"
PRUNE_EVERY_S = 600.0


def build(settings: Settings) -> FastAPI:
    """The application, with everything that its roles run beside it. Nothing connects before it starts."""
    database = Database.connect(settings.database_url, pool_size=settings.db_pool_size, application_name=SERVICE)
    desk = Desk(Engine(RuleSet(0, ())))
    journal = Journal(database, desk, utc_now)
    follower = Follower(database, desk, journal, utc_now)
    consumer = Consumer(
        database,
        settings.kafka_bootstrap,
        settings.kafka_flavour,
        SERVICE,
        handlers(case_due_after=settings.case_due_after),
    )
    relay = Relay(database, settings.kafka_bootstrap, SERVICE)

    async def prepare() -> None:
        if ProcessRole.API in settings.roles:
            await follower.prepare(threshold_scale=settings.scale)

    by_role: dict[ProcessRole, Sequence[Background]] = {
        ProcessRole.API: (journal, follower),
        ProcessRole.CONSUMER: (consumer.run,),
        ProcessRole.RELAY: (relay.run,),
        ProcessRole.JOBS: (every(PRUNE_EVERY_S, lambda: prune(database, utc_now), name="prune"),),
    }
    stoppers: Sequence[Callable[[], Awaitable[object]]] = (journal.flush, database.close)
    return create_app(
        service=SERVICE,
        title="Kaquan risk",
        identity_key=read_key(settings.keys_dir, "internal.key"),
        problems=PROBLEMS,
        ready=database.ping,
        background=[work for role, works in by_role.items() if role in settings.roles for work in works],
        routers=[*routers(desk, Recorder(database, desk)), operations_router(database, consumer)],
        database=database,
        on_start=(prepare,),
        on_stop=stoppers,
    )


def main() -> None:
    """Run until told to stop."""
    settings = Settings()
    configure(SERVICE, settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
