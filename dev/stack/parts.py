"""Single parts of a running stack: stopped, started, started otherwise. For the bench and for tests that break things."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dev.stack.environment import StackEnvironment
from dev.stack.lifecycle import Stack
from dev.stack.processes import Program, answers
from dev.stack.topology import PARTS, find_part

READY_WITHIN_S = 60
LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class PartControl:
    stack: Stack
    environment: StackEnvironment

    @classmethod
    def of(cls, stack: Stack) -> "PartControl":
        return cls(stack, stack.running_environment())

    def restart(self, *names: str, with_variables: Mapping[str, str] | None = None) -> None:
        """Stop parts and start them, all together, with more or other environment variables if given.

        :raises TimeoutError: one was not ready in time. A part that dies meanwhile is left dead: see `revive`.
        """
        self.stack.supervisor.stop_all(names)
        self._start(names, with_variables or {})

    def kill(self, name: str) -> None:
        """SIGKILL."""
        record = self.stack.supervisor.find(name)
        process = record.process() if record else None
        if process is not None:
            process.kill()

    def revive(self) -> list[str]:
        """Start every part that is dead, as the stack would; says which."""
        dead = [part.name for part in PARTS if self.stack.supervisor.find(part.name) is None]
        self._start(dead, {})
        return dead

    def await_death(self, name: str, *, within_s: float) -> bool:
        """Whether the part died in time."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.stack.supervisor.find(name) is None:
                return True
            time.sleep(LOOK_EVERY_S)
        return False

    def _program(self, name: str) -> Program:
        part = find_part(name)
        if part is None:
            raise LookupError(name)
        return self.stack.program(part, self.environment)

    def _start(self, names: Sequence[str], more: Mapping[str, str]) -> None:
        """Start all of them, then wait for all: they need the processor in turns anyway."""
        supervisor = self.stack.supervisor
        for name in names:
            program = self._program(name)
            supervisor.start(replace(program, environment={**program.environment, **more}))
        deadline = time.monotonic() + READY_WITHIN_S
        for name in names:
            while supervisor.find(name) and not answers(self.stack.ports[name]):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{name} was not ready within {READY_WITHIN_S} s")
                time.sleep(LOOK_EVERY_S)
