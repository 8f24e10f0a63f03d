"""What a batch of records does to the database: one transaction, halved until a bad record stands alone, which is parked."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

from shared.contracts import EVENTS, Envelope, Event
from shared.database import Database, DatabaseUnavailableError, TransientDatabaseError, UnitOfWork
from shared.messaging import crash, metrics, parking
from shared.messaging.delivery import Delivery, UndecodableRecordError
from shared.messaging.inbox import remember
from shared.messaging.outbox import pending_events
from shared.messaging.pauses import growing_delays, wait_for_any
from shared.messaging.waves import waves
from shared.observability import continue_trace, current_traceparent, describe_error, get_logger, span

log = get_logger(__name__)

E_contra = TypeVar("E_contra", bound=Event, contravariant=True)


class Handler(Protocol[E_contra]):
    """Takes the events of one type from a batch, in their order per key. Raising refuses all of them."""

    def __call__(self, uow: UnitOfWork, events: "Sequence[Envelope[E_contra]]", /) -> Awaitable[None]: ...


Handlers: TypeAlias = Mapping[type[Event], Handler[Any]]

_RANKS = {kind: rank for rank, kind in enumerate(EVENTS)}
_SAMPLED = "-01"


class AbandonedError(Exception):
    """The partitions were taken away, or the process stops, while the batch waited: what is left of it had no effect."""


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """Delays in seconds. A record that fails alone is tried again after each of `delays_s`, then parked.

    A batch that meets contention (deadlock, lock or statement time-out) is tried as often, then halved; an unavailable
    database is waited for without end. `patience_s` bounds the waiting within one batch: where every record fails, they
    are not waited for one by one.
    """

    delays_s: tuple[float, ...] = (0.05, 0.25, 1.0)
    patience_s: float = 10.0
    unavailable_first_s: float = 0.2
    unavailable_longest_s: float = 5.0


class Processor:
    """Applies records to one service's database, each exactly once in effect."""

    def __init__(
        self,
        database: Database,
        consumer: str,
        handlers: Handlers,
        *,
        retry: RetryOptions = RetryOptions(),
    ) -> None:
        self._database = database
        self._consumer = consumer
        self._handlers = handlers
        self._retry = retry

    async def process(self, deliveries: Sequence[Delivery], *, abandon: Sequence[asyncio.Event]) -> None:
        """Handle these records, in their order per key. Returns when each has taken effect or is parked.

        :raises AbandonedError: one of `abandon` was set while something was waited for.
        """
        await self._process(deliveries, _Waiting(self._retry, abandon))

    async def apply(self, uow: UnitOfWork, deliveries: Sequence[Delivery]) -> None:
        """Call the handlers for these records, in this unit of work, whatever the inbox says of them.

        :raises UndecodableRecordError: a record is not what its schema says.
        :raises Exception: whatever a handler raises.
        """
        entries = [(delivery.ordering_key, delivery.decode()) for delivery in deliveries]
        with _traces(uow, deliveries):
            for kind, envelopes in waves(entries, _RANKS):
                await self._handlers[kind](uow, envelopes)
                metrics.CONSUMER_HANDLED.labels(kind.TYPE).inc(len(envelopes))

    async def _process(self, deliveries: Sequence[Delivery], waiting: "_Waiting") -> None:
        try:
            await self._attempt(deliveries, waiting)
        except AbandonedError:
            raise
        except Exception as error:  # noqa: BLE001  (the edge: it ends in a retry or in the table of parked records)
            if len(deliveries) == 1:
                await self._insist(deliveries[0], error, waiting)
                return
        else:
            return
        metrics.CONSUMER_RETRIES.labels("halved").inc()
        middle = len(deliveries) // 2
        await self._process(deliveries[:middle], waiting)
        await self._process(deliveries[middle:], waiting)

    async def _attempt(self, deliveries: Sequence[Delivery], waiting: "_Waiting") -> None:
        """Once; again while the database is unavailable, and a few times while it is contended."""
        contention = iter(self._retry.delays_s)
        unavailable = growing_delays(
            first_s=self._retry.unavailable_first_s, longest_s=self._retry.unavailable_longest_s
        )
        while True:
            try:
                await self._handle(deliveries)
            except DatabaseUnavailableError as error:
                log.warning("consumer.database_unavailable", reason=describe_error(error))
                metrics.CONSUMER_RETRIES.labels("unavailable").inc()
                await waiting.sleep(next(unavailable))
            except TransientDatabaseError:
                metrics.CONSUMER_RETRIES.labels("contention").inc()
                delay_s = next(contention, None)
                if delay_s is None:
                    raise
                await waiting.sleep(delay_s)
            else:
                return

    async def _insist(self, delivery: Delivery, error: Exception, waiting: "_Waiting") -> None:
        """Try a record that fails alone a few times more, then park it."""
        attempts = 1
        for delay_s in self._retry.delays_s:
            if isinstance(error, UndecodableRecordError) or not waiting.spend(delay_s):
                break
            await waiting.sleep(delay_s)
            attempts += 1
            metrics.CONSUMER_RETRIES.labels("record").inc()
            try:
                await self._attempt([delivery], waiting)
            except AbandonedError:
                raise
            except Exception as again:  # noqa: BLE001  (kept as the reason it is parked for)
                error = again
            else:
                return
        await self._park(delivery, error, attempts, waiting)

    async def _handle(self, deliveries: Sequence[Delivery]) -> None:
        """One transaction: what was not handled before takes effect, what follows a parked record waits behind it."""
        async with self._database.begin(crash_point=crash.CONSUMER_AFTER_EFFECT) as uow:
            fresh, may_be_blocked = await self._fresh(uow, deliveries)
            if fresh and may_be_blocked:
                blocked = await parking.blocked_keys(uow, self._consumer, fresh)
                waiting = [delivery for delivery in fresh if delivery.ordering_key in blocked]
                if waiting:
                    await parking.store_waiting(uow, self._consumer, waiting)
                    fresh = [delivery for delivery in fresh if delivery.ordering_key not in blocked]
            if fresh:
                await self.apply(uow, fresh)
            crash.at(crash.CONSUMER_BEFORE_COMMIT)

    async def _fresh(self, uow: UnitOfWork, deliveries: Sequence[Delivery]) -> tuple[list[Delivery], bool]:
        """Those not handled before, each once, and whether any of their keys may be parked.

        A repetition may have been parked by another process a moment ago, later than our snapshot: then we look again.
        """
        new_ids, has_open = await remember(uow, self._consumer, [delivery.event_id for delivery in deliveries])
        fresh = []
        for delivery in deliveries:
            if delivery.event_id in new_ids:
                new_ids.remove(delivery.event_id)  # a second copy within the batch is a repetition
                fresh.append(delivery)
        repeated = len(deliveries) - len(fresh)
        metrics.CONSUMER_REPEATED.inc(repeated)
        return fresh, has_open or repeated > 0

    async def _park(self, delivery: Delivery, error: Exception, attempts: int, waiting: "_Waiting") -> None:
        log.error(
            "consumer.parked",
            event_id=str(delivery.event_id),
            event_type=delivery.dataschema,
            topic=delivery.topic,
            attempts=attempts,
            exc_info=error,
        )
        metrics.CONSUMER_PARKED.labels(delivery.dataschema).inc()
        reason = f"{type(error).__name__}: {describe_error(error)}"
        delays = growing_delays(first_s=self._retry.unavailable_first_s, longest_s=self._retry.unavailable_longest_s)
        while True:
            try:
                async with self._database.begin(crash_point=crash.CONSUMER_AFTER_EFFECT) as uow:
                    fresh, _ = await self._fresh(uow, [delivery])
                    if fresh:
                        await parking.store_parked(uow, self._consumer, delivery, reason=reason, attempts=attempts)
            except TransientDatabaseError as unavailable:
                log.warning("consumer.database_unavailable", reason=describe_error(unavailable))
                await waiting.sleep(next(delays))
            else:
                return


