"""A basket becoming an order: ids first, then lines and components with price and shares locked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.order.domain.channels import ChannelOrder
from services.order.domain.numbers import part_id
from services.order.domain.orders import Component, Order
from services.order.domain.pricing import Adjustment, PricedLine, Quote
from services.order.domain.purchase import pay
from services.order.domain.states import OrderStatus


@dataclass(frozen=True, slots=True)
class Contract:
    """One published version of a SKU's split contract."""

    contract_id: UUID
    version: int
    hash: str
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A guest's contact as it is stored."""

    kek_version: int
    wrapped_key: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """Risk's word on a checkout. `unanswered` is what it was asked, where no answer came in time."""

    decision: str
    decision_id: UUID | None
    unanswered: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One SKU in an order, at the price locked for it."""

    line_id: UUID
    product_id: UUID
    sku_id: UUID
    name: str
    quantity: int
    list_minor: int
    total_minor: int


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it is first written. `unanswered`: what is to be asked of risk once more."""

    order: Order
    order_no: str
    channel: str
    list_minor: int
    adjustments: tuple[Adjustment, ...]
    lines: tuple[Line, ...]
    created_at: datetime
    risk_decision_id: UUID | None = None
    unanswered: Mapping[str, Any] | None = None
    contact: SealedContact | None = None
    bought_by: ChannelOrder | None = None


@dataclass(frozen=True, slots=True)
class ClaimWanted:
    """One checkout's key. `order_id` is what its order will be called, unless somebody claimed the key before."""

    caller: str
    key: str
    request_hash: bytes
    order_id: UUID
    member_id: UUID | None


def contract_in_force(versions: Sequence[Contract], *, now: datetime) -> Contract | None:
    """The version an order made now is locked to: of those in effect, the one that took effect last."""
    effective = [contract for contract in versions if contract.effective_from <= now]
    return max(effective, key=lambda contract: (contract.effective_from, contract.version), default=None)


def build_lines(
    quote: Quote, *, order_id: UUID, contracts: Mapping[UUID, Sequence[Contract]], now: datetime
) -> tuple[tuple[Line, ...], tuple[Component, ...]]:
    """The lines and components of an order, each with an id derived from the order's."""
    lines: list[Line] = []
    components: list[Component] = []
    for priced in quote.lines:
        line = _line(priced, part_id(order_id, len(lines) + len(components) + 1))
        lines.append(line)
        for part, amount_minor in zip(priced.offer.components, priced.parts_minor, strict=True):
            contract = contract_in_force(contracts.get(part.sku_id, ()), now=now)
            components.append(
                Component(
                    component_id=part_id(order_id, len(lines) + len(components) + 1),
                    line_id=line.line_id,
                    sku_id=part.sku_id,
                    name=part.name,
                    kind=part.kind,
                    quantity=part.quantity * priced.quantity,
                    amount_minor=amount_minor,
                    contract_id=contract.contract_id if contract else None,
                    contract_version=contract.version if contract else 0,
                    contract_hash=contract.hash if contract else None,
                    accept_substitutes=priced.accept_substitutes,
                )
            )
    return tuple(lines), tuple(components)


def draft_order(
    quote: Quote,
    *,
    order_id: UUID,
    order_no: str,
    member_id: UUID | None,
    channel: str,
    contracts: Mapping[UUID, Sequence[Contract]],
    pay_before: datetime,
    now: datetime,
    bought_by: ChannelOrder | None = None,
) -> NewOrder:
    """The order as it will be, before inventory and risk were asked."""
    lines, components = build_lines(quote, order_id=order_id, contracts=contracts, now=now)
    order = Order(
        order_id=order_id,
        member_id=member_id,
        currency=quote.currency,
        total_minor=quote.total_minor,
        status=OrderStatus.PENDING_PAYMENT,
        flagged=False,
        held=False,
        pay_before=pay_before,
        payment_id=None,
        components=components,
        channel_id=bought_by.channel_id if bought_by else None,
    )
    return NewOrder(
        order=order,
        order_no=order_no,
        channel=channel,
        list_minor=quote.list_minor,
        adjustments=quote.adjustments,
        lines=lines,
        created_at=now,
        bought_by=bought_by,
    )


def accept(draft: NewOrder, *, verdict: Verdict, contact: SealedContact | None) -> NewOrder:
    """The order as it begins: waiting for payment, or paid already where there is nothing to pay.

    It is flagged where risk wants a person to look before anything is issued, or has not answered yet.
    """
    order = replace(draft.order, flagged=verdict.decision != "allow")
    if order.total_minor == 0:
        order = pay(order, payment_id=None, now=draft.created_at)
    return replace(
        draft, order=order, risk_decision_id=verdict.decision_id, unanswered=verdict.unanswered, contact=contact
    )


def first_status(*, total_minor: int, flagged: bool) -> OrderStatus:
    """The status an order began with: what the checkout answered, and answers again when it is repeated."""
    if total_minor > 0:
        return OrderStatus.PENDING_PAYMENT
    return OrderStatus.HELD if flagged else OrderStatus.PAID


def _line(priced: PricedLine, line_id: UUID) -> Line:
    return Line(
        line_id=line_id,
        product_id=priced.offer.product_id,
        sku_id=priced.offer.sku_id,
        name=priced.offer.name,
        quantity=priced.quantity,
        list_minor=priced.list_minor,
        total_minor=priced.total_minor,
    )
