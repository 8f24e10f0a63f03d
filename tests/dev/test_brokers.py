"""The stack's brokers: Kafka remembers over a stop, the embedded one takes what aiokafka sends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from dev.stack.brokers import BrokerPlaces, Flavour, start_broker
from dev.stack.kafka import libraries
from dev.stack.kafka.libraries import KafkaUnavailableError
from dev.stack.layout import Layout
from dev.stack.ports import PortTakenError, find_free_ports, is_listening
from dev.stack.processes import Supervisor


@pytest.fixture
def places(tmp_path: Path) -> Iterator[BrokerPlaces]:
    port, controller_port = find_free_ports(2)
    supervisor = Supervisor(records=tmp_path / "records", logs=tmp_path / "logs")
    yield BrokerPlaces(
        directory=tmp_path / "kafka",
        jars=Layout.from_environment().kafka_libraries,
        port=port,
        controller_port=controller_port,
        supervisor=supervisor,
        say=print,
    )
    supervisor.stop_all([record.name for record in supervisor.running()])


async def produce(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    await producer.send_and_wait(topic, value)
    await producer.stop()


async def read_one(bootstrap: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id="readers", auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    record = await consumer.getone()
    await consumer.stop()
    value: bytes | None = record.value
    return value


@pytest.mark.needs_kafka
async def test_kafka_finds_its_records_after_a_stop(places: BrokerPlaces) -> None:
    choice = start_broker(places, wanted=Flavour.KAFKA)
    admin = AIOKafkaAdminClient(bootstrap_servers=choice.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 2, 1)])
    await admin.close()
    await produce(choice.bootstrap, "kept", b"still here")

    choice.broker.stop()
    assert not is_listening(places.port)
    again = start_broker(places, wanted=None)

    assert again.flavour is Flavour.KAFKA
    assert await read_one(again.bootstrap, "kept") == b"still here"


async def test_the_embedded_broker_carries_a_record(places: BrokerPlaces) -> None:
    choice = start_broker(places, wanted=Flavour.EMBEDDED)
    await produce(choice.bootstrap, "tried", b"hello")
    assert await read_one(choice.bootstrap, "tried") == b"hello"


def test_a_taken_port_is_told_with_the_variable_that_moves_it(places: BrokerPlaces) -> None:
    first = start_broker(places, wanted=Flavour.EMBEDDED)
    port = int(first.bootstrap.rpartition(":")[2])
    blocked = BrokerPlaces(
        directory=places.directory,
        jars=places.jars,
        port=port,
        controller_port=places.controller_port,
        supervisor=places.supervisor,
        say=print,
    )
    with pytest.raises(PortTakenError, match="KAQUAN_KAFKA_PORT"):
        blocked.kafka().start()


def test_without_kafka_the_embedded_broker_serves_and_the_reason_is_told(
    places: BrokerPlaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "provide", _nothing_to_be_had)
    choice = start_broker(places, wanted=None)
    assert choice.flavour is Flavour.EMBEDDED
    assert choice.reason == "no Java here"
    with pytest.raises(KafkaUnavailableError):
        start_broker(places, wanted=Flavour.KAFKA)


def test_altered_jars_are_not_taken_for_kafka(tmp_path: Path) -> None:
    (tmp_path / "kafka_2.13-4.3.1.jar").write_bytes(b"something else")
    assert not libraries.is_complete(tmp_path)


def _nothing_to_be_had(*_: object, **__: object) -> libraries.KafkaPrograms:
    raise KafkaUnavailableError("no Java here")
