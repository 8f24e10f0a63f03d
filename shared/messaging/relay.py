"""The relay: takes what is committed in the outbox to Kafka, in order, for ever."""

import asyncio

import asyncpg
from aiokafka.errors import KafkaError

from shared.database import Database
from shared.database.auxiliary import AdvisoryLocks
from shared.messaging import metrics
from shared.messaging.client_logs import calm_client_logs
from shared.messaging.leader import BrokerLostRecordsError, Leader, LeadershipLostError, RelayOptions
from shared.messaging.outbox import CHANNEL
from shared.messaging.pauses import run_for_ever, wait_for
from shared.observability import get_logger

log = get_logger(__name__)

LOCK = "kaquan.relay"
STANDBY_S = 1.0

_INTERRUPTIONS = (
    KafkaError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    LeadershipLostError,
    BrokerLostRecordsError,
)


class Relay:
    """Publishes the outbox of one database. Any number may run; the one that holds the lock works.

    The lock, the claims and the marks share one connection, so that a relay which lost the lock can claim nothing more.
    A crash between publishing and marking publishes again; the consumers' inboxes make that harmless.
    """

    def __init__(
        self,
        database: Database,
        bootstrap: str,
        service: str,
        *,
        options: RelayOptions = RelayOptions(),  # noqa: B008  (frozen)
    ) -> None:
        self._database = database
        self._bootstrap = bootstrap
        self._service = service
        self._options = options

    async def run(self, stop: asyncio.Event) -> None:
        """Lead or stand by until `stop` is set. Lost servers are waited for."""
        calm_client_logs()
        await run_for_ever(
            lambda: self._stand_by(stop),
            stop,
            who="relay",
            expected=_INTERRUPTIONS,
            failed=metrics.RELAY_FAILURES.inc,
        )

    async def _stand_by(self, stop: asyncio.Event) -> None:
        async with self._database.dedicated() as raw:
            lost = asyncio.Event()
            raw.add_termination_listener(lambda _: lost.set())
            await raw.execute(f"SET idle_session_timeout = {int(self._options.frozen_s * 1000)}")
            while not await raw.fetchval(AdvisoryLocks.TRY, LOCK):
                if await wait_for(stop, timeout_s=STANDBY_S):
                    return
            log.info("relay.leads", source=self._service)
            metrics.RELAY_LEADING.set(1)
            try:
                with self._database.answering(CHANNEL):
                    async with self._database.listen(CHANNEL) as bell:
                        leader = Leader(raw, self._bootstrap, self._options, bell=bell, stop=stop, lost=lost)
                        await leader.lead()
            finally:
                metrics.RELAY_LEADING.set(0)
