"""A whole private stack to be broken: every service, PostgreSQL, Kafka and the sandbox, on ports of their own."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.stack.environment import StackEnvironment
from dev.stack.kafka.broker import KafkaBroker
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.lifecycle import Stack
from dev.stack.ports import DEFAULT_PORTS, Ports, find_free_ports
from dev.stack.processes import Program, answers
from dev.stack.topology import PARTS, find_part

READY_WITHIN_S = 60
NOTICE_EVERY_S = 0.1


@dataclass(frozen=True)
class World:
    """The stack and the ways to break it. Whatever dies is started again, as a supervisor on a cluster would."""

    stack: Stack
    environment: StackEnvironment

    @classmethod
    def create(cls, root: Path, say: Callable[[str], None]) -> "World":
        """Start a stack below `root`; downloaded jars are shared with the checkout's own stack."""
        ports = Ports(dict(zip(DEFAULT_PORTS, find_free_ports(len(DEFAULT_PORTS)), strict=True)))
        cache = Path(os.environ.get("KAQUAN_CACHE_DIR") or REPOSITORY / ".local").absolute()
        stack = Stack(layout=Layout(root=root, cache=cache), ports=ports, say=say)
        stack.up()
        return cls(stack, stack.running_environment())

    @property
    def kafka(self) -> KafkaBroker:
        layout, ports = self.stack.layout, self.stack.ports
        return KafkaBroker(
            directory=layout.kafka,
            jars=layout.kafka_libraries,
            port=ports["kafka"],
            controller_port=ports["kafka_controller"],
            supervisor=self.stack.supervisor,
            say=self.stack.say,
        )

    def crash_at(self, service: str, point: str, *, occurrence: int = 1) -> None:
        """Restart a service so that it kills itself the n-th time it comes by a named point."""
        self.stack.supervisor.stop(service)
        program = self._program(service)
        armed = {**program.environment, "KAQUAN_CRASH_AT": f"{point}:{occurrence}"}
        self._start(Program(**{**program.__dict__, "environment": armed}))

    def kill(self, service: str) -> None:
        """SIGKILL, then start it again."""
        record = self.stack.supervisor.find(service)
        process = record.process() if record else None
        if process is not None:
            process.kill()
        self.revive()

    def revive(self) -> list[str]:
        """Start every part that is dead, unarmed; says which."""
        dead = [part.name for part in PARTS if self.stack.supervisor.find(part.name) is None]
        for name in dead:
            self._start(self._program(name))
        return dead

    def await_death(self, service: str, *, within_s: float) -> bool:
        """Whether the service died in time."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.stack.supervisor.find(service) is None:
                return True
            time.sleep(NOTICE_EVERY_S)
        return False

    def restart_postgres(self) -> None:
        """Every backend is killed at once; PostgreSQL recovers from its log."""
        record = self.stack.supervisor.find("postgres")
        process = record.process() if record else None
        if process is not None:
            for victim in [process, *process.children(recursive=True)]:
                _kill(victim)
            psutil.wait_procs([process], timeout=10)
        self.stack.postgres.start()

    def stop_kafka(self) -> None:
        self.kafka.stop()

    def start_kafka(self) -> None:
        self.kafka.start()

    def wipe_kafka(self) -> None:
        """The broker loses every record, topic and offset, and comes back empty."""
        self.kafka.stop()
        for path in self.stack.layout.kafka.iterdir():
            if path != self.stack.layout.kafka_libraries:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.kafka.start()

    def end(self) -> None:
        self.stack.down()

    def _program(self, name: str) -> Program:
        part = find_part(name)
        if part is None:
            raise LookupError(name)
        return self.stack.program(part, self.environment)

    def _start(self, program: Program) -> None:
        supervisor = self.stack.supervisor
        port = self.stack.ports[program.name]
        supervisor.start(program)
        deadline = time.monotonic() + READY_WITHIN_S
        # An armed service may die before it is ready: that is what it was started for.
        while supervisor.find(program.name) and not answers(port):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{program.name} was not ready within {READY_WITHIN_S} s")
            time.sleep(NOTICE_EVERY_S)


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
