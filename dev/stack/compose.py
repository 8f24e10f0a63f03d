"""STACK=compose: the same system from images, for machines that have Docker."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from dev.stack import access
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.ports import Ports
from dev.stack.steps import run_step
from dev.stack.telling import Say
from dev.stack.topology import GATEWAY

SEED_FILE = "/keys/operator-seed.json"
READ_SEED = f"print(open('{SEED_FILE}').read())"


class ComposeUnavailableError(RuntimeError):
    """Docker is not there, or Compose could not do what was asked."""


@dataclass(frozen=True)
class ComposeStack:
    """The stack in containers. Keys and data are in Docker's volumes; only access.json is written here."""

    layout: Layout
    ports: Ports
    say: Say

    @classmethod
    def from_environment(cls, say: Say) -> "ComposeStack":
        return cls(layout=Layout.from_environment(), ports=Ports.from_environment(), say=say)

    def up(self) -> access.Access:
        """Build, start, wait until healthy, put the demo goods on the shelf.

        :raises ComposeUnavailableError: when Docker is missing or a container does not become healthy.
        :raises StepFailedError: when the demo catalogue cannot be made.
        """
        compose("up", "--detach", "--wait", "--build")
        known = access.read_access(self.layout.access_file)
        self._write(operators=self._operators(), partners=known.get("partners") or [])
        environment = {**os.environ, "KAQUAN_LOCAL_DIR": str(self.layout.root)}
        answer = run_step("demo catalogue", "dev.seed", environment=environment, logs=self.layout.logs, say=self.say)
        return self._write(**json.loads(answer.strip().splitlines()[-1]))

    def _operators(self) -> object:
        """Made by the container that made the keys; any that has the volume can read them."""
        return json.loads(compose_output("exec", "-T", GATEWAY, "python", "-c", READ_SEED))

    def _supplier_secret(self) -> str:
        return compose_output("exec", "-T", GATEWAY, "cat", "/keys/supplier-sandbox.key").strip()

    def _write(self, *, operators: object, partners: object) -> access.Access:
        found: access.Access = {
            "gateway": self.ports.url(GATEWAY),
            "operators": operators,
            "partners": partners,
            "sandbox": {
                "payment": self.ports.url("sandbox_payment"),
                "supplier": self.ports.url("sandbox_supplier"),
                "messages": self.ports.url("sandbox_messages"),
                "smtp": "sandbox-messages:8204 in Compose's network",
                "supplier_inside": "http://sandbox-supplier:8202",
                "supplier_secret": self._supplier_secret(),
            },
            "stack": {"postgres": "postgres:5432 in Compose's network", "kafka": "kafka", "bootstrap": "kafka:9092"},
        }
        self.layout.root.mkdir(parents=True, exist_ok=True)
        access.write_access(self.layout.access_file, found)
        return found


def compose(*arguments: str) -> None:
    """Run Docker Compose on the repository's file, its words going straight to the terminal.

    :raises ComposeUnavailableError: when Docker is missing or the command fails.
    """
    if subprocess.run([_docker(), "compose", *arguments], cwd=REPOSITORY, check=False).returncode != 0:
        raise ComposeUnavailableError(f"`docker compose {' '.join(arguments)}` failed")


def compose_output(*arguments: str) -> str:
    """The same, for what it prints."""
    answer = subprocess.run(
        [_docker(), "compose", *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, check=False
    )
    if answer.returncode != 0:
        raise ComposeUnavailableError(f"`docker compose {' '.join(arguments)}` failed")
    return answer.stdout


def _docker() -> str:
    docker = shutil.which("docker")
    if docker is None:
        raise ComposeUnavailableError(
            "STACK=compose needs Docker, which is not installed; leave STACK out to do without"
        )
    return docker
