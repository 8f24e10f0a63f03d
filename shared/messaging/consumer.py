"""The consumer of one service: all its topics in one group, batch by batch."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared.contracts import dataschema
from shared.database import Database, TransientDatabaseError, UnitOfWork
from shared.messaging import metrics, parking
from shared.messaging.client_logs import calm_client_logs
from shared.messaging.delivery import Delivery, read_delivery
from shared.messaging.pauses import run_for_ever, wait_for
from shared.messaging.processing import AbandonedError, Handlers, Processor, RetryOptions
from shared.messaging.topics import ensure_topics
from shared.observability import describe_error, get_logger

log = get_logger(__name__)

HEARTBEAT_INTERVAL_MS = 3_000
MAX_POLL_INTERVAL_MS = 300_000
REQUEST_TIMEOUT_MS = 20_000
RETRY_BACKOFF_MS = 250
EMBEDDED = "embedded"
"""The flavour of broker that knows no static members."""

METADATA_MAX_AGE_MS = 10_000
"""How soon a topic that was made again after a wipe is noticed."""

PARTITION_FETCH_BYTES_MAX = 1024 * 1024
FETCH_BYTES_MAX = 8 * 1024 * 1024
"""What is fetched ahead is bounded by these, and fetching waits while it is unread."""

DRAIN_WITHIN_S = 8.0
"""How long a partition that is taken away is kept for the batch under way; less than the session's time-out."""

STOP_WITHIN_S = 3.0
GAUGES_S = 5.0

Records: TypeAlias = "Mapping[TopicPartition, Sequence[Any]]"


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """Batch size in records, times in seconds.

    `pace_s`: the pause between small batches; what arrives meanwhile shares the next one. `offsets_s`: how often offsets
    are committed; what a crash repeats since then, the inbox recognises. `session_s`: after this silence a member is
    given up, unless it comes back under its own name before.
    """

    batch_records: int = 500
    poll_s: float = 0.5
    pace_s: float = 0.08
    offsets_s: float = 0.25
    session_s: float = 15.0


