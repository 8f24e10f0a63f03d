"""The stack's life: up, down, clean. `up` may be said again at any time; it starts what is missing and keeps data."""

import asyncio
import fcntl
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.stack import access, databases, keys
from dev.stack.brokers import BrokerChoice, BrokerPlaces, Flavour, start_broker, wanted_flavour
from dev.stack.environment import StackEnvironment
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.ports import Ports, require_free
from dev.stack.postgres import PostgresServer
from dev.stack.processes import Program, Supervisor, answers
from dev.stack.steps import StepFailedError, run_step
from dev.stack.telling import Say
from dev.stack.topology import GATEWAY, PARTS, SERVICES, Part
from dev.web import PagesNotBuiltError, build_pages

PART_READY_WITHIN_S = 60
PART_STOP_WITHIN_S = 15
OTHER_BROKER = {Flavour.KAFKA: "embedded-broker", Flavour.EMBEDDED: "kafka"}
SERVERS = ("kafka", "embedded-broker", "postgres")  # stopped after the parts that use them, in this order


@dataclass(frozen=True)
class Stack:
    layout: Layout
    ports: Ports
    say: Say

    @classmethod
    def from_environment(cls, say: Say) -> "Stack":
        return cls(layout=Layout.from_environment(), ports=Ports.from_environment(), say=say)

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(records=self.layout.processes, logs=self.layout.logs)

    @property
    def postgres(self) -> PostgresServer:
        return PostgresServer(
            directory=self.layout.postgres,
            port=self.ports["postgres"],
            supervisor=self.supervisor,
            say=self.say,
            configuration={},
        )

    def up_infrastructure(self) -> StackEnvironment:
        """Keys, databases with their schemas, the broker with its topics: everything that services stand on.

        :raises StartFailedError: a server did not start.
        :raises StepFailedError: topics or migrations failed.
        """
        self.layout.root.mkdir(parents=True, exist_ok=True)
        with self._alone():
            keys.make_missing(self.layout.keys)
            self.postgres.start()
            passwords = self._passwords()
            asyncio.run(databases.create_databases(self.postgres.superuser_dsn, passwords=passwords))
            self.say(f"postgres   ready on {self.ports.address('postgres')}")
            choice = self._start_broker()
            environment = self._environment(choice.bootstrap, choice.flavour)
            self._step("topics", "shared.messaging.topics", environment=environment)
            self._step("migrations", "shared.database.migrate", *SERVICES, environment=environment)
            return environment

    def up(self) -> access.Access:
        """Everything, down to demo goods on the shelf; returns what was written to access.json."""
        environment = self.up_infrastructure()
        with self._alone():
            self._build_pages()
            self._start_parts(environment)
            self._write_access(environment, known=access.read_access(self.layout.access_file))
            self.say("demo catalogue: looking what is missing")
            answer = self._step("demo catalogue", "dev.seed", environment=environment)
            seeded: Mapping[str, object] = json.loads(answer.strip().splitlines()[-1])
            return self._write_access(environment, known=seeded)

    def down(self) -> None:
        """Stop everything, users before what they use. Data stays."""
        with self._alone():
            self.supervisor.stop_all(record.name for record in self.supervisor.running() if record.name not in SERVERS)
            for server in SERVERS:
                self.supervisor.stop(server)

    def clean(self) -> None:
        """Stop, then forget data, keys and logs. What was downloaded stays, for the next start."""
        if not self.layout.root.exists():
            return
        self.down()
        kept = {self.layout.kafka_libraries.parent, self.layout.root / "test"}
        for path in self.layout.root.iterdir():
            if path not in kept:
                _remove(path)
        for path in self.layout.kafka.glob("*"):
            if path != self.layout.kafka_libraries:
                _remove(path)

    def running_environment(self) -> StackEnvironment:
        """The environment of the stack that runs, for single commands beside it.

        :raises StepFailedError: when it does not run.
        """
        if not self.layout.broker_file.exists() or not self.supervisor.find("postgres"):
            raise StepFailedError("the stack does not run; `make up` starts it")
        broker = json.loads(self.layout.broker_file.read_text())
        return self._environment(broker["bootstrap"], Flavour(broker["flavour"]))

    def migrate(self, services: Sequence[str]) -> None:
        """Bring the running stack's databases to the newest schema."""
        self._step("migrations", "shared.database.migrate", *services, environment=self.running_environment())

    def write_migration(self, service: str, *, message: str) -> None:
        """Draft a migration: what the tables in the code have and the running stack's database has not."""
        environment = self.running_environment()
        self.say(
            self._step("migration", "shared.database.migrate", "--revision", message, service, environment=environment)
        )

    def program(self, part: Part, environment: StackEnvironment) -> Program:
        return Program(
            name=part.name,
            command=(sys.executable, "-m", part.module),
            environment=environment.variables(),
            working_directory=REPOSITORY,
            stop_within_s=PART_STOP_WITHIN_S,
        )

    def _start_broker(self) -> BrokerChoice:
        places = BrokerPlaces(
            directory=self.layout.kafka,
            jars=self.layout.kafka_libraries,
            port=self.ports["kafka"],
            controller_port=self.ports["kafka_controller"],
            supervisor=self.supervisor,
            say=self.say,
        )
        choice = start_broker(places, wanted=wanted_flavour() or self._remembered_flavour())
        self.supervisor.stop(OTHER_BROKER[choice.flavour])
        self.layout.broker_file.write_text(
            json.dumps({"flavour": choice.flavour.value, "bootstrap": choice.bootstrap}) + "\n",
        )
        if choice.reason:
            self.say(f"kafka      cannot be had here: {choice.reason}")
        kind = "Apache Kafka" if choice.flavour is Flavour.KAFKA else "the embedded broker (for trying only: in memory)"
        self.say(f"broker     {kind}, ready on {choice.bootstrap}")
        return choice

    def _remembered_flavour(self) -> Flavour | None:
        """A stack that was tried on the embedded broker stays there; one on Kafka may fall back as on the first day."""
        if not self.layout.broker_file.exists():
            return None
        flavour = Flavour(json.loads(self.layout.broker_file.read_text())["flavour"])
        return flavour if flavour is Flavour.EMBEDDED else None

    def _build_pages(self) -> None:
        """Pages are read when the gateway starts. Without them the API is whole, so their failure stops nobody."""
        try:
            if build_pages(self.layout, say=self.say):
                self.supervisor.stop(GATEWAY)
        except PagesNotBuiltError as error:
            self.say(f"pages      not built, the API works without them: {error}")

    def _start_parts(self, environment: StackEnvironment) -> None:
        """Start all of them, then wait for all: they need the processor in turns anyway."""
        for part in PARTS:
            if not self.supervisor.find(part.name):
                require_free(part.name, self.ports[part.name])
            self.supervisor.ensure(self.program(part, environment))
        for part in PARTS:
            port = self.ports[part.name]
            self.supervisor.wait_until(_ready(port), name=part.name, within_s=PART_READY_WITHIN_S)
            self.say(f"{part.name:<18} ready on {self.ports.address(part.name)}")

    def _write_access(self, environment: StackEnvironment, *, known: Mapping[str, object]) -> access.Access:
        found: access.Access = {
            "gateway": environment.gateway_url(),
            "operators": known.get("operators") or keys.read_operators(self.layout.keys),
            "partners": known.get("partners") or [],
            "sandbox": {
                "payment": self.ports.url("sandbox_payment"),
                "supplier": self.ports.url("sandbox_supplier"),
                "messages": self.ports.url("sandbox_messages"),
                "smtp": self.ports.address("sandbox_smtp"),
                "supplier_inside": self.ports.url("sandbox_supplier"),
                "supplier_secret": keys.read_supplier_secret(self.layout.keys),
            },
            "stack": {
                "postgres": self.postgres.superuser_dsn,
                "kafka": environment.flavour.value,
                "bootstrap": environment.bootstrap,
            },
        }
        access.write_access(self.layout.access_file, found)
        return found

    def _step(self, what: str, module: str, *arguments: str, environment: StackEnvironment) -> str:
        return run_step(
            what, module, *arguments, environment=environment.complete(), logs=self.layout.logs, say=self.say
        )

    def _environment(self, bootstrap: str, flavour: Flavour) -> StackEnvironment:
        return StackEnvironment(
            layout=self.layout, ports=self.ports, passwords=self._passwords(), bootstrap=bootstrap, flavour=flavour
        )

    def _passwords(self) -> Mapping[str, str]:
        return databases.read_or_make_passwords(self.layout.keys / "databases.json", SERVICES)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two launchers at once would start everything twice."""
        self.layout.root.mkdir(parents=True, exist_ok=True)
        with (self.layout.root / "launcher.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _ready(port: int) -> Callable[[], bool]:
    return lambda: answers(port)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
