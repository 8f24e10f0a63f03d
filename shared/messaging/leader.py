"""The relay that holds the lock: claims, publishes, marks; notices a wiped broker and fills it again."""

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import KafkaError

from shared.database import Connection
from shared.messaging import crash, metrics, outbox_store
from shared.messaging.broker_check import inspect_broker
from shared.messaging.outbox_store import Refill
from shared.messaging.pauses import wait_for_any
from shared.messaging.publisher import Partition, Published, Publisher
from shared.messaging.topics import ensure_topics
from shared.observability import get_logger

log = get_logger(__name__)

ACK_PATIENCE_S = 5.0
"""After this long without acknowledgement the topics are looked at: perhaps they are gone."""

STOP_PATIENCE_S = 3.0
"""How long shutdown waits for acknowledgements; what has none by then is published again by the next leader."""

GAUGES_S = 5.0


class BrokerLostRecordsError(Exception):
    """The broker gave an offset that it had given before: it is empty, or another one."""


class LeadershipLostError(Exception):
    """The connection that held the lock ended: somebody else may lead now."""


@dataclass(frozen=True, slots=True)
class RelayOptions:
    """Batch sizes in rows, times in seconds.

    `poll_s`: how long a committed row waits at most when its ring was lost. `pace_s`: the pause between small batches;
    what arrives meanwhile shares the next one. `check_s`: how often an idle relay asks whether the broker still has
    everything. `frozen_s`: after this silence the server ends the relay's session, and with it the lock, so that a relay
    that froze does not hold up the outbox. `settle_s`: after a broker was wiped, the time for consumers to notice that their group is gone too (twice
    their heartbeat), so that they begin at the beginning.
    """

    batch_rows: int = 1_000
    poll_s: float = 1.0
    pace_s: float = 0.04
    check_s: float = 15.0
    settle_s: float = 7.0
    frozen_s: float = 30.0


class Leader:
    """One term of leadership, from the lock's gain to its loss, to shutdown, or to the first failure.

    :raises LeadershipLostError, BrokerLostRecordsError, KafkaError, asyncpg.PostgresError: begin a new term.
    """

    def __init__(
        self,
        raw: Connection,
        bootstrap: str,
        options: RelayOptions,
        *,
        bell: asyncio.Event,
        stop: asyncio.Event,
        lost: asyncio.Event,
    ) -> None:
        self._raw = raw
        self._bootstrap = bootstrap
        self._options = options
        self._bell = bell
        self._stop = stop
        self._lost = lost
        self._positions: dict[Partition, int] = {}
        self._cluster_id: str | None = None
        self._refill: Refill | None = None
        self._next_look = self._next_check = self._next_gauges = 0.0

    async def lead(self) -> None:
        await ensure_topics(self._bootstrap)
        await self._check_broker()
        self._refill = await outbox_store.read_refill(self._raw)
        if self._refill is not None:
            await wait_for_any(self._stop, self._lost, timeout_s=self._options.settle_s)
        publisher = Publisher(self._bootstrap)
        await publisher.start()
        try:
            while not self._stop.is_set():
                self._require_lock()
                await self._look_around()
                await self._round(publisher)
        except BaseException:
            await publisher.abort()
            raise
        await publisher.stop()

    async def _round(self, publisher: Publisher) -> None:
        self._bell.clear()
        limit = self._options.batch_rows
        if self._refill is not None:
            rows = await outbox_store.claim_range(self._raw, self._refill, limit=limit)
            await self._advance_refill(rows, await self._take_out(publisher, rows))
            return
        rows = await outbox_store.claim(self._raw, limit=limit)
        await self._take_out(publisher, rows)
        if not rows:
            await wait_for_any(self._bell, self._stop, self._lost, timeout_s=self._options.poll_s)
        elif len(rows) < limit:
            await wait_for_any(self._stop, self._lost, timeout_s=self._options.pace_s)

    async def _take_out(self, publisher: Publisher, rows: Sequence[Any]) -> Published:
        if not rows:
            return Published()
        crash.at(crash.RELAY_BEFORE_PUBLISH)
        published = await self._publish(publisher, rows)
        crash.at(crash.RELAY_AFTER_PUBLISH)
        await self._refuse_known_offsets(published)
        await outbox_store.mark(self._raw, published, cluster_id=self._cluster_id)
        self._positions.update(published.last_offsets)
        metrics.RELAY_PUBLISHED.inc(len(published.ids))
        metrics.RELAY_BATCH.observe(len(published.ids))
        return published

    async def _publish(self, publisher: Publisher, rows: Sequence[Any]) -> Published:
        """Publish, however long it takes: a lost broker is waited for, topics that are gone are made again."""
        publishing = asyncio.ensure_future(publisher.publish(rows))
        ended = asyncio.ensure_future(wait_for_any(self._lost, self._stop, timeout_s=math.inf))
        try:
            while not publishing.done():
                await asyncio.wait((publishing, ended), timeout=ACK_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
                self._require_lock()
                if self._stop.is_set():
                    await asyncio.wait((publishing,), timeout=STOP_PATIENCE_S)
                    break
                if not publishing.done():
                    await self._raw.execute("SELECT 1")  # not frozen, only waiting
                    with contextlib.suppress(KafkaError):
                        await ensure_topics(self._bootstrap)
            if publishing.done():
                return publishing.result()
            raise LeadershipLostError("stopped while the broker did not answer")
        finally:
            ended.cancel()
            publishing.cancel()

    async def _refuse_known_offsets(self, published: Published) -> None:
        for (topic, partition), last_offset in published.last_offsets.items():
            if last_offset <= self._positions.get((topic, partition), -1):
                await self._forget_broker(f"{topic}/{partition} gave offset {last_offset} again")

    async def _look_around(self) -> None:
        """What need not be asked in every round."""
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + self._options.poll_s
            self._refill = await outbox_store.read_refill(self._raw)
        if now >= self._next_gauges:
            self._next_gauges = now + GAUGES_S
            pending = await outbox_store.count_pending(self._raw)
            metrics.OUTBOX_PENDING.set(pending.count)
            metrics.OUTBOX_OLDEST_SECONDS.set(pending.oldest_s)
        if now >= self._next_check:
            await self._check_broker()

    async def _check_broker(self) -> None:
        self._next_check = time.monotonic() + self._options.check_s
        self._positions, clusters = await outbox_store.read_positions(self._raw)
        state = await inspect_broker(self._bootstrap, positions=self._positions, clusters=clusters)
        self._cluster_id = state.cluster_id
        if state.loss is not None:
            await self._forget_broker(state.loss)

    async def _forget_broker(self, loss: str) -> None:
        """:raises BrokerLostRecordsError: always; the next term begins with publishing everything again."""
        count = await outbox_store.forget_broker(self._raw, reason=loss)
        metrics.RELAY_REFILLS.inc()
        log.warning("relay.broker_lost_records", loss=loss, to_publish_again=count)
        raise BrokerLostRecordsError(loss)

    async def _advance_refill(self, rows: Sequence[Any], published: Published) -> None:
        """Go on after what was published without a gap; a full partition leaves some for the next round."""
        if self._refill is None:
            return
        done = set(published.ids)
        left = next((row["id"] for row in rows if row["id"] not in done), None)
        next_id = left or (rows[-1]["id"] if rows else self._refill.last_id) + 1
        await outbox_store.advance_refill(self._raw, next_id=next_id)
        self._refill = await outbox_store.read_refill(self._raw)

    def _require_lock(self) -> None:
        if self._lost.is_set():
            raise LeadershipLostError
