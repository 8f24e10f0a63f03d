"""Tells whether the broker still has what this service once wrote to it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.messaging.publisher import REQUEST_TIMEOUT_MS, Partition


@dataclass(frozen=True, slots=True)
class BrokerState:
    """`loss` says what is missing of what was acknowledged; None when nothing is."""

    cluster_id: str | None
    loss: str | None


async def inspect_broker(
    bootstrap: str, *, positions: Mapping[Partition, int], clusters: Collection[str]
) -> BrokerState:
    """Compare the broker with the last offset that it acknowledged for each partition, and with its own name then.

    :raises aiokafka.errors.KafkaError: the broker does not answer.
    """
    cluster_id, known = await _describe(bootstrap)
    if clusters and set(clusters) != {cluster_id}:
        return BrokerState(cluster_id, "the cluster is another one")
    missing = [place for place in positions if place not in known]
    if missing:
        return BrokerState(cluster_id, f"{missing[0][0]}/{missing[0][1]} is gone")
    ends = await _end_offsets(bootstrap, positions)
    for place, last_offset in positions.items():
        if ends[place] <= last_offset:
            return BrokerState(cluster_id, f"{place[0]}/{place[1]} ends at {ends[place]}, not after {last_offset}")
    return BrokerState(cluster_id, None)


async def _describe(bootstrap: str) -> tuple[str | None, set[Partition]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        topics = await admin.describe_topics()
        known = {(topic["topic"], partition["partition"]) for topic in topics for partition in topic["partitions"]}
        return cluster.get("cluster_id"), known
    finally:
        await admin.close()


async def _end_offsets(bootstrap: str, positions: Collection[Partition]) -> Mapping[Partition, int]:
    if not positions:
        return {}
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await client.start()
        ends = await client.end_offsets([TopicPartition(*place) for place in positions])
        return {(place.topic, place.partition): end for place, end in ends.items()}
    finally:
        await client.stop()
