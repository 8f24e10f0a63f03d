"""Codes of channels' orders, shown by inventory, which audits each look."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.http import Identity, ServiceClient, ServiceRefusedError, ServiceUnavailableError

CODES_AT_ONCE = 500
TIMEOUT_S = 5.0


class Codes:
    """Asks inventory for codes in a channel's name."""

    def __init__(self, inventory: ServiceClient) -> None:
        self._inventory = inventory

    async def reveal(
        self, *, order_id: UUID, entitlement_ids: Sequence[UUID], caller: Identity
    ) -> Mapping[UUID, Mapping[str, Any]]:
        """The codes by entitlement; what has none, or was taken back, is left out.

        :raises ServiceUnavailableError: inventory does not answer, or will not show them all.
        """
        shown: dict[UUID, Mapping[str, Any]] = {}
        for start in range(0, len(entitlement_ids), CODES_AT_ONCE):
            body = {
                "order_id": str(order_id),
                "entitlement_ids": [str(each) for each in entitlement_ids[start : start + CODES_AT_ONCE]],
                "channel_id": caller.subject,
                "ip": caller.ip,
            }
            shown.update(await self._ask(body))
        return shown

    async def _ask(self, body: Mapping[str, Any]) -> Mapping[UUID, Mapping[str, Any]]:
        try:
            told = await self._inventory.call("POST", "/internal/channel-reveals", json=body, timeout_s=TIMEOUT_S)
        except ServiceRefusedError as refused:
            raise ServiceUnavailableError("inventory", f"answered {refused}") from refused
        return {UUID(item.pop("entitlement_id")): item for item in told["items"]}
