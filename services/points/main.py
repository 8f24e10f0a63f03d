"""Builds the points service and runs it. `KAQUAN_ROLES` says which parts of it this process is."""

from collections.abc import Sequence

from fastapi import FastAPI

from services.points import jobs
from services.points.api import PROBLEMS, router
from services.points.consumers import handlers
from services.points.settings import Settings
from shared.clock import utc_now
from shared.database import Database
from shared.http import Background, create_app, every, serve
from shared.messaging import Consumer, Relay, operations_router
from shared.observability import configure
from shared.settings import ProcessRole, read_key

SERVICE = "points"
MEASURE_EVERY_S = 30.0
FORGET_EVERY_S = 600.0


def build(settings: Settings) -> FastAPI:
    """The application, with everything that its roles run beside it. Nothing connects before it starts."""
    database = Database.connect(settings.database_url, pool_size=settings.db_pool_size, application_name=SERVICE)
    consumer = Consumer(database, settings.kafka_bootstrap, settings.kafka_flavour, SERVICE, handlers(settings.terms))
    relay = Relay(database, settings.kafka_bootstrap, SERVICE)
    by_role: dict[ProcessRole, Sequence[Background]] = {
        ProcessRole.CONSUMER: (consumer.run,),
        ProcessRole.RELAY: (relay.run,),
        ProcessRole.JOBS: (
            every(settings.points_job_every_s, lambda: jobs.roll(database, utc_now), name="points.roll"),
            every(MEASURE_EVERY_S, lambda: jobs.measure(database, utc_now), name="points.measure"),
            every(FORGET_EVERY_S, lambda: jobs.forget(database, utc_now), name="points.forget"),
        ),
    }
    return create_app(
        service=SERVICE,
        title="Kaquan points",
        identity_key=read_key(settings.keys_dir, "internal.key"),
        problems=PROBLEMS,
        ready=database.ping,
        background=[work for role, works in by_role.items() if role in settings.roles for work in works],
        routers=[router(settings.terms), operations_router(database, consumer)],
        database=database,
        on_stop=[database.close],
    )


def main() -> None:
    """Run until told to stop."""
    settings = Settings()
    configure(SERVICE, settings)
    serve(build(settings), host=settings.host, port=settings.port)


if __name__ == "__main__":
    main()
