"""STACK=compose on our side of Docker: what is asked of it, and what is told when it is not there."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from dev.stack import access
from dev.stack.layout import REPOSITORY

SEED = [{"login": "operator-one", "password": "secret", "totp_secret": "JBSWY3DPEHPK3PXP", "roles": ["admin"]}]
# Stands in for the command: notes what it was asked, and answers the one question whose answer is used.
DOCKER = """#!/bin/sh
echo "$*" >> "{noted}"
case "$*" in *operator-seed*) echo '{seed}' ;; esac
"""


def launch(*words: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dev.stack", *words],
        env={**os.environ, "STACK": "compose", **environment},
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=False,
    )


def test_without_docker_the_way_without_it_is_named(tmp_path: Path) -> None:
    answer = launch("up", environment={"PATH": str(tmp_path), "KAQUAN_LOCAL_DIR": str(tmp_path)})
    assert answer.returncode == 1
    assert "leave STACK out" in answer.stderr


def test_operators_come_from_the_containers_and_access_is_private(tmp_path: Path) -> None:
    """No gateway answers here, so that the demo catalogue fails, and says so; the way in is written before it."""
    docker, noted = tmp_path / "docker", tmp_path / "noted"
    docker.write_text(DOCKER.format(noted=noted, seed=json.dumps(SEED)))
    docker.chmod(0o755)
    local = tmp_path / "local"
    answer = launch(
        "up",
        environment={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "KAQUAN_LOCAL_DIR": str(local),
            "KAQUAN_GATEWAY_PORT": "9",
        },
    )
    assert answer.returncode == 1
    assert "demo catalogue failed" in answer.stderr
    assert "compose up --detach --wait --build" in noted.read_text()
    assert access.read_access(local / "access.json")["operators"] == SEED
    assert stat.S_IMODE((local / "access.json").stat().st_mode) == 0o600
