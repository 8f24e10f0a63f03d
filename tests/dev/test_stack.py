"""The launcher as a newcomer meets it: a second `up` finds its data, `down` keeps it, `clean` forgets it."""

import asyncio
import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.stack import databases, watching
from dev.stack.brokers import Flavour
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.lifecycle import Stack
from dev.stack.ports import DEFAULT_PORTS, Ports, find_free_ports, is_listening, variable_name
from dev.stack.steps import StepFailedError
from dev.stack.topology import SERVICES
from tests.support.session import TestSession


@pytest.fixture
def stack(session_directory: TestSession) -> Iterator[Stack]:
    """A stack of its own, on free ports, with the checkout's downloads.

    Not below pytest's own directory: every other run of pytest makes that one private again, and the database
    server, which may run as another account, would lose sight of its data.
    """
    root = Path(tempfile.mkdtemp(prefix="stack-", dir=session_directory.directory))
    root.chmod(0o755)
    ports = Ports(dict(zip(DEFAULT_PORTS, find_free_ports(len(DEFAULT_PORTS)), strict=True)))
    made = Stack(layout=Layout(root=root, cache=Layout.from_environment().cache), ports=ports, say=print)
    yield made
    made.down()


def launch(stack: Stack, *words: str, flavour: str = "") -> subprocess.CompletedProcess[str]:
    """What `make` runs."""
    environment = {
        **os.environ,
        "STACK": flavour,
        "KAQUAN_LOCAL_DIR": str(stack.layout.root),
        "KAQUAN_CACHE_DIR": str(stack.layout.cache),
        **{variable_name(name): str(port) for name, port in stack.ports.by_name.items()},
    }
    return subprocess.run(
        [sys.executable, "-m", "dev.stack", *words],
        env=environment,
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=False,
        timeout=100,
    )


def fetch_value(dsn: str, query: str) -> object:
    async def fetch() -> object:
        connection = await databases.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def superuser_dsn_of(stack: Stack, database: str) -> str:
    return stack.postgres.superuser_dsn.rpartition("/")[0] + f"/{database}"


@pytest.mark.timeout(180)
def test_a_second_up_finds_its_data_and_clean_forgets_it(stack: Stack) -> None:
    first = launch(stack, "up", "--infrastructure")
    assert first.returncode == 0, first.stdout + first.stderr
    dsn = superuser_dsn_of(stack, "order")
    fetch_value(dsn, "CREATE TABLE kept AS SELECT 7 AS number")
    running = {record.name: record.pid for record in stack.supervisor.running()}

    assert launch(stack, "up", "--infrastructure").returncode == 0
    assert {record.name: record.pid for record in stack.supervisor.running()} == running

    assert launch(stack, "down").returncode == 0
    assert stack.supervisor.running() == []
    assert not is_listening(stack.ports["postgres"])

    assert launch(stack, "up", "--infrastructure").returncode == 0
    assert fetch_value(dsn, "SELECT number FROM kept") == 7

    assert launch(stack, "clean").returncode == 0
    assert list(stack.layout.root.iterdir()) == []


@pytest.mark.timeout(180)
def test_the_embedded_broker_is_remembered_and_every_service_has_its_schema(stack: Stack) -> None:
    answer = launch(stack, "up", "--infrastructure", flavour="embedded")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "for trying only" in answer.stdout
    assert stack.running_environment().flavour is Flavour.EMBEDDED
    for service in SERVICES:
        dsn = superuser_dsn_of(stack, service)
        assert fetch_value(dsn, "SELECT count(*) FROM alembic_version") == 1

    again = launch(stack, "up", "--infrastructure")
    assert again.returncode == 0, again.stdout + again.stderr
    assert stack.running_environment().flavour is Flavour.EMBEDDED


def test_what_services_are_given_is_complete_and_each_database_has_its_own_password(stack: Stack) -> None:
    stack.postgres.start()
    passwords = databases.read_or_make_passwords(stack.layout.keys / "databases.json", SERVICES)
    stack.layout.broker_file.write_text(json.dumps({"flavour": "kafka", "bootstrap": "127.0.0.1:1"}))
    variables = stack.running_environment().variables()

    assert len({passwords[service] for service in SERVICES}) == len(SERVICES)
    assert stat.S_IMODE((stack.layout.keys / "databases.json").stat().st_mode) == 0o600
    for service in SERVICES:
        assert passwords[service] in variables[f"KAQUAN_{service.upper()}_DATABASE_URL"]
        assert variables[f"KAQUAN_{service.upper()}_URL"] == stack.ports.url(service)
    assert variables["KAQUAN_SANDBOX_PAYMENT_URL"] == stack.ports.url("sandbox_payment")
    assert watching.tell_status(stack.supervisor, stack.ports, say=print)


def test_commands_beside_a_stack_that_does_not_run_say_so(stack: Stack) -> None:
    with pytest.raises(StepFailedError, match="make up"):
        stack.running_environment()
    answer = launch(stack, "run", "order")
    assert answer.returncode == 1
    assert "make up" in answer.stderr
    assert launch(stack, "status").returncode == 1


def test_a_log_is_followed_by_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "order.log"
    log.write_text("one\ntwo\nhal")
    told: list[str] = []
    position = watching.tell_news(log, None, say=told.append)
    assert [line.split()[-1] for line in told] == ["one", "two"]
    log.write_text("one\ntwo\nhalf done\n")
    watching.tell_news(log, position, say=told.append)
    assert told[-1].endswith("half done")
