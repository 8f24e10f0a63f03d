"""Looking at a running stack: what lives, what it weighs, what it logs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.stack.ports import Ports, is_listening
from dev.stack.processes import Supervisor
from dev.stack.telling import Say

FOLLOW_INTERVAL_S = 0.3
FOLLOW_BACK_LINES = 20
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Weight:
    """One program with its children. Memory is proportional (PSS): shared pages count once over all."""

    name: str
    pid: int
    memory_bytes: int
    cpu_s: float


def weigh(supervisor: Supervisor) -> list[Weight]:
    """What each running program holds at this moment."""
    found = []
    for record in supervisor.running():
        process = record.process()
        if process:
            family = [process, *process.children(recursive=True)]
            memory = sum(_memory(one) for one in family)
            found.append(Weight(record.name, record.pid, memory, sum(_cpu_s(one) for one in family)))
    return found


def tell_status(supervisor: Supervisor, ports: Ports, *, say: Say) -> bool:
    """One line per program and the sum; says whether anything runs."""
    weights = weigh(supervisor)
    if not weights:
        say("nothing runs here; `make up` starts it")
        return False
    say(f"{'program':<18} {'pid':>8}  {'memory MB':>9}  {'cpu s':>8}  address")
    for weight in weights:
        port = ports.by_name.get(weight.name)
        address = ports.address(weight.name) if port else "-"
        state = "" if port is None or is_listening(port) else "  (does not answer)"
        megabytes = weight.memory_bytes / MEGABYTE
        say(f"{weight.name:<18} {weight.pid:>8}  {megabytes:>9.0f}  {weight.cpu_s:>8.1f}  {address}{state}")
    say(f"{'together':<18} {'':>8}  {sum(weight.memory_bytes for weight in weights) / MEGABYTE:>9.0f}")
    return True


def follow_logs(logs: Path, names: Sequence[str], *, say: Say) -> None:
    """Print the end of each log and what is added, each line with its origin, until interrupted."""
    positions: dict[Path, int] = {}
    while True:
        files = [logs / f"{name}.log" for name in names] if names else sorted(logs.glob("*.log"))
        for file in files:
            if file.exists():
                positions[file] = tell_news(file, positions.get(file), say=say)
        time.sleep(FOLLOW_INTERVAL_S)


def tell_news(file: Path, position: int | None, *, say: Say) -> int:
    """Print whole lines only; returns where the next look begins. A log that shrank was begun anew."""
    with file.open("rb") as log:
        if position is None:
            lines = log.read().splitlines(keepends=True)[-FOLLOW_BACK_LINES:]
        else:
            log.seek(0 if file.stat().st_size < position else position)
            lines = log.read().splitlines(keepends=True)
        end = log.tell()
    if lines and not lines[-1].endswith(b"\n"):
        end -= len(lines.pop())
    for line in lines:
        say(f"{file.stem:<18} {line.decode(errors='replace').rstrip()}")
    return end


def _memory(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
    return int(getattr(memory, "pss", 0) or memory.rss)


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
