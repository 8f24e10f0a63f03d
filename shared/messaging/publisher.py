"""Puts outbox rows into Kafka: idempotent, all acknowledgements awaited, one batch per partition at a time."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.messaging.delivery import HEADER_ID, HEADER_SCHEMA, HEADER_TRACE
from shared.messaging.outbox import PAYLOAD_BYTES_MAX
from shared.messaging.partitioning import partition_of

BATCH_BYTES_MAX = PAYLOAD_BYTES_MAX + 256 * 1024
"""Room for the largest event and its headers; a batch is one request's share of one partition."""

REQUEST_BYTES_MAX = 1024 * 1024
REQUEST_TIMEOUT_MS = 10_000
STOP_WITHIN_S = 5.0
METADATA_MAX_AGE_MS = 30_000

_CONTENT_TYPE = ("content-type", b"application/cloudevents+json")

Partition = tuple[str, int]


@dataclass(slots=True)
class PartitionBatch:
    """What goes to one partition in one round."""

    builder: Any
    ids: list[int] = field(default_factory=list)
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Published:
    """What the broker acknowledged, with the last offset it gave in each partition."""

    ids: list[int] = field(default_factory=list)
    last_offsets: dict[Partition, int] = field(default_factory=dict)


class Publisher:
    """One producer. It retries for ever what can be retried, in order; after any other failure make a new one."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            max_batch_size=BATCH_BYTES_MAX,
            max_request_size=REQUEST_BYTES_MAX,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
        )

    async def start(self) -> None:
        """:raises KafkaError: nobody answers."""
        try:
            await self._producer.start()
        except BaseException:
            await self.abort()
            raise

    async def publish(self, rows: Sequence[Any]) -> Published:
        """Send these rows, in their order within each partition, and wait until all that was sent is acknowledged.

        What does not fit a partition's batch is left for the next round, with everything after it in that partition.

        :raises KafkaError: some were refused for good. Which of them arrived is not known; none may be marked.
        """
        batches = await self._pack(rows)
        waiting = [
            await self._producer.send_batch(batch.builder, topic, partition=partition)
            for (topic, partition), batch in batches.items()
        ]
        published = Published()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        for (place, batch), acknowledged in zip(batches.items(), answers, strict=True):
            if isinstance(acknowledged, BaseException):
                raise acknowledged
            published.ids.extend(batch.ids)
            if acknowledged.offset >= 0:  # a repetition is acknowledged without its place
                published.last_offsets[place] = acknowledged.offset + len(batch.ids) - 1
        return published

    async def stop(self) -> None:
        """Let go; what is not acknowledged by then will be published again by whoever leads next."""
        with contextlib.suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(self._producer.stop(), STOP_WITHIN_S)
            return
        await self.abort()

    async def abort(self) -> None:
        """Send nothing more, from now on."""
        self._producer._closed = True  # noqa: SLF001  # stop() would first wait for every acknowledgement
        sender = self._producer._sender.sender_task  # noqa: SLF001
        if sender is not None:
            sender.cancel()
        with contextlib.suppress(KafkaError, OSError):
            await self._producer.client.close()
        if sender is not None:
            await asyncio.wait([sender], timeout=STOP_WITHIN_S)

    async def _pack(self, rows: Sequence[Any]) -> dict[Partition, PartitionBatch]:
        """:raises KafkaError: there is no such topic."""
        batches: dict[Partition, PartitionBatch] = {}
        counts: dict[str, int] = {}
        for row in rows:
            topic, key = row["topic"], row["key"]
            if topic not in counts:
                counts[topic] = len(await self._producer.partitions_for(topic))
            place = (topic, partition_of(key, counts[topic]))
            batch = batches.get(place)
            if batch is None:
                batch = batches[place] = PartitionBatch(self._producer.create_batch())
            if batch.is_full:
                continue
            added = batch.builder.append(timestamp=None, key=key.encode(), value=row["payload"], headers=_headers(row))
            if added is None:
                batch.is_full = True
            else:
                batch.ids.append(row["id"])
        return batches


def _headers(row: Any) -> list[tuple[str, bytes]]:
    headers = [
        _CONTENT_TYPE,
        (HEADER_ID, str(row["event_id"]).encode()),
        (HEADER_SCHEMA, row["dataschema"].encode()),
    ]
    if row["traceparent"]:
        headers.append((HEADER_TRACE, row["traceparent"].encode()))
    if row["headers"]:
        headers.extend((name, str(value).encode()) for name, value in row["headers"].items())
    return headers
