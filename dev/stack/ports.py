"""Ports of one stack. Each can be moved by its variable, so that two checkouts can run side by side."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
RANDOM_PORTS = range(12_000, 32_000)
"""An outgoing connection may take any port above, between our choosing it and a server's listening there."""

DEFAULT_PORTS: Mapping[str, int] = {
    "gateway": 8000,
    "order": 8101,
    "inventory": 8102,
    "membership": 8103,
    "points": 8104,
    "settlement": 8105,
    "risk": 8106,
    "sandbox_payment": 8201,
    "sandbox_supplier": 8202,
    "sandbox_messages": 8203,
    "sandbox_smtp": 8204,
    "postgres": 8300,
    "kafka": 8301,
    "kafka_controller": 8302,
}


class PortTakenError(RuntimeError):
    """Something that is not ours listens on a port of the stack."""


@dataclass(frozen=True)
class Ports:
    by_name: Mapping[str, int]

    @classmethod
    def from_environment(cls) -> "Ports":
        return cls(
            {name: int(os.environ.get(variable_name(name)) or port) for name, port in DEFAULT_PORTS.items()},
        )

    def __getitem__(self, name: str) -> int:
        return self.by_name[name]

    def address(self, name: str) -> str:
        return f"{LOOPBACK}:{self[name]}"

    def url(self, name: str) -> str:
        return f"http://{self.address(name)}"


def variable_name(name: str) -> str:
    """The variable that moves a port: KAQUAN_GATEWAY_PORT, KAQUAN_SANDBOX_PAYMENT_PORT and so on."""
    return f"KAQUAN_{name.upper()}_PORT"


def is_listening(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def require_free(name: str, port: int) -> None:
    """:raises PortTakenError: when anything already answers there."""
    if is_listening(port):
        raise PortTakenError(
            f"port {port} for {name} is taken by another program; stop it, or set {variable_name(name)} to a free port",
        )


def find_free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, drawn at random from below those that outgoing connections are given.

    :raises PortTakenError: when nearly every port of the range is taken.
    """
    free: list[int] = []
    for port in random.sample(RANDOM_PORTS, k=len(RANDOM_PORTS)):
        if len(free) == count:
            return free
        if _can_bind(port):
            free.append(port)
    raise PortTakenError(f"fewer than {count} free ports between {RANDOM_PORTS.start} and {RANDOM_PORTS.stop}")


def _can_bind(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
