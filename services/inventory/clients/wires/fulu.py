"""The published interface of Fulu's open platform: one address, a method by name, an order within the parameters.

A request is signed by the MD5 of all characters of its parameters as JSON, sorted, with the secret behind them; an
answer likewise over its `result`. Cards come encrypted by AES-256-ECB under the secret's first 32 bytes, in base64.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.inventory.clients.wires.port import Codes, NotUnderstoodError, WireRequest, WireResponse
from services.inventory.clients.wires.template import minor_of
from services.inventory.domain.cards import CardSecret, LineFaultError, read_card
from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder
from services.inventory.schemas.wires import FuluWire
from shared.crypto import Secret

_QUERY = "fulu.order.info.get"
_BUY_CARDS = "fulu.order.card.add"
_TOP_UP = "fulu.order.direct.add"

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_KEY_BYTES = 32
_BLOCK_BITS = 128
_MINOR_PER_MAJOR = 100

_STATUS = {
    "untreated": AnswerKind.PROCESSING,
    "processing": AnswerKind.PROCESSING,
    "success": AnswerKind.SUCCEEDED,
    "failed": AnswerKind.FAILED,
}


class _Card(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    card_number: str | None = None
    card_pwd: str | None = None


class _Result(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    order_id: Annotated[str, Field(max_length=100)]
    customer_order_no: str
    order_status: Literal["untreated", "processing", "success", "failed"]
    order_price: Decimal
    cards: tuple[_Card, ...] = ()


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    code: int
    result: str = ""
    sign: str


class FuluSpeaker:
    """Writes requests and reads answers as that platform does."""

    def __init__(self, wire: FuluWire) -> None:
        self._path = wire.path
        self._codes = Codes((0,), wire.refused_codes, wire.not_found_codes, wire.duplicate_codes)

    def write(self, order: SupplierOrder, *, step: Step, now: datetime) -> WireRequest:
        method = _QUERY if step is Step.QUERY else _BUY_CARDS if order.for_cards else _TOP_UP
        return write_call(self._path, order.merchant_id, order.secret, method, _content(order, step), now=now)

    def read(self, order: SupplierOrder, response: WireResponse) -> SupplierAnswer:
        code, result = read_result(order.secret, response)
        try:
            return self._codes.decide(code) or _understand(order, _Result.model_validate_json(result))
        except (ValueError, LineFaultError):
            raise NotUnderstoodError("body_invalid") from None


def write_call(
    path: str, app_key: str, secret: Secret, method: str, content: Mapping[str, object], *, now: datetime
) -> WireRequest:
    """A call of one of the platform's methods."""
    parameters = {
        "app_key": app_key,
        "method": method,
        "timestamp": f"{now.astimezone(_SHANGHAI):%Y-%m-%d %H:%M:%S}",
        "version": "2.0",
        "format": "json",
        "charset": "utf-8",
        "sign_type": "md5",
        "app_auth_token": "",
        "biz_content": _dump(content),
    }
    body = _dump({**parameters, "sign": sign(_dump(parameters), secret)})
    return WireRequest(path, body.encode(), {"Content-Type": "application/json; charset=utf-8"})


def read_result(secret: Secret, response: WireResponse) -> tuple[int, str]:
    """An answer's code and its `result`, a text of JSON.

    :raises NotUnderstoodError: it is none of the platform's, or not signed.
    """
    try:
        answer = _Answer.model_validate_json(response.body)
    except ValidationError:
        raise NotUnderstoodError("body_invalid") from None
    if not hmac.compare_digest(sign(answer.result, secret).encode(), answer.sign.encode()):
        raise NotUnderstoodError("signature_invalid")
    return answer.code, answer.result


def sign(text: str, secret: Secret) -> str:
    """The platform's signature of a text."""
    characters = "".join(sorted(text)) + secret.reveal()
    return hashlib.md5(characters.encode(), usedforsecurity=False).hexdigest()


def _content(order: SupplierOrder, step: Step) -> Mapping[str, object]:
    if step is Step.QUERY:
        return {"customer_order_no": order.out_order_no}
    content: dict[str, object] = {
        "product_id": order.supplier_sku,
        "customer_order_no": order.out_order_no,
        "buy_num": order.quantity,
    }
    if not order.for_cards:
        content["charge_account"] = order.account.reveal()
    if order.cost_minor_max is not None:
        # Our price of one unit: the platform does not sell above it.
        content["customer_price"] = str(Decimal(order.cost_minor_max // order.quantity).scaleb(-2))
    return content


def _understand(order: SupplierOrder, result: _Result) -> SupplierAnswer:
    """:raises ValueError: its cards are not there, or do not open."""
    if result.customer_order_no != order.out_order_no:
        raise NotUnderstoodError("other_order")
    kind = _STATUS[result.order_status]
    cards: tuple[CardSecret, ...] = ()
    if kind is AnswerKind.SUCCEEDED and order.for_cards:
        if not result.cards:
            # The answer to an order never has them, only that to a question.
            return SupplierAnswer(AnswerKind.PROCESSING, "cards_later", supplier_order_no=result.order_id)
        if len(result.cards) != order.quantity:
            raise NotUnderstoodError("cards_missing")
        cards = tuple(_open_card(card, order.secret) for card in result.cards)
    return SupplierAnswer(
        kind,
        supplier_order_no=result.order_id,
        cost_minor=minor_of(str(result.order_price), per_unit=_MINOR_PER_MAJOR),
        cards=cards,
    )


def _open_card(card: _Card, secret: Secret) -> CardSecret:
    """Some cards have a number and a password, some a password alone: then that is the code."""
    number, password = _open(card.card_number, secret), _open(card.card_pwd, secret)
    return read_card({"code": number or password, "password": password if number else None}, now=None)


def _open(sealed: str | None, secret: Secret) -> str:
    """:raises ValueError: it was not encrypted under this secret."""
    if not sealed:
        return ""
    key = secret.reveal().encode()[:_KEY_BYTES]
    # The platform encrypts so; what protects the cards on their way is TLS.
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305  # as published
    padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    return (unpadder.update(padded) + unpadder.finalize()).decode()


def _dump(content: Mapping[str, object]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
