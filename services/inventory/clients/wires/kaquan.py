"""Another Kaquan, whose reseller we are: its channel API, each request signed by RFC 9421 with a key of ours there.

Our number of the order is its `external_id`, which makes one order there however often it is said. Answers are not
signed: what protects them is TLS.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final
from urllib.parse import urlencode, urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.inventory.clients.wires.port import NotUnderstoodError, WireRequest, WireResponse
from services.inventory.domain.cards import CardSecret, LineFaultError, read_card
from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder
from services.inventory.domain.syncing import ListedGoods, SupplierAccess
from shared.crypto import Secret

ORDERS: Final = "/v1/channel/orders"
GOODS: Final = "/v1/channel/products"
ACCOUNT: Final = "/v1/channel/account"
GOODS_AT_ONCE = 1_000

_STATUS: Final = {
    "pending_payment": AnswerKind.PROCESSING,
    "held": AnswerKind.PROCESSING,
    "paid": AnswerKind.PROCESSING,
    "fulfilling": AnswerKind.PROCESSING,
    "refunding": AnswerKind.PROCESSING,
    "fulfilled": AnswerKind.SUCCEEDED,
    "completed": AnswerKind.SUCCEEDED,
    "refunded": AnswerKind.FAILED,
    "cancelled": AnswerKind.FAILED,
}
_DELIVERED: Final = frozenset({"issued", "settled"})

_REFUSED: Final = frozenset(
    {
        "account.daily_limit",
        "account.insufficient",
        "body.invalid",
        "buyer_fields.invalid",
        "channel.not_active",
        "choice.invalid",
        "currency.not_the_accounts",
        "price.above_max",
        "purchase.limit",
        "quantity.out_of_range",
        "sku.not_for_channel",
        "sku.off_shelf",
        "sku.unknown",
        "stock.insufficient",
        "tier.required",
    }
)
"""The order was not taken on. That a key is not known any more says nothing of an order that it placed before."""

_DUPLICATE: Final = frozenset({"external_id.reused", "idempotency.in_progress"})
_NOT_FOUND: Final = "order.not_found"
_FIRST_REFUSAL = 400
_FIRST_FAILURE = 500
_TOO_MANY = 429


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Code(_Told):
    code: str = Field(repr=False)
    password: str | None = Field(default=None, repr=False)
    serial: str | None = Field(default=None, repr=False)
    expires_at: str | None = None


class _Component(_Told):
    status: str
    codes: list[_Code] | None = None


class _Line(_Told):
    components: list[_Component]


class _Order(_Told):
    external_id: str
    order_id: Annotated[str, Field(max_length=100)]
    status: str
    total_minor: Annotated[int, Field(ge=0, le=10**12)]
    lines: list[_Line]


class _Problem(_Told):
    code: str


class _Goods(_Told):
    sku_id: str
    price_minor: Annotated[int, Field(ge=0, le=10**12)]
    stock: Annotated[int, Field(ge=0)] | None = None


class _GoodsPage(_Told):
    items: list[_Goods]
    next_cursor: str | None = None


class _Account(_Told):
    available_minor: int


class KaquanSpeaker:
    """Orders, and asks what became of an order; codes come with the answer to the question alone."""

    def write(self, order: SupplierOrder, *, step: Step, now: datetime) -> WireRequest:
        if step is Step.QUERY:
            path = f"{ORDERS}/{order.out_order_no}" + ("?reveal=true" if order.for_cards else "")
            return sign_request("GET", path, b"", order.base_url, order.merchant_id, order.secret, now=now)
        # Our buyer was promised this; what may stand in for it is for us to say.
        line: dict[str, object] = {
            "sku_id": order.supplier_sku,
            "quantity": order.quantity,
            "accept_substitutes": False,
        }
        if not order.for_cards:
            line["buyer_fields"] = {"account": order.account.reveal()}
        body: dict[str, object] = {"external_id": order.out_order_no, "lines": [line]}
        if order.cost_minor_max is not None:
            body["max_total_minor"] = order.cost_minor_max
        content = orjson.dumps(body)
        return sign_request("POST", ORDERS, content, order.base_url, order.merchant_id, order.secret, now=now)

    def read(self, order: SupplierOrder, response: WireResponse) -> SupplierAnswer:
        if response.status >= _FIRST_FAILURE or response.status == _TOO_MANY:
            raise NotUnderstoodError(f"http_{response.status}")
        try:
            if response.status >= _FIRST_REFUSAL:
                return _decide(_Problem.model_validate_json(response.body).code)
            return _understand(order, _Order.model_validate_json(response.body))
        except (ValidationError, LineFaultError):
            raise NotUnderstoodError("body_invalid") from None


class KaquanListing:
    """What it sells to us at which price, and what our account there may still spend."""

    def ask_goods(self, access: SupplierAccess, *, now: datetime, cursor: str | None = None) -> WireRequest:
        query = {"limit": str(GOODS_AT_ONCE), **({"cursor": cursor} if cursor else {})}
        return _look(access, f"{GOODS}?{urlencode(query)}", now)

    def read_goods(self, access: SupplierAccess, response: WireResponse) -> list[ListedGoods]:
        del access  # its secret signs no answers
        page = _page(response)
        return [ListedGoods(goods.sku_id, goods.price_minor, goods.stock) for goods in page.items]

    def more_goods(self, response: WireResponse) -> str | None:
        return _page(response).next_cursor

    def ask_balance(self, access: SupplierAccess, *, now: datetime) -> WireRequest:
        return _look(access, ACCOUNT, now)

    def read_balance(self, access: SupplierAccess, response: WireResponse) -> int:
        del access
        _check_status(response)
        try:
            return _Account.model_validate_json(response.body).available_minor
        except ValidationError:
            raise NotUnderstoodError("body_invalid") from None


def request_secret(secret: Secret) -> Secret:
    """What requests are signed with: the first word of the supplier's secret."""
    return Secret(secret.reveal().partition(" ")[0])