class Consumer:
    """Handles a service's events, each exactly once in effect: see `Processor` for what a batch does.

    `handlers` says which types are wanted; their topics are subscribed, other types in them are passed over. `instance`
    names this process within the group for good, so that a restart takes its partitions up again without a rebalance: by
    default the host's name, which in a StatefulSet ends with the ordinal. Two processes must not share it.
    """

    def __init__(
        self,
        database: Database,
        bootstrap: str,
        flavour: str,
        service: str,
        handlers: Handlers,
        *,
        instance: str | None = None,
        options: ConsumerOptions = ConsumerOptions(),
        retry: RetryOptions = RetryOptions(),  # noqa: B008  (frozen)
    ) -> None:
        self.name = service
        self.database = database
        self.processor = Processor(database, service, handlers, retry=retry)
        self.lag: dict[str, int] = {}
        self._bootstrap = bootstrap
        self._flavour = flavour
        self._options = options
        self._instance = instance or socket.gethostname()
        self._topics = sorted({kind.TOPIC for kind in handlers})
        self._wanted = {dataschema(kind) for kind in handlers}

    @property
    def topics(self) -> Sequence[str]:
        return self._topics

    async def apply(self, uow: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        """Call the handlers for parked records that are replayed: see `Processor.apply`."""
        await self.processor.apply(uow, deliveries)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then finish the batch under way and commit its offsets. Lost servers are waited for."""
        if not self._topics:
            await stop.wait()
            return
        calm_client_logs()
        await run_for_ever(
            lambda: self._consume(stop),
            stop,
            who="consumer",
            expected=(KafkaError, OSError),
            failed=metrics.CONSUMER_FAILURES.inc,
        )

    async def _consume(self, stop: asyncio.Event) -> None:
        await ensure_topics(self._bootstrap)
        client = self._client()
        term = _Term(client, self, self._options, stop)
        client.subscribe(self._topics, listener=term)
        try:
            await client.start()
            await term.run()
        finally:
            await term.end()
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(client.stop(), STOP_WITHIN_S)

    def _client(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id=f"{self.name}-consumer",
            group_id=self.name,
            group_instance_id=None if self._flavour == EMBEDDED else f"{self.name}-{self._instance}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(self._options.session_s * 1000),
            heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES_MAX,
            fetch_max_bytes=FETCH_BYTES_MAX,
        )

    def select(self, records: Records) -> list[Delivery]:
        """The records of wanted types, partition by partition."""
        deliveries = []
        passed_over = 0
        for partition_records in records.values():
            for record in partition_records:
                delivery = read_delivery(record, self._wanted)
                if delivery is not None:
                    deliveries.append(delivery)
                else:
                    passed_over += 1
        if passed_over:
            metrics.CONSUMER_SKIPPED.inc(passed_over)
        return deliveries


class _Term(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka carries no types
    """One membership in the group, from joining to leaving or to the first failure."""

    def __init__(
        self, client: AIOKafkaConsumer, consumer: Consumer, options: ConsumerOptions, stop: asyncio.Event
    ) -> None:
        self._client = client
        self._consumer = consumer
        self._options = options
        self._stop = stop
        self._busy = asyncio.Lock()
        self._abandon = asyncio.Event()
        self._assignment = 0
        self._handled: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._next_commit = self._next_gauges = 0.0

    async def run(self) -> None:
        while not self._stop.is_set():
            assignment = self._assignment
            records: Records = await self._client.getmany(
                timeout_ms=int(self._options.poll_s * 1000), max_records=self._options.batch_records
            )
            if records:
                await self._take(records, assignment)
            self._commit_if_due()
            await self._show_gauges_if_due()
            if records and sum(map(len, records.values())) < self._options.batch_records // 2:
                await wait_for(self._stop, timeout_s=self._options.pace_s)

    async def end(self) -> None:
        """Commit what is handled, if the broker answers soon; what is not committed the inbox will recognise."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_WITHIN_S):
                if self._committing is not None:
                    await self._committing
                await self._commit()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Let the batch under way end, or give it up when it waits for the database; then commit what is handled."""
        self._abandon.set()
        try:
            async with asyncio.timeout(DRAIN_WITHIN_S), self._busy:
                if self._committing is not None:
                    await self._committing
                await self._commit()
        except TimeoutError:
            log.warning("consumer.drain_took_too_long", partitions=len(revoked))
        self._assignment += 1  # what was fetched before belongs to whoever gets the partition
        self._handled.clear()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """Begin anew from the committed offsets."""
        self._abandon.clear()
        log.info("consumer.assigned", partitions=len(assigned))

    async def _take(self, records: Records, assignment: int) -> None:
        async with self._busy:
            if assignment != self._assignment:
                return
            started = time.perf_counter()
            deliveries = self._consumer.select(records)
            if deliveries:
                try:
                    await self._consumer.processor.process(deliveries, abandon=(self._abandon, self._stop))
                except AbandonedError:
                    log.info("consumer.batch_abandoned", size=len(deliveries))
                    return
                metrics.CONSUMER_BATCH.observe(len(deliveries))
                metrics.CONSUMER_BATCH_SECONDS.observe(time.perf_counter() - started)
            if assignment == self._assignment:
                for place, partition_records in records.items():
                    self._handled[place] = partition_records[-1].offset + 1

    def _commit_if_due(self) -> None:
        now = time.monotonic()
        if not self._handled or now < self._next_commit or not (self._committing is None or self._committing.done()):
            return
        self._next_commit = now + self._options.offsets_s
        self._committing = asyncio.ensure_future(self._commit())

    async def _commit(self) -> None:
        """Commit the offsets of what is handled. A failure only means that the inbox will see it again."""
        offsets, self._handled = self._handled, {}
        if not offsets:
            return
        try:
            await self._client.commit(offsets)
        except KafkaError as error:
            log.info("consumer.offsets_not_committed", reason=describe_error(error), kind=type(error).__name__)

    async def _show_gauges_if_due(self) -> None:
        now = time.monotonic()
        if now < self._next_gauges:
            return
        self._next_gauges = now + GAUGES_S
        with contextlib.suppress(TransientDatabaseError):
            async with self._consumer.database.read() as uow:
                await parking.count_open(uow)
        for topic, lag in (await self._lag()).items():
            metrics.CONSUMER_LAG.labels(topic).set(lag)
            self._consumer.lag[topic] = lag

    async def _lag(self) -> dict[str, int]:
        """Records that wait in the assigned partitions, as far as the last fetch knows."""
        lag = dict.fromkeys(self._consumer.topics, 0)
        for place in self._client.assignment():
            end = self._client.highwater(place)
            if end is not None:
                lag[place.topic] += max(0, end - await self._client.position(place))
        return lag
