"""Programs that outlive the launcher: found again, replaced when they changed, ended by their id."""

import dataclasses
import signal
import sys
from pathlib import Path

import psutil
import pytest

from dev.stack.processes import Program, Record, StartFailedError, Supervisor

SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(600)"
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(600)"


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(records=tmp_path / "records", logs=tmp_path / "logs")


def program(code: str, **environment: str) -> Program:
    return Program(name="sleeper", command=(sys.executable, "-c", code), environment=environment, stop_within_s=1)


def start(supervisor: Supervisor, wanted: Program) -> Record:
    record = supervisor.start(wanted)
    supervisor.wait_until(lambda: "up" in supervisor.log_of("sleeper").read_text(), name="sleeper", within_s=10)
    return record


def test_a_started_program_is_found_by_another_launcher(supervisor: Supervisor) -> None:
    record = start(supervisor, program(SLEEPER))
    assert Supervisor(records=supervisor.records, logs=supervisor.logs).find("sleeper") == record
    assert supervisor.stop("sleeper")


def test_a_program_is_stopped_whatever_becomes_of_the_others_meanwhile(supervisor: Supervisor) -> None:
    start(supervisor, program(SLEEPER))
    (supervisor.records / "other.json").write_text("")  # half written, or about to go
    assert supervisor.stop("sleeper")


def test_a_stopped_program_is_gone(supervisor: Supervisor) -> None:
    record = start(supervisor, program(SLEEPER))
    assert supervisor.stop("sleeper")
    assert not psutil.pid_exists(record.pid)
    assert supervisor.running() == []
    assert not supervisor.stop("sleeper")


def test_a_program_that_will_not_stop_is_killed(supervisor: Supervisor) -> None:
    record = start(supervisor, program(DEAF))
    assert supervisor.stop("sleeper")
    assert not psutil.pid_exists(record.pid)


def test_ensure_keeps_what_runs_and_replaces_what_changed(supervisor: Supervisor) -> None:
    first = start(supervisor, program(SLEEPER))
    assert not supervisor.ensure(program(SLEEPER))
    assert supervisor.find("sleeper") == first

    assert supervisor.ensure(program(SLEEPER, KAQUAN_SOMETHING="new"))
    second = supervisor.find("sleeper")
    assert second is not None
    assert second.pid != first.pid
    supervisor.stop("sleeper")


def test_a_foreign_process_with_a_recycled_id_is_never_touched(supervisor: Supervisor) -> None:
    record = start(supervisor, program(SLEEPER))
    recycled = dataclasses.replace(record, started_at=record.started_at - 1000)
    assert recycled.process() is None
    supervisor.stop("sleeper")


def test_a_program_that_ends_at_once_is_told_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(program("raise SystemExit('no such luck')"))
    with pytest.raises(StartFailedError, match="no such luck"):
        supervisor.wait_until(lambda: False, name="sleeper", within_s=10)


def test_a_program_that_is_never_ready_is_given_up(supervisor: Supervisor) -> None:
    start(supervisor, program(SLEEPER))
    with pytest.raises(StartFailedError, match="not ready within"):
        supervisor.wait_until(lambda: False, name="sleeper", within_s=0.3)
    supervisor.stop("sleeper")


def test_killing_gives_no_time_to_tidy_up(supervisor: Supervisor) -> None:
    record = start(supervisor, program(DEAF))
    assert supervisor.send_signal("sleeper", signal.SIGKILL)
    assert not psutil.pid_exists(record.pid) or psutil.Process(record.pid).status() == psutil.STATUS_ZOMBIE
    assert supervisor.find("sleeper") is None
