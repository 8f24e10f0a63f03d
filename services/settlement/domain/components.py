"""A component of an order, and the three facts settlement waits for before it shares the money: paid, issued, accrued."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class FactKind(StrEnum):
    """What has to be known of a component. Facts come by different topics, in any order."""

    PAID = "paid"
    ISSUED = "issued"
    ACCRUED = "accrued"


class Sale(NamedTuple):
    """A component as it was paid for. `amount_minor` is its part of the price, for all `units`."""

    component_id: UUID
    order_id: UUID
    sku_id: UUID
    units: int
    amount_minor: int
    currency: str
    contract_version: int
    contract_hash: str | None


class Fact(NamedTuple):
    """One of the other two facts, by component and order."""

    component_id: UUID
    order_id: UUID


class ContractLockError(Exception):
    """The order shows a split contract that was never published, or not with that content."""


class PaidAmountError(Exception):
    """The components of an order do not add up to what was paid."""


def check_lock(sale: Sale, published_hash: str | None) -> None:
    """See that the locked contract is the published one, whose hash is given; None: there is none of that version.

    :raises ContractLockError: it is not. The order's record belongs into the dead letters.
    """
    if sale.contract_version == 0 and sale.contract_hash is None:
        return
    locked = f"component {sale.component_id} locked version {sale.contract_version} for SKU {sale.sku_id}"
    if published_hash is None:
        raise ContractLockError(f"{locked}, which was never published")
    if published_hash != sale.contract_hash:
        raise ContractLockError(f"{locked} with hash {sale.contract_hash}; published was {published_hash}")


def check_paid(order_id: UUID, *, paid_minor: int, parts_minor: Iterable[int]) -> None:
    """See that every cent paid belongs to a component.

    :raises PaidAmountError: it does not.
    """
    total = sum(parts_minor)
    if total != paid_minor:
        raise PaidAmountError(f"order {order_id} was paid {paid_minor}, its components add up to {total}")
