"""Inventory's holds and risk's decisions."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.order.domain.checkouts import NewOrder, Verdict
from shared.http import Identity, ServiceClient, ServiceRefusedError, ServiceUnavailableError
from shared.observability import Counter, get_logger

HOLD_OUTLIVES_PAYMENT_BY = timedelta(minutes=5)
"""A payment in the last second still finds its goods held."""

RISK_PATIENCE_S = 5.0
"""Nobody waits at the till any more."""

_CONFLICT = 409

log = get_logger(__name__)

_FAILED_OPEN = Counter("risk_unavailable_total", "Checkouts that were flagged because risk did not answer")


class StockInsufficientError(Exception):
    """There is not as much left as was asked for."""

    def __init__(self, refused: ServiceRefusedError) -> None:
        super().__init__(refused.detail or "not enough of it is left")
        self.extra = {name: refused.body[name] for name in ("sku_id", "available") if name in refused.body}


class HoldRefusedError(Exception):
    """Inventory will not hold these goods, for a reason the buyer can mend (a missing account to top up, say)."""

    def __init__(self, refused: ServiceRefusedError) -> None:
        super().__init__(refused.detail)
        self.status = refused.status
        self.code = refused.code


class Holds:
    """Stock held for orders that are being paid."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def hold(
        self, new: NewOrder, *, buyer_fields: Mapping[UUID, Mapping[str, str]], capped: Collection[UUID] = ()
    ) -> None:
        """Hold what the order needs; again for the same order is no second hold. `buyer_fields` is by line id.

        `capped` are bundles with a stock of their own.

        :raises StockInsufficientError: there is not enough.
        :raises HoldRefusedError: inventory will not.
        :raises ServiceUnavailableError: inventory does not answer; it may hold all the same, until it expires.
        """
        order = new.order
        body: dict[str, Any] = {
            "order_id": order.order_id,
            "member_id": order.member_id,
            "expires_at": order.pay_before + HOLD_OUTLIVES_PAYMENT_BY,
            "components": [
                _component(part.component_id, part.line_id, part.sku_id, part.quantity, buyer_fields)
                for part in order.components
            ],
        }
        bundles = [
            {"line_id": line.line_id, "sku_id": line.sku_id, "quantity": line.quantity}
            for line in new.lines
            if line.sku_id in capped
        ]
        if bundles:
            body["bundles"] = bundles
        try:
            await self._client.call("POST", "/internal/holds", json=body, idempotent=True)
        except ServiceRefusedError as refused:
            if refused.status == _CONFLICT and refused.code == "stock.insufficient":
                raise StockInsufficientError(refused) from refused
            raise HoldRefusedError(refused) from refused

    async def give_back(self, order_id: UUID) -> None:
        """Let go of an order's hold. Where inventory does not answer, the hold ends by itself when it expires."""
        try:
            await self._client.call("DELETE", f"/internal/holds/{order_id}")
        except (ServiceRefusedError, ServiceUnavailableError) as error:
            log.warning("hold.left_to_expire", order_id=order_id, reason=str(error))


class Risk:
    """The word of the risk service on a checkout.

    `timeout_s` is how long a buyer waits for it: risk answers from memory in milliseconds, and a job asks again with more
    patience.
    """

    def __init__(self, client: ServiceClient, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def judge(self, new: NewOrder, *, caller: Identity) -> Verdict:
        """Ask about an order. No answer in time means `review`: it is sold, and looked at before it is issued."""
        question = _question(new, caller)
        try:
            answer = await self._client.call("POST", "/internal/decisions", json=question, timeout_s=self._timeout_s)
        except (ServiceRefusedError, ServiceUnavailableError) as error:
            _FAILED_OPEN.inc()
            log.warning("risk.unavailable", order_id=new.order.order_id, reason=str(error))
            return Verdict("review", None, unanswered=question)
        return _verdict(answer)

    async def judge_late(self, question: Mapping[str, Any]) -> Verdict:
        """Ask once more what was not answered in time. Risk answers alike however often it is asked.

        :raises ServiceUnavailableError: risk does not answer.
        :raises ServiceRefusedError: it cannot make anything of the question.
        """
        path = "/internal/decisions/late"
        return _verdict(
            await self._client.call("POST", path, json=question, idempotent=True, timeout_s=RISK_PATIENCE_S)
        )


def _component(
    component_id: UUID, line_id: UUID, sku_id: UUID, quantity: int, buyer_fields: Mapping[UUID, Mapping[str, str]]
) -> dict[str, Any]:
    body: dict[str, Any] = {"component_id": component_id, "line_id": line_id, "sku_id": sku_id, "quantity": quantity}
    fields = buyer_fields.get(line_id)
    if fields:
        body["buyer_fields"] = fields
    return body


def _question(new: NewOrder, caller: Identity) -> dict[str, Any]:
    order = new.order
    return {
        "kind": "checkout",
        "member_id": order.member_id,
        "ip": caller.ip,
        "device": caller.device,
        "order_id": order.order_id,
        "amount_minor": order.total_minor,
        "quantity": sum(line.quantity for line in new.lines),
        "sku_ids": [line.sku_id for line in new.lines],
    }


def _verdict(answer: Mapping[str, Any]) -> Verdict:
    return Verdict(answer["decision"], UUID(answer["decision_id"]))
