"""The broker of a test session: Apache Kafka, started when the first test asks for it; else the embedded one."""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from dev.stack.brokers import BrokerPlaces, Flavour, start_broker, wanted_flavour
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.ports import find_free_ports
from tests.support.session import TestSession


@dataclass(frozen=True)
class TestBroker:
    """Where tests connect. Topics exist once `shared.messaging.topics` has made them: see the fixture."""

    __test__ = False

    bootstrap: str
    flavour: Literal["kafka", "embedded"]

    @property
    def is_kafka(self) -> bool:
        return self.flavour == "kafka"


def start_test_broker(session: TestSession) -> TestBroker:
    """Under CI only Kafka will do; a developer may go on with the embedded broker."""
    port, controller_port = find_free_ports(2)
    places = BrokerPlaces(
        directory=session.directory / "kafka",
        jars=Layout.from_environment().kafka_libraries,
        port=port,
        controller_port=controller_port,
        supervisor=session.supervisor,
        say=print,
    )
    choice = start_broker(places, wanted=Flavour.KAFKA if in_ci() else wanted_flavour())
    flavour: Literal["kafka", "embedded"] = "kafka" if choice.flavour is Flavour.KAFKA else "embedded"
    return TestBroker(bootstrap=choice.bootstrap, flavour=flavour)


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def make_contract_topics(broker: TestBroker) -> None:
    """Every topic that the contracts name, made by the same command that a deployment runs."""
    subprocess.run(
        [sys.executable, "-m", "shared.messaging.topics"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "KAQUAN_ENVIRONMENT": "test",
            "KAQUAN_KAFKA_BOOTSTRAP": broker.bootstrap,
            "KAQUAN_KAFKA_FLAVOUR": broker.flavour,
        },
        check=True,
    )


async def empty_all_topics(bootstrap: str) -> None:
    """Delete the records, keep the topics: a group that starts at the beginning then sees only what comes."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await admin.start()
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics()  # a consumer knows the partitions of its own topics only
            if not topic["topic"].startswith("__")
            for partition in topic["partitions"]
        ]
        ends = await consumer.end_offsets(partitions)
        await admin.delete_records({partition: RecordsToDelete(offset) for partition, offset in ends.items() if offset})
    finally:
        await consumer.stop()
        await admin.close()
