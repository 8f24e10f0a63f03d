"""A supplier as its template describes it; without one, as we would speak ourselves."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

import orjson

from services.inventory.clients.wires.lines import Signer, check_answer
from services.inventory.clients.wires.port import Codes, NotUnderstoodError, WireRequest, WireResponse
from services.inventory.domain.cards import CardSecret, LineFaultError, read_card
from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder
from services.inventory.schemas.wires import AnswerTemplate, Recipe, TemplateWire
from shared.crypto import Secret

_MINOR_PER_MAJOR = 100
_COST_MINOR_MAX = 10**12
_ORDER_NO_MAX = 100
_SERVER_ERROR = 500

OURS = TemplateWire.model_validate(
    {
        "place": {
            "path": "/api/v1/orders",
            "fields": {
                "out_order_no": "{out_order_no}",
                "product_code": "{supplier_sku}",
                "quantity": "{quantity}",
                "account": "{account}",
                "max_cost_minor": "{cost_minor_max}",
            },
        },
        "query": {"path": "/api/v1/orders/query", "fields": {"out_order_no": "{out_order_no}"}},
        "signature": {"recipe": "lines_hmac_sha256"},
        "answer": {
            "code": "code",
            "ok": ["0"],
            "refused": ["1002", "2002", "2003", "2004", "2005"],
            "not_found": ["2404"],
            "duplicate": ["2001"],
            "status": "data.status",
            "processing": ["processing"],
            "succeeded": ["succeeded"],
            "failed": ["failed"],
            "out_order_no": "data.out_order_no",
            "order_no": "data.order_no",
            "cost": "data.cost_minor",
            "cards": "data.cards",
            "card_password": "password",
        },
    }
)
"""Our own wire format: what a supplier without a description speaks."""


class TemplateSpeaker:
    """Writes requests and reads answers by a template."""

    def __init__(self, template: TemplateWire) -> None:
        self._template = template
        answer = template.answer
        self._codes = Codes(answer.ok, answer.refused, answer.not_found, answer.duplicate)

    def write(self, order: SupplierOrder, *, step: Step, now: datetime) -> WireRequest:
        call = self._template.place if step is Step.PLACE else self._template.query
        known = _known(order, nonce=secrets.token_hex(16), timestamp=str(int(now.timestamp())))
        fields = {name: known[value[1:-1]] if value.startswith("{") else value for name, value in call.fields.items()}
        recipe = self._template.signature.recipe
        if recipe is not Recipe.LINES_HMAC_SHA256:
            fields[self._template.signature.field] = self._sign_fields(order.secret, fields)
        body, content_type = self._encode(fields)
        if recipe is Recipe.LINES_HMAC_SHA256:
            return Signer(order.base_url, order.merchant_id, order.secret).write(call.path, body, content_type, now=now)
        return WireRequest(call.path, body, {"Content-Type": content_type})

    def read(self, order: SupplierOrder, response: WireResponse) -> SupplierAnswer:
        if self._template.signature.recipe is Recipe.LINES_HMAC_SHA256:
            check_answer(order.secret, response)
        if response.status >= _SERVER_ERROR:
            raise NotUnderstoodError(f"http_{response.status}")
        answer = self._template.answer
        try:
            body = orjson.loads(response.body)
            return self._codes.decide(_text(_at(body, answer.code))) or _understand(order, answer, body)
        except (ValueError, LineFaultError):
            raise NotUnderstoodError("body_invalid") from None

    def _sign_fields(self, secret: Secret, fields: Mapping[str, object]) -> str:
        signature = self._template.signature
        told = [(name, str(value)) for name, value in sorted(fields.items()) if value not in {None, ""}]
        joined = "&".join(f"{name}={value}" for name, value in told)
        if signature.recipe is Recipe.SORTED_HMAC_SHA256:
            signed = hmac.new(secret.reveal().encode(), joined.encode(), "sha256").hexdigest()
        elif signature.recipe is Recipe.SORTED_MD5:
            signed = _md5(f"{joined}&key={secret.reveal()}")
        else:
            signed = _md5(secret.reveal() + "".join(name + value for name, value in told) + secret.reveal())
        return signed.upper() if signature.upper else signed

    def _encode(self, fields: Mapping[str, object]) -> tuple[bytes, str]:
        if self._template.encoding == "json":
            return orjson.dumps(fields), "application/json"
        told = {name: value for name, value in fields.items() if value is not None}
        return urlencode(told).encode(), "application/x-www-form-urlencoded"


def _known(order: SupplierOrder, *, nonce: str, timestamp: str) -> Mapping[str, object]:
    """What a template's fields may carry."""
    limit = order.cost_minor_max
    return {
        "out_order_no": order.out_order_no,
        "supplier_sku": order.supplier_sku,
        "quantity": order.quantity,
        "account": order.account.reveal(),
        "merchant_id": order.merchant_id,
        "timestamp": timestamp,
        "nonce": nonce,
        "cost_minor_max": limit,
        "cost_major_max": None if limit is None else str(Decimal(limit).scaleb(-2)),
    }


