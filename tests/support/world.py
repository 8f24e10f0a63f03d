"""A whole private stack to be broken: every service, PostgreSQL, Kafka and the sandbox, on ports of their own."""

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.client import Access
from dev.stack.kafka.broker import KafkaBroker
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.lifecycle import Stack
from dev.stack.parts import PartControl
from dev.stack.ports import DEFAULT_PORTS, Ports, find_free_ports


@dataclass(frozen=True)
class World:
    """The stack and the ways to break it. What dies is started again by `parts`, as a cluster would."""

    stack: Stack
    parts: PartControl

    @classmethod
    def create(cls, root: Path, say: Callable[[str], None]) -> "World":
        """Start a stack below `root`; downloaded jars are shared with the checkout's own stack."""
        root.mkdir(parents=True)
        root.chmod(0o755)  # the database server runs as another account and passes through
        ports = Ports(dict(zip(DEFAULT_PORTS, find_free_ports(len(DEFAULT_PORTS)), strict=True)))
        cache = Path(os.environ.get("KAQUAN_CACHE_DIR") or REPOSITORY / ".local").absolute()
        stack = Stack(layout=Layout(root=root, cache=cache), ports=ports, say=say)
        stack.up()
        return cls(stack, PartControl.of(stack))

    @property
    def access(self) -> Access:
        return Access.read(self.stack.layout.access_file)

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
        self.parts.restart(service, with_variables={"KAQUAN_CRASH_AT": f"{point}:{occurrence}"})

    @contextlib.contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """The service is there and does nothing, as on a machine that stands still (SIGSTOP), until the block ends."""
        record = self.stack.supervisor.find(service)
        process = record.process() if record else None
        if process is None:
            raise LookupError(f"{service} does not run")
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    def restart_postgres(self) -> None:
        """Every backend is killed at once; PostgreSQL recovers from its log."""
        record = self.stack.supervisor.find("postgres")
        process = record.process() if record else None
        if process is not None:
            for victim in [process, *process.children(recursive=True)]:
                _kill(victim)
            psutil.wait_procs([process], timeout=10)
        self.stack.postgres.start()

    def stop_kafka_for(self, seconds: float) -> None:
        """The broker is away for a while, and comes back with what it had."""
        self.kafka.stop()
        time.sleep(seconds)
        self.kafka.start()

    def wipe_kafka(self) -> None:
        """The broker loses every record, topic and offset, and comes back empty."""
        self.kafka.stop()
        for path in self.stack.layout.kafka.iterdir():
            if path != self.stack.layout.kafka_libraries:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.kafka.start()


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
