"""Channels' accounts at settlement, behind the port of a payment provider: asked about payments, told to send refunds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from services.order.clients.providers import ProviderUnavailableError, RefundAnswer, RefundResult, ToRefund
from services.order.domain.payments import Receipt
from shared.http import ServiceClient, ServiceRefusedError, ServiceUnavailableError

NAME: Final = "account"
"""The provider's name, at settlement too."""

_NOT_FOUND = 404
_PAYMENT_REQUIRED = 402
_DAILY_LIMIT = "account.daily_limit"


class AccountRefusedError(Exception):
    """The account does not hold that much, or not for today. Nothing was taken."""

    def __init__(self, code: str, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("detail") or code))
        self.code = code
        self.extra = {name: body[name] for name in ("available_minor", "wanted_minor") if name in body}


class DailyLimitError(AccountRefusedError):
    """What may be spent in one day is spent. Nothing was taken."""


class ChannelUnknownError(Exception):
    """Settlement knows no such channel."""


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """A channel as settlement keeps it; `available_minor` is what it may still spend."""

    channel_id: UUID
    name: str
    currency: str
    available_minor: int


class Accounts:
    """Money of channels. A payment is known by its order's id: an order has one."""

    def __init__(self, settlement: ServiceClient) -> None:
        self._settlement = settlement

    async def find(self, channel_id: UUID) -> ChannelAccount:
        """The channel and what it may spend.

        :raises ChannelUnknownError: there is none. :raises ServiceUnavailableError: settlement does not answer.
        """
        found = await self._get(f"/internal/channels/{channel_id}")
        if found is None:
            raise ChannelUnknownError(f"there is no channel {channel_id}")
        return ChannelAccount(channel_id, found["name"], found["currency"], found["available_minor"])

    async def take(self, *, channel_id: UUID, order_id: UUID, amount_minor: int, currency: str) -> Receipt:
        """Take what the order costs, once however often it is said.

        :raises AccountRefusedError: it is not there; nothing was taken.
        :raises ServiceUnavailableError: whether it was taken is not known.
        """
        body = {
            "channel_id": str(channel_id),
            "order_id": str(order_id),
            "amount_minor": amount_minor,
            "currency": currency,
        }
        try:
            await self._settlement.call("POST", "/internal/channel-purchases", json=body, idempotent=True)
        except ServiceRefusedError as refused:
            if refused.status == _PAYMENT_REQUIRED:
                kind = DailyLimitError if refused.code == _DAILY_LIMIT else AccountRefusedError
                raise kind(refused.code, refused.body) from refused
            raise ServiceUnavailableError("settlement", f"answered {refused}") from refused
        return _receipt(order_id, amount_minor, currency)

    async def query_payment(self, payment_id: UUID) -> Receipt | None:
        """What was taken for an order; None: nothing.

        :raises ProviderUnavailableError: that is not known.
        """
        found = await self._asked(f"/internal/channel-purchases/{payment_id}")
        return None if found is None else _receipt(payment_id, found["amount_minor"], found["currency"])

    async def refund(self, refund: ToRefund) -> RefundResult:
        """Put money of an order back; asked again for the same refund, nothing is put back twice.

        :raises ProviderUnavailableError: whether it was done is not known.
        """
        body = {
            "refund_id": str(refund.refund_id),
            "order_id": str(refund.payment_id),
            "amount_minor": refund.amount_minor,
        }
        try:
            await self._settlement.call("POST", "/internal/channel-refunds", json=body, idempotent=True)
        except ServiceRefusedError as refused:
            return RefundResult(RefundAnswer.REFUSED, refused.code)
        except ServiceUnavailableError as error:
            raise ProviderUnavailableError(str(error)) from error
        return RefundResult(RefundAnswer.SENT)

    async def query_refund(self, refund: ToRefund) -> RefundResult:
        """Whether the money of a refund is back.

        :raises ProviderUnavailableError: that is not known.
        """
        found = await self._asked(f"/internal/channel-refunds/{refund.refund_id}")
        return RefundResult(RefundAnswer.UNKNOWN if found is None else RefundAnswer.SENT)

    async def _asked(self, path: str) -> Any:
        try:
            return await self._get(path)
        except ServiceUnavailableError as error:
            raise ProviderUnavailableError(str(error)) from error

    async def _get(self, path: str) -> Any:
        """What is there; None where nothing is."""
        try:
            return await self._settlement.call("GET", path)
        except ServiceRefusedError as refused:
            if refused.status == _NOT_FOUND:
                return None
            raise ServiceUnavailableError("settlement", f"answered {refused}") from refused


def _receipt(order_id: UUID, amount_minor: int, currency: str) -> Receipt:
    return Receipt(
        provider=NAME,
        payment_id=order_id,
        provider_trade_no=order_id.hex,
        amount_minor=amount_minor,
        fee_minor=0,
        currency=currency,
    )