def _understand(order: SupplierOrder, answer: AnswerTemplate, body: object) -> SupplierAnswer:
    """An answer about another order is as unknown as none.

    :raises NotUnderstoodError: it is that, or its status is not described.
    :raises ValueError: what should be an amount, or the cards, is not.
    :raises LineFaultError: something in place of a card is none.
    """
    if answer.out_order_no is not None and _at(body, answer.out_order_no) != order.out_order_no:
        raise NotUnderstoodError("other_order")
    kind = _status(answer, _text(_at(body, answer.status)))
    order_no = None if answer.order_no is None else _text(_at(body, answer.order_no))
    return SupplierAnswer(
        kind,
        supplier_order_no=order_no and order_no[:_ORDER_NO_MAX],
        cost_minor=_cost(answer, body),
        cards=_cards(order, answer, body) if kind is AnswerKind.SUCCEEDED and order.for_cards else (),
    )


def _status(answer: AnswerTemplate, word: str | None) -> AnswerKind:
    if word in answer.succeeded:
        return AnswerKind.SUCCEEDED
    if word in answer.failed:
        return AnswerKind.FAILED
    if word in answer.processing:
        return AnswerKind.PROCESSING
    raise NotUnderstoodError("status_unknown")


def _cost(answer: AnswerTemplate, body: object) -> int | None:
    """:raises ValueError: what should be an amount is none."""
    if answer.cost is None:
        return None
    told = _text(_at(body, answer.cost))
    if told is None:
        raise ValueError("the cost is not told")
    return minor_of(told, per_unit=_MINOR_PER_MAJOR if answer.cost_unit == "major" else 1)


def minor_of(told: str, *, per_unit: int) -> int:
    """An amount as integer minor units.

    :raises ValueError: it is no amount, negative, absurd, or has parts of a minor unit.
    """
    try:
        amount = Decimal(told) * per_unit
    except InvalidOperation:
        raise ValueError("this is no amount") from None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 <= amount <= _COST_MINOR_MAX:
        raise ValueError("this is no amount in minor units")
    return int(amount)


def _cards(order: SupplierOrder, answer: AnswerTemplate, body: object) -> tuple[CardSecret, ...]:
    """:raises ValueError: these are not as many cards as were ordered.

    :raises LineFaultError: one of them is no card.
    """
    listed = None if answer.cards is None else _at(body, answer.cards)
    if not isinstance(listed, list) or len(listed) != order.quantity:
        raise ValueError("the cards are not there")
    return tuple(_card(answer, entry) for entry in listed)


def _card(answer: AnswerTemplate, entry: object) -> CardSecret:
    password = None if answer.card_password is None else _at(entry, answer.card_password)
    return read_card({"code": _at(entry, answer.card_code), "password": password}, now=None)


def _at(body: object, path: str) -> Any:
    """What stands at a dotted path; None where there is nothing."""
    for name in path.split("."):
        if not isinstance(body, Mapping):
            return None
        body = body.get(name)
    return body


def _text(value: object) -> str | None:
    """A word or a number as text, to be compared."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
