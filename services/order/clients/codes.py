"""Codes of channels' orders, shown by inventory, which audits each look."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.http import Identity, ServiceClient


class Codes:
    """Asks inventory for codes in a channel's name."""

    def __init__(self, inventory: ServiceClient) -> None:
        self._inventory = inventory

    async def reveal(
        self, *, order_id: UUID, entitlement_ids: Sequence[UUID], caller: Identity
    ) -> Mapping[UUID, Mapping[str, Any]]:
        """The codes by entitlement; what has none, or was taken back, is left out.

        :raises ServiceUnavailableError: inventory does not answer. :raises ServiceRefusedError: it will not.
        """
        body = {
            "order_id": str(order_id),
            "entitlement_ids": [str(entitlement_id) for entitlement_id in entitlement_ids],
            "channel_id": caller.subject,
            "ip": caller.ip,
        }
        shown = await self._inventory.call("POST", "/internal/channel-reveals", json=body, timeout_s=5.0)
        return {UUID(item.pop("entitlement_id")): item for item in shown["items"]}
