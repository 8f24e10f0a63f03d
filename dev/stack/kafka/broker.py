"""A Kafka broker of this checkout: formatted on first use, started and stopped with the stack."""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.stack.kafka import libraries
from dev.stack.ports import LOOPBACK, is_listening, require_free
from dev.stack.processes import Program, StartFailedError, Supervisor

NAME = "kafka"
START_WITHIN_S = 90
STOP_WITHIN_S = 30

# A heap that holds a developer's load with room; everything that Kafka would size for a server is cut down.
JAVA_OPTIONS = (
    "-Xms96m", "-Xmx320m", "-Xss512k", "-XX:+UseSerialGC", "-XX:MaxMetaspaceSize=128m",
    "-XX:ReservedCodeCacheSize=64m", "-XX:CICompilerCount=2", "-XX:MaxDirectMemorySize=96m",
    "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", "-Dlog4j2.disable.jmx=true",
)  # fmt: skip

CONFIGURATION: Mapping[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "num.partitions": "4",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "200",
    "group.min.session.timeout.ms": "3000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "num.recovery.threads.per.data.dir": "2",
    "log.cleaner.threads": "1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.segment.bytes": "134217728",
    "log.index.size.max.bytes": "1048576",
    "log.retention.hours": "168",
    "metadata.log.segment.bytes": "16777216",
    "metadata.max.retention.bytes": "67108864",
}


@dataclass(frozen=True)
class KafkaBroker:
    """`directory` holds the log and the configuration; the jars may be shared with other stacks."""

    directory: Path
    jars: Path
    port: int
    controller_port: int
    supervisor: Supervisor
    say: Callable[[str], None]

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        """Fetch what is missing, format once, and start unless it runs already.

        :raises KafkaUnavailableError: when Java or the jars cannot be had.
        :raises StartFailedError: with the end of the broker's log.
        """
        if self.supervisor.find(NAME):
            return
        programs = libraries.provide(self.jars, say=self.say)
        require_free(NAME, self.port)
        require_free("kafka_controller", self.controller_port)
        self._write_configuration()
        if not (self.data / "meta.properties").exists():
            self._format(programs)
        self.supervisor.start(self._program(programs))
        self.supervisor.wait_until(lambda: is_listening(self.port), name=NAME, within_s=START_WITHIN_S)

    def stop(self) -> None:
        self.supervisor.stop(NAME)

    def wipe(self) -> None:
        """Forget every topic, as when a broker's disk is lost. The broker must be stopped."""
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def _properties(self) -> Path:
        return self.directory / "server.properties"

    def _program(self, programs: libraries.KafkaPrograms) -> Program:
        return Program(
            name=NAME,
            command=(
                programs.java, *JAVA_OPTIONS,
                f"-Dlog4j2.configurationFile={libraries.HERE / 'log4j2.properties'}",
                "-cp", programs.class_path, "kafka.Kafka", str(self._properties),
            ),
            working_directory=self.directory,
            stop_within_s=STOP_WITHIN_S,
        )  # fmt: skip

    def _write_configuration(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        controller = f"{LOOPBACK}:{self.controller_port}"
        settings = {
            **CONFIGURATION,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "log.dirs": str(self.data),
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def _format(self, programs: libraries.KafkaPrograms) -> None:
        self.say("kafka: making the data directory")
        answer = subprocess.run(
            [
                programs.java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-cp", programs.class_path, "kafka.tools.StorageTool",
                "format", "--cluster-id", _new_cluster_id(), "--config", str(self._properties),
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if answer.returncode != 0:
            raise StartFailedError(f"formatting Kafka's storage failed:\n{answer.stdout}{answer.stderr}")


def _new_cluster_id() -> str:
    """Sixteen random bytes, as Kafka writes its ids: a wiped broker is told from the one before by its name."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "_")
