"""The generic signed HTTP interface of suppliers: place an order, ask for it.

A request carries `X-Merchant-Id`, `X-Timestamp` (seconds), `X-Nonce` and `X-Signature`: HMAC-SHA256 in hex over method,
path, timestamp, nonce and the body's SHA-256, joined by newlines. An answer is signed over its status, the request's
nonce and its body's SHA-256. What is not signed, or not JSON of the agreed form, was not understood: that is no failure.
"""

import asyncio
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder
from shared.crypto import Secret

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 10.0
"""Of the whole call, however slowly it drips; well within a task's lease."""

ANSWER_BYTES_MAX = 64 * 1024
CONNECTIONS_MAX = 100

_PATHS = {Step.PLACE: "/api/v1/orders", Step.QUERY: "/api/v1/orders/query"}
_DUPLICATE = 2001
_NOT_FOUND = 2404
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_SIGNATURE = "X-Signature"


class _OrderData(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    out_order_no: str
    order_no: Annotated[str, Field(max_length=100)]
    status: Literal["processing", "succeeded", "failed"]
    cost_minor: Annotated[int, Field(ge=0, le=10**12)]


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    code: int
    data: _OrderData | None = None


_STATUS = {
    "processing": AnswerKind.PROCESSING,
    "succeeded": AnswerKind.SUCCEEDED,
    "failed": AnswerKind.FAILED,
}


class SupplierClient:
    """Calls suppliers. One per process; connections are pooled and bounded."""

    def __init__(self, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(answer_timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
            follow_redirects=False,
            trust_env=False,
        )

    async def ask(self, order: SupplierOrder, *, step: Step, now: datetime) -> SupplierAnswer:
        """Place the order, or ask what became of it. Every failure is an answer of its own kind; nothing is raised."""
        body = orjson.dumps(_body(order, step))
        nonce = secrets.token_hex(16)
        path = urlsplit(order.base_url).path.rstrip("/") + _PATHS[step]
        headers = _signed_headers(order, path=path, body=body, nonce=nonce, now=now)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                status, signature, answer = await self._exchange(
                    order.base_url.rstrip("/") + _PATHS[step], body, headers
                )
        except _NEVER_SENT:
            return SupplierAnswer(AnswerKind.NEVER_SENT, "unreachable")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, type(error).__name__)
        expected = _sign(order.secret, str(status), nonce, _digest(answer))
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            return SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, "signature_invalid")
        return _understand(order, answer)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _exchange(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        async with self._http.stream("POST", url, content=body, headers=headers) as response:
            answer = b""
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > ANSWER_BYTES_MAX:
                    raise httpx.DecodingError("the answer is too large")
            return response.status_code, response.headers.get(_SIGNATURE, ""), answer


def _body(order: SupplierOrder, step: Step) -> dict[str, object]:
    if step is Step.QUERY:
        return {"out_order_no": order.out_order_no}
    return {
        "out_order_no": order.out_order_no,
        "product_code": order.supplier_sku,
        "quantity": order.quantity,
        "account": order.account.reveal(),
        "max_cost_minor": order.cost_minor_max,
    }


def _signed_headers(order: SupplierOrder, *, path: str, body: bytes, nonce: str, now: datetime) -> dict[str, str]:
    timestamp = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "X-Merchant-Id": order.merchant_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        _SIGNATURE: _sign(order.secret, "POST", path, timestamp, nonce, _digest(body)),
    }


def _understand(order: SupplierOrder, body: bytes) -> SupplierAnswer:
    """A signed answer. One about another order is as unknown as none."""
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        return SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, "body_invalid")
    if answer.code == _NOT_FOUND:
        return SupplierAnswer(AnswerKind.NOT_FOUND)
    if answer.code == _DUPLICATE:
        return SupplierAnswer(AnswerKind.PROCESSING, "duplicate")
    if answer.code != 0:
        return SupplierAnswer(AnswerKind.REFUSED, f"refused_{answer.code}")
    if answer.data is None or answer.data.out_order_no != order.out_order_no:
        return SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, "other_order")
    return SupplierAnswer(
        _STATUS[answer.data.status],
        supplier_order_no=answer.data.order_no,
        cost_minor=answer.data.cost_minor,
    )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _sign(secret: Secret, *parts: str) -> str:
    return hmac.new(secret.reveal().encode(), "\n".join(parts).encode(), "sha256").hexdigest()
