"""What each process of the stack costs: processor time and memory, read from the kernel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.stack.processes import Record

KIBIBYTE = 1024
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class ProcessorTime:
    """Seconds of user and system time since each program started, its children included."""

    by_name: Mapping[str, float]

    @classmethod
    def now(cls, programs: Sequence[Record]) -> "ProcessorTime":
        return cls({program.name: _cpu_seconds(program) for program in programs})

    def since(self, earlier: "ProcessorTime") -> Mapping[str, float]:
        """Seconds spent between two readings. A program that started in between counts from its start."""
        return {name: seconds - earlier.by_name.get(name, 0.0) for name, seconds in self.by_name.items()}


def own_seconds() -> float:
    """Processor seconds of the load driver itself."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def memory_mb(programs: Sequence[Record]) -> Mapping[str, float]:
    """Proportional set size (PSS) in MiB: shared pages are divided among those that share them, so the sum is true."""
    return {program.name: sum(map(_pss_bytes, _tree(program))) / MEBIBYTE for program in programs}


def _tree(program: Record) -> list[psutil.Process]:
    process = program.process()
    return [process, *process.children(recursive=True)] if process else []


def _cpu_seconds(program: Record) -> float:
    tree = _tree(program)
    if not tree:
        return 0.0
    ended = tree[0].cpu_times()
    return sum(map(_own, tree)) + float(ended.children_user + ended.children_system)


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _pss_bytes(process: psutil.Process) -> int:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except (OSError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * KIBIBYTE for line in lines if line.startswith("Pss:")), 0)
