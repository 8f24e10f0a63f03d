"""The directory of one test session, and the sweeping up after sessions that were killed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from dev.stack.layout import Layout
from dev.stack.processes import Supervisor


@dataclass(frozen=True)
class TestSession:
    """Servers of a session are recorded under its directory, so that a later one can end them if this one cannot."""

    __test__ = False

    directory: Path

    @property
    def supervisor(self) -> Supervisor:
        return _supervisor(self.directory)

    @property
    def world(self) -> Path:
        """Where the whole stack lives that tests of journeys and of failures share."""
        return self.directory / "world"


@contextmanager
def open_test_session() -> Iterator[TestSession]:
    home = Layout.from_environment().root / "test"
    home.mkdir(parents=True, exist_ok=True)
    _sweep(home)
    session = TestSession(Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=home)))
    session.directory.chmod(0o755)  # the database server runs as another account and passes through
    try:
        yield session
    finally:
        _end(session)


def _sweep(home: Path) -> None:
    for directory in home.iterdir():
        owner = directory.name.partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            _end(TestSession(directory))


def _end(session: TestSession) -> None:
    nested = [_supervisor(records.parent) for records in session.directory.glob("*/processes")]
    for supervisor in (*nested, session.supervisor):
        for record in reversed(supervisor.running()):
            supervisor.stop(record.name)
    shutil.rmtree(session.directory, ignore_errors=True)


def _supervisor(directory: Path) -> Supervisor:
    return Supervisor(records=directory / "processes", logs=directory / "logs")
