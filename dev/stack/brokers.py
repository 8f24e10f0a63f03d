"""Chooses between Apache Kafka and the embedded broker, and says which was taken."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from dev.stack.embedded import EmbeddedBroker
from dev.stack.kafka.broker import KafkaBroker
from dev.stack.kafka.libraries import KafkaUnavailableError
from dev.stack.processes import Supervisor


class Flavour(StrEnum):
    KAFKA = "kafka"
    EMBEDDED = "embedded"


class Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class BrokerChoice:
    """A broker that runs. `reason` says why Kafka was not taken, when it was wanted and could not be had."""

    broker: Broker
    flavour: Flavour
    reason: str | None = None

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap


@dataclass(frozen=True)
class BrokerPlaces:
    directory: Path
    jars: Path
    port: int
    controller_port: int
    supervisor: Supervisor
    say: Callable[[str], None]

    def kafka(self) -> KafkaBroker:
        return KafkaBroker(
            directory=self.directory,
            jars=self.jars,
            port=self.port,
            controller_port=self.controller_port,
            supervisor=self.supervisor,
            say=self.say,
        )

    def embedded(self) -> EmbeddedBroker:
        return EmbeddedBroker(directory=self.directory, supervisor=self.supervisor)


def wanted_flavour() -> Flavour | None:
    """What STACK asks for; None when it leaves the choice to us."""
    wanted = os.environ.get("STACK")
    return Flavour(wanted) if wanted in set(Flavour) else None


def start_broker(places: BrokerPlaces, *, wanted: Flavour | None) -> BrokerChoice:
    """Start what is wanted; with no wish, Kafka where it can be had and the embedded broker elsewhere.

    :raises KafkaUnavailableError: when Kafka was asked for by name and cannot be had.
    """
    if wanted is Flavour.EMBEDDED:
        return _start_embedded(places, reason=None)
    try:
        kafka = places.kafka()
        kafka.start()
    except KafkaUnavailableError as error:
        if wanted is Flavour.KAFKA:
            raise
        return _start_embedded(places, reason=str(error))
    return BrokerChoice(broker=kafka, flavour=Flavour.KAFKA)


def _start_embedded(places: BrokerPlaces, *, reason: str | None) -> BrokerChoice:
    embedded = places.embedded()
    embedded.start()
    return BrokerChoice(broker=embedded, flavour=Flavour.EMBEDDED, reason=reason)
