"""Makes the topics of the contracts, with their dead letters, and widens those that have too few partitions.

Run: `python -m shared.messaging.topics`. It may run as often as one likes. Reads `KAQUAN_KAFKA_BOOTSTRAP` and
`KAQUAN_KAFKA_REPLICATION`.
"""

import asyncio
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import CoordinatorNotAvailableError, NoError, TopicAlreadyExistsError, for_code
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.contracts.topics import TOPICS, Topic
from shared.messaging import retention

REQUEST_TIMEOUT_MS = 15_000
NO_CONTROLLER = -1


class TopicSettings(BaseSettings):
    """What it takes to make topics. `replication` is 3 on a cluster worth the name."""

    model_config = SettingsConfigDict(env_prefix="KAQUAN_", env_ignore_empty=True, extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:8301"
    kafka_replication: int = Field(default=1, ge=1, le=5)


async def ensure_topics(
    bootstrap: str, *, replication: int | None = None, topics: Iterable[Topic] = TOPICS
) -> list[str]:
    """Make what is missing, widen what is too narrow; answers the names of what was done.

    :raises aiokafka.errors.KafkaError: the broker does not answer, or refuses.
    """
    copies = replication or TopicSettings().kafka_replication
    wanted = {topic.name: topic for topic in _new_topics(topics, replication=copies)}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        if await _makes_topics_when_asked_about(admin):
            await admin.describe_topics(list(wanted))
            return []
        known = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
        missing = [topic for name, topic in wanted.items() if name not in known]
        narrow = {
            name: NewPartitions(topic.num_partitions)
            for name, topic in wanted.items()
            if 0 < known.get(name, 0) < topic.num_partitions
        }
        if missing:
            _check(await admin.create_topics(missing), "topic_errors")
        if narrow:
            _check(await admin.create_partitions(narrow), "topic_errors")
        return [topic.name for topic in missing] + list(narrow)
    finally:
        await admin.close()


async def _makes_topics_when_asked_about(admin: AIOKafkaAdminClient) -> bool:
    """The embedded broker is known by its controller, which does not exist; nothing else can make topics there.

    :raises CoordinatorNotAvailableError: a cluster is choosing its controller just now.
    """
    cluster = await admin.describe_cluster()
    controller = cluster["controller_id"]
    if controller == NO_CONTROLLER:
        raise CoordinatorNotAvailableError("the cluster has no controller at the moment")
    return controller not in {broker["node_id"] for broker in cluster["brokers"]}


def _new_topics(topics: Iterable[Topic], *, replication: int) -> Iterable[NewTopic]:
    for topic in topics:
        for name, kept in ((topic.name, retention.TOPICS), (topic.dead_letters, retention.DEAD_LETTERS)):
            yield NewTopic(
                name,
                num_partitions=topic.partitions,
                replication_factor=replication,
                topic_configs=_configuration(kept, replication=replication),
            )


def _configuration(kept: timedelta, *, replication: int) -> Mapping[str, str]:
    return {
        "retention.ms": _milliseconds(kept),
        "segment.ms": _milliseconds(retention.SEGMENTS),
        "min.insync.replicas": "2" if replication > 2 else "1",  # noqa: PLR2004  (one of three may be away)
    }


def _milliseconds(span: timedelta) -> str:
    return str(int(span.total_seconds() * 1000))


def _check(response: Any, field: str) -> None:
    for problem in getattr(response, field):
        error = for_code(problem[1])
        if error not in {NoError, TopicAlreadyExistsError}:
            raise error(f"{problem[0]}: {problem[2] if len(problem) > 2 else ''}")  # noqa: PLR2004  (older answers have no text)


def main() -> int:
    """The command line."""
    settings = TopicSettings()
    done = asyncio.run(ensure_topics(settings.kafka_bootstrap, replication=settings.kafka_replication))
    sys.stdout.write(f"topics: {len(TOPICS)} with their dead letters, {len(done)} made or widened\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
