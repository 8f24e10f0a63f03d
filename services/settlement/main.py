"""Builds the settlement service and runs it. `KAQUAN_ROLES` says which parts of it this process is.

`python -m services.settlement.main verify` reads the whole ledger again instead, prints what it found, and fails if
anything is not as it was sealed.
"""

import asyncio
import sys
from collections.abc import Sequence

from fastapi import FastAPI

from services.settlement import jobs
from services.settlement.api import PROBLEMS, routers
from services.settlement.consumers import handlers
from services.settlement.queries.verify import verify_ledger
from services.settlement.settings import Settings
from services.settlement.usecases.books import Books
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import Database
from shared.http import Background, create_app, every, serve
from shared.messaging import Consumer, Relay, operations_router
from shared.observability import configure
from shared.settings import ProcessRole, read_key

SERVICE = "settlement"
SEAL_EVERY_S = 1.0
CUT_OFF_EVERY_S = 60.0
VERIFY_EVERY_S = 24 * 3600.0
FORGET_EVERY_S = 600.0


def build(settings: Settings) -> FastAPI:
    """The application, with everything that its roles run beside it. Nothing connects before it starts."""
    database = Database.connect(settings.database_url, pool_size=settings.db_pool_size, application_name=SERVICE)
    books = Books()
    consumer = Consumer(
        database, settings.kafka_bootstrap, settings.kafka_flavour, SERVICE, handlers(books, clock=utc_now)
    )
    relay = Relay(database, settings.kafka_bootstrap, SERVICE)
    by_role: dict[ProcessRole, Sequence[Background]] = {
        ProcessRole.CONSUMER: (consumer.run,),
        ProcessRole.RELAY: (relay.run,),
        ProcessRole.JOBS: (
            every(SEAL_EVERY_S, lambda: jobs.seal(database, utc_now), name="ledger.seal"),
            every(CUT_OFF_EVERY_S, lambda: jobs.cut_off(database, utc_now), name="statements.cut_off"),
            every(VERIFY_EVERY_S, lambda: jobs.verify(database), name="ledger.verify"),
            every(FORGET_EVERY_S, lambda: jobs.forget(database, utc_now), name="settlement.forget"),
        ),
    }
    return create_app(
        service=SERVICE,
        title="Kaquan settlement",
        identity_key=read_key(settings.keys_dir, "internal.key"),
        problems=PROBLEMS,
        ready=database.ping,
        background=[work for role, works in by_role.items() if role in settings.roles for work in works],
        routers=[
            *routers(Keyring.from_file(settings.keys_dir / "kek.json"), books),
            operations_router(database, consumer),
        ],
        database=database,
        on_stop=[database.close],
    )


async def verify(settings: Settings) -> bool:
    """Verify the ledger and print the outcome as JSON; whether it is whole."""
    database = Database.connect(settings.database_url, pool_size=1, application_name=f"{SERVICE}-verify")
    try:
        outcome = await verify_ledger(database)
    finally:
        await database.close()
    sys.stdout.write(outcome.model_dump_json(indent=2) + "\n")
    return outcome.ok


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop, or verify; answers the process's exit code."""
    settings = Settings()
    configure(SERVICE, settings)
    if list(arguments) == ["verify"]:
        return 0 if asyncio.run(verify(settings)) else 1
    serve(build(settings), host=settings.host, port=settings.port)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
