"""What a supplier lists and what is left with it, in our own wire format and in Fulu's."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.inventory.clients.wires.fulu import read_result, write_call
from services.inventory.clients.wires.lines import Signer, check_answer
from services.inventory.clients.wires.port import NotUnderstoodError, WireRequest, WireResponse
from services.inventory.clients.wires.template import minor_of
from services.inventory.domain.syncing import ListedGoods, SupplierAccess

_MINOR_PER_MAJOR = 100
_SOLD_OUT = "断货"
_OFF_SALE = "下架"


class ListingWire(Protocol):
    """Reads a supplier's list and our balance with it. Answers that are not as agreed raise `NotUnderstoodError`."""

    def ask_goods(self, access: SupplierAccess, *, now: datetime, cursor: str | None = None) -> WireRequest:
        """`cursor` is what `more_goods` found in the page before."""
        ...

    def read_goods(self, access: SupplierAccess, response: WireResponse) -> list[ListedGoods]: ...

    def more_goods(self, response: WireResponse) -> str | None:
        """Where the list goes on; None: that was all."""
        ...

    def ask_balance(self, access: SupplierAccess, *, now: datetime) -> WireRequest: ...

    def read_balance(self, access: SupplierAccess, response: WireResponse) -> int: ...


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _Goods(_Told):
    product_code: str
    cost_minor: Annotated[int, Field(ge=0, le=10**12)]
    stock: Annotated[int, Field(ge=0, le=10**9)] | None = None


class _GoodsData(_Told):
    goods: list[_Goods]


class _GoodsAnswer(_Told):
    data: _GoodsData


class _BalanceData(_Told):
    balance_minor: int


class _BalanceAnswer(_Told):
    data: _BalanceData


Told = TypeVar("Told", bound=_Told)


class _WholeList:
    """A list that comes in one piece."""

    def more_goods(self, response: WireResponse) -> str | None:
        del response
        return None


class OurListing(_WholeList):
    """`POST /api/v1/goods` and `/api/v1/balance`, signed both ways."""

    def ask_goods(self, access: SupplierAccess, *, now: datetime, cursor: str | None = None) -> WireRequest:
        del cursor
        return _signer(access).write("/api/v1/goods", b"{}", "application/json", now=now)

    def read_goods(self, access: SupplierAccess, response: WireResponse) -> list[ListedGoods]:
        check_answer(access.secret, response)
        listed = _read(_GoodsAnswer, response.body).data.goods
        return [ListedGoods(goods.product_code, goods.cost_minor, goods.stock) for goods in listed]

    def ask_balance(self, access: SupplierAccess, *, now: datetime) -> WireRequest:
        return _signer(access).write("/api/v1/balance", b"{}", "application/json", now=now)

    def read_balance(self, access: SupplierAccess, response: WireResponse) -> int:
        check_answer(access.secret, response)
        return _read(_BalanceAnswer, response.body).data.balance_minor


class _FuluGoods(_Told):
    product_id: str | int
    purchase_price: Decimal
    sales_status: str = ""
    stock_status: str = ""


_FULU_LIST: TypeAdapter[list[_FuluGoods]] = TypeAdapter(list[_FuluGoods])


class _FuluAccount(_Told):
    balance: Decimal


class FuluListing(_WholeList):
    """`fulu.goods.list.get` and `fulu.user.info.get`. It says whether there is stock, not how much."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask_goods(self, access: SupplierAccess, *, now: datetime, cursor: str | None = None) -> WireRequest:
        del cursor
        return write_call(self._path, access.merchant_id, access.secret, "fulu.goods.list.get", {}, now=now)

    def read_goods(self, access: SupplierAccess, response: WireResponse) -> list[ListedGoods]:
        try:
            listed = _FULU_LIST.validate_json(_result(access, response))
            return [
                ListedGoods(
                    str(goods.product_id),
                    minor_of(str(goods.purchase_price), per_unit=_MINOR_PER_MAJOR),
                    0 if goods.stock_status == _SOLD_OUT or goods.sales_status == _OFF_SALE else None,
                )
                for goods in listed
            ]
        except ValueError:
            raise NotUnderstoodError("body_invalid") from None

    def ask_balance(self, access: SupplierAccess, *, now: datetime) -> WireRequest:
        return write_call(self._path, access.merchant_id, access.secret, "fulu.user.info.get", {}, now=now)

    def read_balance(self, access: SupplierAccess, response: WireResponse) -> int:
        try:
            account = _FuluAccount.model_validate_json(_result(access, response))
            return minor_of(str(account.balance), per_unit=_MINOR_PER_MAJOR)
        except ValueError:
            raise NotUnderstoodError("body_invalid") from None


def _result(access: SupplierAccess, response: WireResponse) -> str:
    code, result = read_result(access.secret, response)
    if code != 0:
        raise NotUnderstoodError("code_unknown")
    return result


def _signer(access: SupplierAccess) -> Signer:
    return Signer(access.base_url, access.merchant_id, access.secret)


def _read(kind: type[Told], body: bytes) -> Told:
    try:
        return kind.model_validate_json(body)
    except ValidationError:
        raise NotUnderstoodError("body_invalid") from None
