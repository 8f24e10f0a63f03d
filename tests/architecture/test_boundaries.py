"""Walls between services: what import-linter holds, and the two ways around it that it cannot see."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.contracts import EVENTS, TOPICS

REPOSITORY = Path(__file__).resolve().parents[2]
SERVICES = sorted(path.name for path in (REPOSITORY / "services").iterdir() if (path / "main.py").exists())
PRODUCERS = {topic.name: topic.producer for topic in TOPICS}
DATABASE_VARIABLE = re.compile(r"KAQUAN_([A-Z]+)_DATABASE_URL")


def python_files(root: Path) -> Iterator[Path]:
    yield from sorted(root.rglob("*.py"))


def test_imports_point_where_they_may() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_opens_its_own_database_only(service: str) -> None:
    named = {
        found
        for file in python_files(REPOSITORY / "services" / service)
        for found in DATABASE_VARIABLE.findall(file.read_text())
    }
    assert named == {service.upper()}


@pytest.mark.parametrize("place", ["gateway", "sandbox"])
def test_the_gateway_and_the_sandbox_have_no_database(place: str) -> None:
    assert [file for file in python_files(REPOSITORY / place) if DATABASE_VARIABLE.search(file.read_text())] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_speaks_for_itself_only(service: str) -> None:
    """Nobody but the producer of a topic may build its events."""
    foreign = {event.__name__ for event in EVENTS if PRODUCERS[event.TOPIC] != service}
    spoken = {name for file in _events_modules(service) for name in _imported_names(file)}
    assert spoken & foreign == set()


@pytest.mark.parametrize("service", SERVICES)
def test_a_topic_is_named_by_its_contract(service: str) -> None:
    """Topic names stand in `shared/contracts` alone: code names contracts, and messaging looks the topic up."""
    told = [
        f"{file.relative_to(REPOSITORY)}:{node.value.lineno}"
        for file in python_files(REPOSITORY / "services" / service)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.keyword) and node.arg in {"topic", "topics"} and _is_text(node.value)
    ]
    assert told == []


def _events_modules(service: str) -> list[Path]:
    home = REPOSITORY / "services" / service
    return [home / "events.py"] if (home / "events.py").exists() else list(python_files(home / "events"))


def _imported_names(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shared.contracts"):
            yield from (alias.name for alias in node.names)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