def webhook_secret(secret: Secret) -> Secret | None:
    """What its webhooks are signed with: the second word, `whsec_…`; None where there is none."""
    word = secret.reveal().partition(" ")[2].strip()
    return Secret(word) if word else None


def sign_request(  # all that is signed
    method: str, path: str, body: bytes, base_url: str, key_id: str, secret: Secret, *, now: datetime
) -> WireRequest:
    """A request signed over method, path, query and, with a body, its digest; good for five minutes, once.

    :raises NotUnderstoodError: the supplier's secret is no key's.
    """
    plain_path, _, query = path.partition("?")
    whole_path = urlsplit(base_url).path.rstrip("/") + plain_path
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:" if body else None
    covered = {"@method": method, "@path": whole_path, "@query": f"?{query}"}
    if digest:
        covered["content-digest"] = digest
    names = " ".join(f'"{name}"' for name in covered)
    parameters = f'({names});created={int(now.timestamp())};keyid="{key_id}";nonce="{secrets.token_hex(16)}"'
    lines = [*(f'"{name}": {value}' for name, value in covered.items()), f'"@signature-params": {parameters}']
    signature = hmac.digest(_key(secret), "\n".join(lines).encode(), "sha256")
    headers = {
        "Signature-Input": f"sig1={parameters}",
        "Signature": f"sig1=:{base64.b64encode(signature).decode()}:",
        **({"Content-Digest": digest, "Content-Type": "application/json"} if digest else {}),
    }
    return WireRequest(path, body, headers, method=method)


def _key(secret: Secret) -> bytes:
    try:
        return base64.b64decode(request_secret(secret).reveal(), validate=True)
    except ValueError:
        raise NotUnderstoodError("secret_invalid") from None


def _look(access: SupplierAccess, path: str, now: datetime) -> WireRequest:
    return sign_request("GET", path, b"", access.base_url, access.merchant_id, access.secret, now=now)


def _page(response: WireResponse) -> _GoodsPage:
    _check_status(response)
    try:
        return _GoodsPage.model_validate_json(response.body)
    except ValidationError:
        raise NotUnderstoodError("body_invalid") from None


def _check_status(response: WireResponse) -> None:
    if response.status >= _FIRST_REFUSAL:
        raise NotUnderstoodError(f"http_{response.status}")


def _decide(code: str) -> SupplierAnswer:
    if code == _NOT_FOUND:
        return SupplierAnswer(AnswerKind.NOT_FOUND)
    if code in _DUPLICATE:
        return SupplierAnswer(AnswerKind.PROCESSING, "duplicate")
    if code in _REFUSED:
        return SupplierAnswer(AnswerKind.REFUSED, f"refused_{code}")
    raise NotUnderstoodError("code_unknown")


def _understand(order: SupplierOrder, told: _Order) -> SupplierAnswer:
    """:raises NotUnderstoodError: it is about another order, or says something that cannot be.

    :raises LineFaultError: something in place of a card is none.
    """
    if told.external_id != order.out_order_no:
        raise NotUnderstoodError("other_order")
    kind = _STATUS.get(told.status)
    if kind is None:
        raise NotUnderstoodError("status_unknown")
    parts = [part for line in told.lines for part in line.components]
    cards: tuple[CardSecret, ...] = ()
    if kind is AnswerKind.SUCCEEDED:
        if any(part.status not in _DELIVERED for part in parts):
            raise NotUnderstoodError("partly_delivered")
        if order.for_cards:
            if any(part.codes is None for part in parts):
                return SupplierAnswer(AnswerKind.PROCESSING, "cards_later", supplier_order_no=told.order_id)
            cards = tuple(_card(code) for part in parts for code in part.codes or ())
            if len(cards) != order.quantity:
                raise NotUnderstoodError("cards_missing")
    return SupplierAnswer(kind, supplier_order_no=told.order_id, cost_minor=told.total_minor, cards=cards)


def _card(told: _Code) -> CardSecret:
    fields: Mapping[str, object] = {name: value for name, value in told.model_dump().items() if value is not None}
    return read_card(fields, now=None)
