"""The sandbox for messages as a process of its own."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from dev.stack.layout import REPOSITORY
from dev.stack.ports import find_free_ports

START_WITHIN_S = 30.0


@dataclass(frozen=True)
class MessagesProcess:
    """`python -m sandbox.messages` on ports of its own."""

    url: str
    smtp_port: int


@contextlib.contextmanager
def messages_process(keys: Path) -> Iterator[MessagesProcess]:
    """Started, ready, and stopped."""
    port, smtp_port = find_free_ports(2)
    environment = {
        **os.environ,
        "KAQUAN_SANDBOX_MESSAGES_PORT": str(port),
        "KAQUAN_SANDBOX_SMTP_PORT": str(smtp_port),
        "KAQUAN_KEYS_DIR": str(keys),
    }
    command = [sys.executable, "-m", "sandbox.messages"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            started = MessagesProcess(f"http://127.0.0.1:{port}", smtp_port)
            _await_ready(started.url)
            yield started
        finally:
            process.terminate()


def _await_ready(url: str) -> None:
    give_up = time.monotonic() + START_WITHIN_S
    while time.monotonic() < give_up:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the sandbox for messages did not start")