class _Waiting:
    """The waiting that one batch may do, which ends at once when its partitions are taken away."""

    def __init__(self, options: RetryOptions, abandon: Sequence[asyncio.Event]) -> None:
        self._patience_s = options.patience_s
        self._abandon = abandon

    def spend(self, delay_s: float) -> bool:
        """Whether this batch may still wait that long for a record that fails."""
        self._patience_s -= delay_s
        return self._patience_s >= 0

    async def sleep(self, delay_s: float) -> None:
        """:raises AbandonedError: the partitions were taken away, or we are asked to stop."""
        if await wait_for_any(*self._abandon, timeout_s=delay_s):
            raise AbandonedError


@contextmanager
def _traces(uow: UnitOfWork, deliveries: Sequence[Delivery]) -> Iterator[None]:
    """Continue the records' traces: what is announced about a key belongs to the trace of that key's record.

    Each recorded trace gets a span for its record. What is not recorded is passed on as it came, at no cost.
    """
    causes = pending_events(uow).causes
    with ExitStack() as stack:
        for delivery in deliveries:
            if delivery.traceparent is None:
                continue
            causes[delivery.key] = delivery.traceparent
            if delivery.traceparent.endswith(_SAMPLED):
                stack.enter_context(continue_trace(delivery.traceparent))
                stack.enter_context(span(f"consume {delivery.dataschema}", batch_size=len(deliveries)))
                causes[delivery.key] = current_traceparent() or delivery.traceparent
        stack.enter_context(continue_trace(causes.get(deliveries[0].key)))
        yield
