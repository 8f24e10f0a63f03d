"""STACK=compose: the same system from images, for machines that have Docker."""

import shutil
import subprocess

from dev.stack.layout import REPOSITORY


class ComposeUnavailableError(RuntimeError):
    """Docker is not there, or Compose could not do what was asked."""


def compose(*arguments: str) -> None:
    """Run Docker Compose on the repository's file, its words going straight to the terminal.

    :raises ComposeUnavailableError: when Docker is missing or the command fails.
    """
    docker = shutil.which("docker")
    if docker is None:
        raise ComposeUnavailableError(
            "STACK=compose needs Docker, which is not installed; leave STACK out to do without"
        )
    if subprocess.run([docker, "compose", *arguments], cwd=REPOSITORY, check=False).returncode != 0:
        raise ComposeUnavailableError(f"`docker compose {' '.join(arguments)}` failed")
