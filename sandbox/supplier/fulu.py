"""The same supplier, spoken to by the published interface of Fulu's open platform: one address, a method by name."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from decimal import Decimal

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.supplier.cards import is_card
from sandbox.supplier.faults import Fault, FaultKind, Faults, FaultStep
from sandbox.supplier.misbehaving import AFTER, BEFORE, misbehave
from sandbox.supplier.store import SoldOrder
from sandbox.supplier.supplier import (
    BALANCE_LOW,
    DUPLICATE,
    ORDER_UNKNOWN,
    PRICE_TOO_HIGH,
    PRODUCT_UNKNOWN,
    SOLD_OUT,
    RefusedError,
    Supplier,
    WantedOrder,
)

_CODES = {
    BALANCE_LOW: 4001,
    PRICE_TOO_HIGH: 4002,
    SOLD_OUT: 4003,
    PRODUCT_UNKNOWN: 4004,
    DUPLICATE: 4006,
    ORDER_UNKNOWN: 4009,
}
_BAD_REQUEST = 4000
_BAD_SIGNATURE = 4005
_STATUS = {"processing": "processing", "succeeded": "success", "failed": "failed"}
_KEY_BYTES = 32
_BLOCK_BITS = 128

Content = Mapping[str, object]


class FuluDesk:
    """Answers `POST /api/getway`."""

    def __init__(self, supplier: Supplier, faults: Faults, secret: str) -> None:
        self._supplier = supplier
        self._faults = faults
        self._secret = secret
        self._methods: Mapping[str, tuple[FaultStep | None, Callable[[Content, Fault | None], object]]] = {
            "fulu.order.direct.add": (FaultStep.PLACE, self._place),
            "fulu.order.card.add": (FaultStep.PLACE, self._place),
            "fulu.order.info.get": (FaultStep.QUERY, self._query),
            "fulu.goods.list.get": (None, self._list),
            "fulu.goods.info.get": (None, self._show),
            "fulu.user.info.get": (None, self._account),
        }

    async def answer(self, request: Request) -> Response:
        """One call, whatever its method."""
        try:
            asked = json.loads(await request.body())
            given = asked.pop("sign")
            step, act = self._methods[asked["method"]]
            content = json.loads(asked["biz_content"])
        except (ValueError, KeyError, AttributeError):
            return self._say(_BAD_REQUEST, "参数错误", None, None)
        if not hmac.compare_digest(sign(_dump(asked), self._secret).encode(), str(given).encode()):
            return self._say(_BAD_SIGNATURE, "签名错误", None, None)
        fault = self._faults.strike(step) if step is not None else None
        if fault is not None and fault.kind in BEFORE:
            return await misbehave(fault)
        if fault is not None and fault.kind is FaultKind.SLOW:
            await asyncio.sleep(fault.delay_s)
        try:
            answer = self._say(0, "接口调用成功", act(content, fault), fault)
        except RefusedError as error:
            answer = self._say(_CODES[error.code], error.message, None, fault)
        except (KeyError, ValueError):
            answer = self._say(_BAD_REQUEST, "参数错误", None, fault)
        return await misbehave(fault) if fault is not None and fault.kind in AFTER else answer

    def _place(self, content: Content, fault: Fault | None) -> object:
        quantity = int(str(content["buy_num"]))
        price = content.get("customer_price")
        wanted = WantedOrder(
            out_order_no=str(content["customer_order_no"]),
            product_code=str(content["product_id"]),
            quantity=quantity,
            account=str(content.get("charge_account", "")),
            max_cost_minor=None if price is None else int(Decimal(str(price)) * 100) * quantity,
        )
        order = self._supplier.place(wanted, fault.kind if fault else None)
        failed = fault is not None and fault.kind is FaultKind.SAYS_FAILED
        return self._shown(order, "failed" if failed else self._supplier.status(order))

    def _query(self, content: Content, _: Fault | None) -> object:
        order = self._supplier.find(str(content["customer_order_no"]))
        status = self._supplier.status(order)
        shown = self._shown(order, status)
        if status == "succeeded" and is_card(order.product_code):
            shown["cards"] = [
                {"card_number": self._seal(card.code), "card_pwd": self._seal(card.password)}
                for card in self._supplier.cards(order)
            ]
        return shown

    def _list(self, _: Content, __: Fault | None) -> object:
        return [self._goods(code, cost_minor) for code, cost_minor in self._supplier.products()]

    def _show(self, content: Content, _: Fault | None) -> object:
        products = dict(self._supplier.products())
        code = str(content["product_id"])
        if code not in products:
            raise RefusedError(PRODUCT_UNKNOWN, "there is no such product")
        return self._goods(code, products[code])

    def _account(self, _: Content, __: Fault | None) -> object:
        return {"name": "沙箱商户", "balance": _yuan(self._supplier.balance_minor())}

    def _shown(self, order: SoldOrder, status: str) -> dict[str, object]:
        return {
            "order_id": order.order_no,
            "customer_order_no": order.out_order_no,
            "product_id": order.product_code,
            "buy_num": order.quantity,
            "order_status": _STATUS[status],
            "order_price": _yuan(order.cost_minor),
        }

    def _goods(self, code: str, cost_minor: int) -> Mapping[str, object]:
        return {
            "product_id": code,
            "product_name": code,
            "product_type": "卡密" if is_card(code) else "直充",
            "purchase_price": _yuan(cost_minor),
            "sales_status": "上架",
            "stock_status": "断货" if self._supplier.stock(code) == 0 else "充足",
        }

    def _seal(self, text: str) -> str:
        padder = PKCS7(_BLOCK_BITS).padder()
        padded = padder.update(text.encode()) + padder.finalize()
        key = self._secret.encode()[:_KEY_BYTES]
        encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305  # as published
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def _say(self, code: int, message: str, result: object, fault: Fault | None) -> Response:
        told = "" if result is None else _dump(result)
        signature = sign(told, self._secret)
        if fault is not None and fault.kind is FaultKind.BAD_SIGNATURE:
            signature = signature[::-1]
        answer = JSONResponse({"code": code, "message": message, "result": told, "sign": signature})
        if fault is not None and fault.kind is FaultKind.SAYS_TWICE:
            return Response(bytes(answer.body) * 2, media_type="application/json")
        return answer


def sign(text: str, secret: str) -> str:
    """The MD5 of all characters, sorted, with the secret behind them."""
    return hashlib.md5(("".join(sorted(text)) + secret).encode(), usedforsecurity=False).hexdigest()


def _yuan(amount_minor: int) -> str:
    return str(Decimal(amount_minor).scaleb(-2))


def _dump(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
