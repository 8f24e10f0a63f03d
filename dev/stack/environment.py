"""The environment that every process of a stack is given, as a deployment would give it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from dev.stack.brokers import Flavour
from dev.stack.layout import REPOSITORY, Layout
from dev.stack.message_channels import channels
from dev.stack.ports import LOOPBACK, Ports, variable_name
from dev.stack.topology import GATEWAY, PARTS, SERVICES


@dataclass(frozen=True)
class StackEnvironment:
    layout: Layout
    ports: Ports
    passwords: Mapping[str, str]
    bootstrap: str
    flavour: Flavour

    def variables(self) -> dict[str, str]:
        return {
            "KAQUAN_ENVIRONMENT": "development",
            "KAQUAN_LOCAL_DIR": str(self.layout.root),
            "KAQUAN_KEYS_DIR": str(self.layout.keys),
            "KAQUAN_KAFKA_BOOTSTRAP": self.bootstrap,
            "KAQUAN_KAFKA_FLAVOUR": self.flavour.value,
            "KAQUAN_PAGES_DIR": str(REPOSITORY / "web/dist"),
            "PYTHONUNBUFFERED": "1",
            **{variable_name(part.name): str(self.ports[part.name]) for part in PARTS},
            **{_url_variable(part.name): self.ports.url(part.name) for part in PARTS},
            variable_name("sandbox_smtp"): str(self.ports["sandbox_smtp"]),
            **channels(self.ports.url("sandbox_messages"), smtp_host=LOOPBACK, smtp_port=self.ports["sandbox_smtp"]),
            **{_database_variable(service): self.database_url(service) for service in SERVICES},
        }

    def complete(self) -> dict[str, str]:
        """With what the launcher itself was given: PATH and the like."""
        return {**os.environ, **self.variables()}

    def database_url(self, service: str) -> str:
        port = self.ports["postgres"]
        return f"postgresql+asyncpg://{service}:{self.passwords[service]}@{LOOPBACK}:{port}/{service}"

    def gateway_url(self) -> str:
        return self.ports.url(GATEWAY)


def _url_variable(name: str) -> str:
    return f"KAQUAN_{name.upper()}_URL"


def _database_variable(service: str) -> str:
    return f"KAQUAN_{service.upper()}_DATABASE_URL"
