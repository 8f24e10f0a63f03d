"""The relay: takes what is committed in the outbox to Kafka, in order, for ever."""

import asyncio
import time

import asyncpg
from aiokafka.errors import KafkaError

from shared.database import Database
from shared.database.auxiliary import AdvisoryLocks
from shared.messaging import metrics
from shared.messaging.leader import BrokerLostRecordsError, Leader, LeadershipLostError, RelayOptions
from shared.messaging.outbox import CHANNEL
from shared.messaging.pauses import growing_delays, wait_for
from shared.observability import describe_error, get_logger

log = get_logger(__name__)

LOCK = "kaquan.relay"
STANDBY_S = 1.0
RESTART_DELAY_S = 0.5
RESTART_DELAY_MAX_S = 5.0

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
        delays = growing_delays(first_s=RESTART_DELAY_S, longest_s=RESTART_DELAY_MAX_S)
        while not stop.is_set():
            started = time.monotonic()
            try:
                await self._stand_by(stop)
            except _INTERRUPTIONS as error:
                metrics.RELAY_FAILURES.inc()
                log.warning("relay.interrupted", reason=describe_error(error))
            except Exception:
                metrics.RELAY_FAILURES.inc()
                log.exception("relay.failed")
            if time.monotonic() - started > RESTART_DELAY_MAX_S:
                delays = growing_delays(first_s=RESTART_DELAY_S, longest_s=RESTART_DELAY_MAX_S)
            await wait_for(stop, timeout_s=next(delays))

    async def _stand_by(self, stop: asyncio.Event) -> None:
        async with self._database.dedicated() as raw:
            lost = asyncio.Event()
            raw.add_termination_listener(lambda _: lost.set())
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
