"""The sandbox provider: signed links, signed notifies, a query and a refund API, as the real ones have them."""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import orjson

from services.order.clients.providers import (
    Acknowledgement,
    NotifyRejectedError,
    ProviderUnavailableError,
    RefundAnswer,
    RefundResult,
    ToPay,
    ToRefund,
)
from services.order.domain.payments import Receipt
from shared.clock import Clock

NAME = "sandbox"
TIMEOUT_S = 5.0
NOTIFY_BYTES_MAX = 4096
_SUCCESS = Acknowledgement(b"success", "text/plain")
_PAID = "paid"
_CURRENCY = re.compile("[A-Z]{3}")
_REFUNDS = {
    "refunded": RefundAnswer.SENT,
    "processing": RefundAnswer.PROCESSING,
    "refused": RefundAnswer.REFUSED,
    "unknown": RefundAnswer.UNKNOWN,
}


class SandboxProvider:
    """One merchant's account with the sandbox. `notify_url` is where the provider reports what came in.

    `page_url` is where buyers reach the provider, when that is not where we call it; `return_url` where it sends them back
    to, with the order's id behind it.
    """

    def __init__(
        self,
        *,
        base_url: str,
        page_url: str | None = None,
        notify_url: str,
        return_url: str,
        merchant_id: str,
        key: bytes,
        http: httpx.AsyncClient,
        clock: Clock,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._page_url = (page_url or base_url).rstrip("/")
        self._notify_url = notify_url
        self._quoted_notify_url = quote(notify_url, safe="")
        self._return_url = return_url.rstrip("/")
        self._merchant_id = merchant_id
        self._key = key
        self._http = http
        self._clock = clock

    @property
    def acknowledgement(self) -> Acknowledgement:
        return _SUCCESS

    def begin(self, payment: ToPay) -> Mapping[str, str]:
        parameters = {
            "merchant_id": self._merchant_id,
            "out_trade_no": payment.payment_id.hex,
            "subject": payment.order_no,
            "amount_minor": str(payment.amount_minor),
            "currency": payment.currency,
            "notify_url": self._notify_url,
            "expires_at": str(int(payment.pay_before.timestamp())),
            "nonce": secrets.token_hex(8),
            "return_url": f"{self._return_url}/{payment.order_id}",
        }
        sign = signature(self._key, parameters)
        # All but the addresses are letters, digits and dashes; a return address stands as it is in a query (RFC 3986, 3.4).
        text = "&".join(f"{name}={value}" for name, value in parameters.items() if name != "notify_url")
        return {"pay_url": f"{self._page_url}/pay?{text}&notify_url={self._quoted_notify_url}&sign={sign}"}

    def read_notify(self, body: bytes) -> Receipt:
        try:
            message = orjson.loads(body) if len(body) <= NOTIFY_BYTES_MAX else None
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            raise NotifyRejectedError("payment.notify_unreadable", "the notify cannot be read")
        self._verify(message)
        return self._receipt(message)

    async def query_payment(self, payment_id: UUID) -> Receipt | None:
        message = await self._ask("GET", "/query", {"out_trade_no": payment_id.hex})
        if message.get("status") != _PAID:
            return None
        try:
            return self._receipt(message)
        except NotifyRejectedError as error:
            raise ProviderUnavailableError(str(error)) from error

    async def refund(self, refund: ToRefund) -> RefundResult:
        return _refund_result(
            await self._ask(
                "POST",
                "/refund",
                {
                    "out_trade_no": refund.payment_id.hex,
                    "out_refund_no": refund.refund_id.hex,
                    "amount_minor": str(refund.amount_minor),
                    "currency": refund.currency,
                },
            )
        )

    async def query_refund(self, refund: ToRefund) -> RefundResult:
        return _refund_result(await self._ask("GET", "/refund-query", {"out_refund_no": refund.refund_id.hex}))

    async def _ask(self, method: str, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        stamp = {"merchant_id": self._merchant_id, "timestamp": str(int(self._clock().timestamp()))}
        signed = self._signed({**parameters, **stamp})
        try:
            answer = await self._http.request(
                method,
                self._base_url + path,
                params=signed if method == "GET" else None,
                json=signed if method != "GET" else None,
                timeout=TIMEOUT_S,
            )
            message = orjson.loads(answer.content) if answer.status_code == httpx.codes.OK else None
        except (httpx.HTTPError, orjson.JSONDecodeError) as error:
            raise ProviderUnavailableError(repr(error)) from error
        if not isinstance(message, dict):
            raise ProviderUnavailableError(f"answered {answer.status_code}")
        try:
            self._verify(message)
        except NotifyRejectedError as error:
            raise ProviderUnavailableError(str(error)) from error
        return message

    def _receipt(self, message: Mapping[str, Any]) -> Receipt:
        payment_no = str(message.get("out_trade_no", ""))
        if message.get("merchant_id") != self._merchant_id:
            raise NotifyRejectedError("payment.merchant_mismatch", "not for this merchant", payment_no=payment_no)
        if message.get("status") != _PAID:
            raise NotifyRejectedError("payment.notify_unreadable", "not of a payment", payment_no=payment_no)
        try:
            return Receipt(
                provider=NAME,
                payment_id=UUID(hex=payment_no),
                provider_trade_no=str(message["trade_no"]),
                amount_minor=_whole(message["amount_minor"], least=1),
                fee_minor=_whole(message["fee_minor"], least=0),
                currency=_currency(message["currency"]),
            )
        except (KeyError, ValueError):
            raise NotifyRejectedError("payment.unknown", "not of a payment of ours", payment_no=payment_no) from None

    def _signed(self, parameters: Mapping[str, str]) -> dict[str, str]:
        return {**parameters, "sign": signature(self._key, parameters)}

    def _verify(self, message: Mapping[str, Any]) -> None:
        sign = message.get("sign")
        unsigned = {name: value for name, value in message.items() if name != "sign"}
        if not isinstance(sign, str) or not hmac.compare_digest(signature(self._key, unsigned).encode(), sign.encode()):
            raise NotifyRejectedError("payment.signature_invalid", "not signed by the provider")


def signature(key: bytes, parameters: Mapping[str, object]) -> str:
    """HMAC-SHA256 in hex over `name=value` pairs, sorted by name and joined by `&`."""
    text = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return hmac.digest(key, text.encode(), "sha256").hex()


def _refund_result(message: Mapping[str, Any]) -> RefundResult:
    answer = _REFUNDS.get(str(message.get("status")))
    if answer is None:
        raise ProviderUnavailableError("the provider's answer is not known to us")
    return RefundResult(answer, str(message.get("reason", "")))


def _whole(value: object, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError("not a whole amount")
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or not _CURRENCY.fullmatch(value):
        raise ValueError("not a currency")
    return value
