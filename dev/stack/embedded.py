"""The Kafka-protocol broker inside the confluent-kafka wheel, as a process of its own. For trying the product only.

It is librdkafka's mock broker: everything is in memory, groups have one member, topics appear on first use with
four partitions, and its port is chosen anew at each start.
"""

import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from dev.stack.layout import REPOSITORY
from dev.stack.processes import Program, Supervisor

NAME = "embedded-broker"
START_WITHIN_S = 30
METADATA_TIMEOUT_S = 10


@dataclass(frozen=True)
class EmbeddedBroker:
    directory: Path
    supervisor: Supervisor

    @property
    def bootstrap(self) -> str:
        return self._address_file.read_text().strip()

    def start(self) -> None:
        """:raises StartFailedError: with the end of its log."""
        if self.supervisor.find(NAME):
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self._address_file.unlink(missing_ok=True)
        self.supervisor.start(
            Program(
                name=NAME,
                command=(sys.executable, "-m", "dev.stack.embedded", str(self._address_file)),
                working_directory=REPOSITORY,
            ),
        )
        self.supervisor.wait_until(self._address_file.exists, name=NAME, within_s=START_WITHIN_S)

    def stop(self) -> None:
        self.supervisor.stop(NAME)

    @property
    def _address_file(self) -> Path:
        return self.directory / "embedded.address"


def serve(address_file: Path) -> None:
    """Hold the broker up until asked to stop; the file appears, complete, once it answers."""
    from confluent_kafka import Producer  # noqa: PLC0415  (only this process loads librdkafka)

    holder = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "log_level": 3})
    brokers = holder.list_topics(timeout=METADATA_TIMEOUT_S).brokers.values()
    partial = address_file.with_suffix(".partial")
    partial.write_text(",".join(f"{broker.host}:{broker.port}" for broker in brokers))
    partial.rename(address_file)
    stop = threading.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: stop.set())
    stop.wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
