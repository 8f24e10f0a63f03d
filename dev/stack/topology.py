"""What a stack consists of: the one place of the launcher that names the services."""

from dataclasses import dataclass

SERVICES = ("order", "inventory", "membership", "points", "settlement", "risk")
GATEWAY = "gateway"


@dataclass(frozen=True)
class Part:
    """A process of the product. Its name also names its port and its address in the environment."""

    name: str
    module: str


PARTS = (
    Part(name="sandbox_payment", module="sandbox.payment"),
    Part(name="sandbox_supplier", module="sandbox.supplier"),
    Part(name="sandbox_messages", module="sandbox.messages"),
    *(Part(name=service, module=f"services.{service}.main") for service in SERVICES),
    Part(name=GATEWAY, module="gateway.main"),
)


def find_part(name: str) -> Part | None:
    return next((part for part in PARTS if part.name == name), None)
