"""Pins requirements*.in with hashes. The lock files carry names and hashes, never a registry's address."""

import subprocess
import sys
from pathlib import Path

from dev.stack.layout import REPOSITORY

OPTIONS = (
    "--quiet",
    "--upgrade",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-header",
    "--no-emit-index-url",
    "--no-emit-find-links",
)


def lock() -> None:
    """The run time is pinned to the very versions of the development lock, which is what the tests ran on."""
    uv = str(Path(sys.executable).with_name("uv"))
    everything = ("requirements-dev.in", "--output-file=requirements-dev.lock")
    run_time = ("requirements.in", "--constraints=requirements-dev.lock", "--output-file=requirements.lock")
    for names in (everything, run_time):
        subprocess.run([uv, "pip", "compile", *OPTIONS, *names], cwd=REPOSITORY, check=True)


if __name__ == "__main__":
    lock()
