"""Starts programs that outlive the launcher, and stops them again by process id, never by name."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil

from dev.stack.ports import LOOPBACK

POLL_INTERVAL_S = 0.1
KILL_WITHIN_S = 10  # a killed process is gone at once; waiting longer would hide a broken kernel or container
LOG_TAIL_LINES = 25
LOG_BYTES_MAX = 64 * 1024 * 1024  # a longer log is set aside at the next start


class StartFailedError(RuntimeError):
    """A program ended, or did not become ready in time; the message carries the end of its log."""


@dataclass(frozen=True)
class Account:
    """A user of this machine to run a program as."""

    user_id: int
    group_id: int


@dataclass(frozen=True)
class Program:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: Path = Path()
    account: Account | None = None
    stop_signal: int = signal.SIGTERM
    stop_within_s: float = 30

    @property
    def fingerprint(self) -> str:
        """Tells whether a running process was started with this very command and environment."""
        essence = json.dumps([self.command, sorted(self.environment.items()), str(self.working_directory)])
        return hashlib.sha256(essence.encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """What is remembered of a started program. The start time tells it from a later process with the same id."""

    name: str
    pid: int
    started_at: float
    stop_signal: int
    stop_within_s: float
    fingerprint: str = ""

    def process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(frozen=True)
class Supervisor:
    """Keeps one record file per started program in `records` and one log per program in `logs`."""

    records: Path
    logs: Path

    def start(self, program: Program) -> Record:
        """Start detached: the program lives on when the launcher ends."""
        self.records.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.log_of(program.name)
        _set_aside_when_long(log)
        account = program.account
        with log.open("ab") as output:
            child = subprocess.Popen(
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=program.working_directory,
                env={**os.environ, **program.environment},
                start_new_session=True,
                user=account.user_id if account else None,
                group=account.group_id if account else None,
                extra_groups=[] if account else None,
            )
        return self._remember(program, child)

    def ensure(self, program: Program) -> bool:
        """Start unless it runs as described; one that runs otherwise is replaced. Says whether anything was done."""
        record = self.find(program.name)
        if record and record.fingerprint == program.fingerprint:
            return False
        self.stop(program.name)
        self.start(program)
        return True

    def running(self) -> list[Record]:
        """Programs that live, in the order in which they were started."""
        return [record for record in self._recorded() if record.process()]

    def find(self, name: str) -> Record | None:
        return next((record for record in self.running() if record.name == name), None)

    def stop(self, name: str) -> bool:
        """Ask, wait, then kill. Says whether there was anything to stop."""
        try:  # its own file alone: the others may go just now, when several are stopped at once
            record = Record(**json.loads(self._record_file(name).read_text()))
        except FileNotFoundError:
            return False
        process = record.process()
        if process is not None:
            _end(process, stop_signal=record.stop_signal, within_s=record.stop_within_s)
        self._record_file(name).unlink(missing_ok=True)
        return process is not None

    def send_signal(self, name: str, sign: signal.Signals) -> bool:
        """Pass a signal on, and after SIGKILL wait for the end. Says whether there was anybody to hear it."""
        record = self.find(name)
        process = record.process() if record else None
        if process is None:
            return False
        process.send_signal(sign)
        return sign is not signal.SIGKILL or _gone(process, within_s=KILL_WITHIN_S)

    def stop_all(self, names: Iterable[str]) -> None:
        """Stop together what does not depend on one another."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.stop, names))

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def wait_until(self, ready: Callable[[], bool], *, name: str, within_s: float) -> None:
        """Wait until `ready` says so.

        :raises StartFailedError: when the program ends, or time runs out.
        """
        deadline = time.monotonic() + within_s
        while not ready():
            if self.find(name) is None:
                raise StartFailedError(f"{name} ended while starting.\n{self._log_tail(name)}")
            if time.monotonic() > deadline:
                raise StartFailedError(f"{name} was not ready within {within_s:.0f} s.\n{self._log_tail(name)}")
            time.sleep(POLL_INTERVAL_S)

    def _remember(self, program: Program, child: "subprocess.Popen[bytes]") -> Record:
        try:
            started_at = psutil.Process(child.pid).create_time()
        except psutil.NoSuchProcess as error:
            raise StartFailedError(f"{program.name} ended at once.\n{self._log_tail(program.name)}") from error
        record = Record(
            name=program.name,
            pid=child.pid,
            started_at=started_at,
            stop_signal=int(program.stop_signal),
            stop_within_s=program.stop_within_s,
            fingerprint=program.fingerprint,
        )
        self._record_file(program.name).write_text(json.dumps(asdict(record)))
        # The launcher never waits for the child; without this, Popen warns about it when collected.
        child.returncode = 0
        return record

    def _record_file(self, name: str) -> Path:
        return self.records / f"{name}.json"

    def _recorded(self) -> list[Record]:
        files = self.records.glob("*.json") if self.records.exists() else []
        records = [Record(**json.loads(file.read_text())) for file in files]
        return sorted(records, key=lambda record: record.started_at)

    def _log_tail(self, name: str) -> str:
        log = self.log_of(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"The end of {log}:", *lines[-LOG_TAIL_LINES:]])


def answers(port: int, *, path: str = "/readyz") -> bool:
    """Whether an HTTP GET on this machine is answered with 200."""
    connection = HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200  # noqa: PLR2004  (HTTP's own number)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _end(process: psutil.Process, *, stop_signal: int, within_s: float) -> None:
    try:
        process.send_signal(stop_signal)
        if _gone(process, within_s=within_s):
            return
        for one in [*process.children(recursive=True), process]:
            _kill(one)
        _gone(process, within_s=KILL_WITHIN_S)
    except psutil.NoSuchProcess:
        return


def _gone(process: psutil.Process, *, within_s: float) -> bool:
    """A zombie counts as gone: its parent may be a process that never collects it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        _collect(process.pid)
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(POLL_INTERVAL_S / 2)
    return False


def _collect(pid: int) -> None:
    """Reap the process when it is a child of this launcher; somebody else's child is not ours to reap."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _set_aside_when_long(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
