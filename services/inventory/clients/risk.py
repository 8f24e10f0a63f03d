"""Ask risk whether a code may be shown."""

from dataclasses import dataclass
from uuid import UUID

from services.inventory.domain.entitlements import RevealRefusedError, RevealUnavailableError
from shared.http import Identity, ServiceClient, ServiceRefusedError, ServiceUnavailableError
from shared.observability import get_logger

log = get_logger(__name__)

_ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class RiskClient:
    """Risk's synchronous decision. An answer that is not here after `first_try_s` is asked for once more, `within_s` in all."""

    service: ServiceClient
    first_try_s: float
    within_s: float

    async def allow_reveal(
        self, caller: Identity, *, entitlement_id: UUID, order_id: UUID, sku_id: UUID
    ) -> UUID | None:
        """The decision's id if the code may be shown.

        :raises RevealRefusedError: it may not, or not now.
        :raises RevealUnavailableError: risk does not answer in time. A code is not shown without its word.
        """
        question = {
            "kind": "reveal",
            "member_id": caller.member_id and str(caller.member_id),
            "ip": caller.ip,
            "device": caller.device,
            "order_id": str(order_id),
            "entitlement_id": str(entitlement_id),
            "sku_ids": [str(sku_id)],
        }
        try:
            answer = await self.service.call(
                "POST",
                "/internal/decisions",
                json=question,
                idempotent=True,
                timeout_s=self.within_s,
                first_try_s=self.first_try_s,
            )
        except (ServiceUnavailableError, ServiceRefusedError) as error:
            log.warning("reveal.risk_unavailable", reason=str(error))
            raise RevealUnavailableError from error
        if answer["decision"] != _ALLOW:
            raise RevealRefusedError(decision=answer["decision"], reasons=answer.get("reasons") or ())
        decision_id = answer.get("decision_id")
        return UUID(decision_id) if decision_id else None
