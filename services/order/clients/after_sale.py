"""What inventory knows of delivered goods, and its exchange of bad cards, asked about tickets."""

from dataclasses import dataclass

from services.order.domain.tickets import Ticket
from shared.http import ServiceClient, ServiceRefusedError

WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """What inventory said to a bad card. `code`: why it will not exchange it."""

    replaced: bool
    code: str | None = None


class AfterSale:
    """Inventory's part in after-sale."""

    def __init__(self, inventory: ServiceClient) -> None:
        self._inventory = inventory

    async def was_seen(self, ticket: Ticket) -> bool:
        """Whether anybody has seen or used anything of what the ticket is about.

        :raises ServiceUnavailableError: inventory does not answer. :raises ServiceRefusedError: it will not.
        """
        body = {"order_id": str(ticket.order_id), "component_id": str(ticket.component_id)}
        answer = await self._inventory.call(
            "POST", "/internal/after-sale/looks", json=body, idempotent=True, timeout_s=WITHIN_S
        )
        return bool(answer["seen"])

    async def exchange(self, ticket: Ticket, *, approved_by: str | None) -> Exchange:
        """Report the ticket's card, and have it exchanged: by inventory's rule, or because a person approved.

        The ticket is the key: asked again, nothing is exchanged twice.

        :raises ServiceUnavailableError: whether it was exchanged is not known.
        """
        body = {
            "ticket_id": str(ticket.ticket_id),
            "entitlement_id": str(ticket.entitlement_id),
            "order_id": str(ticket.order_id),
            "member_id": None if ticket.member_id is None else str(ticket.member_id),
            "fault": ticket.reason.value,
            "approved_by": approved_by,
        }
        try:
            answer = await self._inventory.call(
                "POST", "/internal/after-sale/exchanges", json=body, idempotent=True, timeout_s=WITHIN_S
            )
        except ServiceRefusedError as refused:
            return Exchange(replaced=False, code=refused.code)
        return Exchange(replaced=answer["state"] == "replaced")
