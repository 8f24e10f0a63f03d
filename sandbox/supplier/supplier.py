"""The supplier's business: takes orders on, once per number, works on them for a while, delivers and charges."""

import secrets
import time
from dataclasses import dataclass

from sandbox.supplier.cards import Card, is_card, make_cards
from sandbox.supplier.faults import FaultKind
from sandbox.supplier.store import Charges, SoldOrder, Store

BALANCE_MINOR = 10**12
"""What the merchant has paid in: enough never to run out by itself."""

DUPLICATE = 2001
BALANCE_LOW = 2002
PRICE_TOO_HIGH = 2003
SOLD_OUT = 2004
PRODUCT_UNKNOWN = 2005
ORDER_UNKNOWN = 2404


class RefusedError(Exception):
    """An order that is not taken on, or not known. `code` is part of the interface."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class WantedOrder:
    """What a merchant asks for. Nothing is sold above `max_cost_minor`, if it is given."""

    out_order_no: str
    product_code: str
    quantity: int
    account: str
    max_cost_minor: int | None


class Supplier:
    """`processing_s`: how long a top-up takes."""

    def __init__(self, store: Store, *, processing_s: float) -> None:
        self._store = store
        self._processing_s = processing_s

    def place(self, wanted: WantedOrder, fault: FaultKind | None) -> SoldOrder:
        """Take an order on.

        :raises RefusedError: the number is known, the product is not or is sold out, or the price is above what may be
            paid.
        """
        if fault is not FaultKind.BUYS_TWICE and self._store.find(wanted.out_order_no) is not None:
            raise RefusedError(DUPLICATE, "this number was ordered before")
        cost_minor = self._quote(wanted, fault)
        order = SoldOrder(
            order_no=f"S{time.time_ns()}{secrets.token_hex(3)}",
            out_order_no=wanted.out_order_no,
            product_code=wanted.product_code,
            quantity=wanted.quantity,
            account=wanted.account,
            cost_minor=cost_minor,
            delivers=fault is not FaultKind.FAILS,
            ready_at=time.time() + self._processing_s,
        )
        self._store.add(order)
        left = self._store.stock(wanted.product_code)
        if left is not None:
            self._store.set_stock(wanted.product_code, left - wanted.quantity)
        if fault is FaultKind.REPEATS_CARDS:
            self._store.set_card_seed(order.order_no, order.product_code)
        return order

    def _quote(self, wanted: WantedOrder, fault: FaultKind | None) -> int:
        """:raises RefusedError: it cannot be had, or not at a price that may be paid."""
        unit_minor = self._store.cost_minor(wanted.product_code)
        if unit_minor is None or not (is_card(wanted.product_code) or wanted.account):
            raise RefusedError(PRODUCT_UNKNOWN, "there is no such product, or it goes to an account")
        left = self._store.stock(wanted.product_code)
        if fault is FaultKind.STOCK_LIES or (left is not None and left < wanted.quantity):
            raise RefusedError(SOLD_OUT, "it is sold out")
        cost_minor = unit_minor * wanted.quantity * (2 if fault is FaultKind.PRICE_DOUBLES else 1)
        if wanted.max_cost_minor is not None and cost_minor > wanted.max_cost_minor:
            raise RefusedError(PRICE_TOO_HIGH, "the price is above what may be paid")
        if cost_minor > self.balance_minor():
            raise RefusedError(BALANCE_LOW, "the balance does not cover it")
        return cost_minor

    def find(self, out_order_no: str) -> SoldOrder:
        """:raises RefusedError: there is no order of that number."""
        order = self._store.find(out_order_no)
        if order is None:
            raise RefusedError(ORDER_UNKNOWN, "there is no such order")
        return order

    def status(self, order: SoldOrder) -> str:
        """Where the order stands."""
        if time.time() < order.ready_at:
            return "processing"
        return "succeeded" if order.delivers else "failed"

    def cards(self, order: SoldOrder) -> list[Card]:
        """What was delivered, of an order of cards."""
        return make_cards(self._store.card_seed(order.order_no), order.quantity)

    def products(self) -> list[tuple[str, int]]:
        """What is listed, with the price of one unit."""
        return self._store.products()

    def stock(self, product_code: str) -> int | None:
        """How much is left; None: as much as is asked for."""
        return self._store.stock(product_code)

    def set_stock(self, product_code: str, stock: int | None) -> None:
        """Have so much of it left."""
        self._store.set_stock(product_code, stock)

    def balance_minor(self) -> int:
        """What is left of the merchant's money."""
        return BALANCE_MINOR - self.charges().charged_minor

    def set_cost(self, product_code: str, cost_minor: int) -> None:
        """List a product, or change its price."""
        self._store.set_cost(product_code, cost_minor)

    def charges(self) -> Charges:
        """What was delivered and charged so far."""
        return self._store.charges(now=time.time())

    def close(self) -> None:
        self._store.close()
