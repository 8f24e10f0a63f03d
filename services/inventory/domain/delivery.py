"""A component on its way to the buyer, and what a refund may still take back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.issuing import Reservation
from services.inventory.domain.kinds import KINDS, TakenBack
from services.inventory.domain.supply import TaskState


class DeliveryState(StrEnum):
    """Where one component stands. There is one delivery per component, ever."""

    AWAITING_SUPPLIER = "awaiting_supplier"
    AWAITING_SHIPMENT = "awaiting_shipment"
    ISSUED = "issued"
    REJECTED = "rejected"
    REVOKED = "revoked"


MOVES = {
    DeliveryState.AWAITING_SUPPLIER: frozenset({DeliveryState.ISSUED, DeliveryState.REJECTED, DeliveryState.REVOKED}),
    DeliveryState.AWAITING_SHIPMENT: frozenset({DeliveryState.ISSUED, DeliveryState.REVOKED}),
    DeliveryState.ISSUED: frozenset({DeliveryState.REVOKED}),
    DeliveryState.REJECTED: frozenset({DeliveryState.REVOKED}),
    DeliveryState.REVOKED: frozenset[DeliveryState](),
}


class IllegalMoveError(Exception):
    """A delivery cannot go from where it is to there: something was decided twice."""


def check_move(state: DeliveryState, to: DeliveryState) -> None:
    """:raises IllegalMoveError: the move is not in the table."""
    if to not in MOVES[state]:
        raise IllegalMoveError(f"a delivery that is {state} does not become {to}")


class RejectReason(StrEnum):
    """Why a component cannot be had."""

    OUT_OF_STOCK = "out_of_stock"
    SKU_UNKNOWN = "sku_unknown"
    NO_SUPPLIER = "no_supplier"
    PRICE_GUARD = "price_guard"
    BUYER_FIELDS_MISSING = "buyer_fields_missing"
    SUPPLIER_FAILED = "supplier_failed"
    OVER = "over"


class RefuseReason(StrEnum):
    """Why a component is not taken back."""

    GIVEN = "given"
    REDEEMED = "redeemed"
    REVEALED = "revealed"
    TOPPED_UP = "topped_up"
    OFFLINE_VOUCHER = "offline_voucher"
    SHIPPED = "shipped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as stored. `line_id`, `kind` and `quantity` are absent only where a refund came before the command.

    `sku_id` and `kind` are of what is delivered; `ordered_sku_id` is there where something else was ordered.
    """

    component_id: UUID
    order_id: UUID
    line_id: UUID | None
    member_id: UUID | None
    sku_id: UUID
    kind: SkuKind | None
    quantity: int | None
    amount_minor: int
    currency: str
    state: DeliveryState
    reason: RejectReason | None
    supplier_id: UUID | None
    refund_id: UUID | None
    issued_at: datetime | None
    accept_substitutes: bool = True
    ordered_sku_id: UUID | None = None


def reservation_of(delivery: Delivery) -> Reservation:
    """The command that the delivery began with.

    :raises ValueError: it began with a refund, so there was none.
    """
    if delivery.line_id is None or delivery.kind is None or delivery.quantity is None:
        raise ValueError(f"component {delivery.component_id} was never reserved")
    return Reservation(
        component_id=delivery.component_id,
        order_id=delivery.order_id,
        line_id=delivery.line_id,
        member_id=delivery.member_id,
        sku_id=delivery.sku_id,
        kind=delivery.kind,
        quantity=delivery.quantity,
        amount_minor=delivery.amount_minor,
        currency=delivery.currency,
        accept_substitutes=delivery.accept_substitutes,
        ordered_sku_id=delivery.ordered_sku_id,
    )


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """One component that is to be taken back."""

    component_id: UUID
    order_id: UUID
    sku_id: UUID
    member_id: UUID | None
    amount_minor: int
    currency: str
    refund_id: UUID


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """One entitlement, as far as a refund asks.

    `given`: it was given to somebody, whose it is now. `restocked`: its card went back to the shelf before. `sellable`: it may
    yet; that of a void batch may not, nor one that was found bad. `kept_for` is why it must not be taken back now though
    it is unused.
    """

    entitlement_id: UUID
    state: EntitlementState
    revealed: bool
    cost_minor: int
    restocked: bool
    given: bool = False
    sellable: bool = True
    kept_for: RefuseReason | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """A delivery with its units, as far as a refund asks. `task_state` is that of a top-up's open task.

    `away`: what was sent by hand is with the buyer, or on its way; `lost`: nobody will see it again.
    """

    component_id: UUID
    kind: SkuKind | None
    state: DeliveryState
    redeemable_here: bool
    task_state: TaskState | None
    units: tuple[UnitFacts, ...]
    away: bool = False
    lost: bool = False


class RevokeVerdict(StrEnum):
    """What a refund request leads to."""

    REVOKE = "revoke"
    WAIT = "wait"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class RevokeDecision:
    """`restock` are cards that are sold again: nobody has seen them, and nothing is wrong with them."""

    verdict: RevokeVerdict
    reason: RefuseReason | None = None
    revoke: tuple[UUID, ...] = ()
    restock: tuple[UUID, ...] = ()


def decide_revoke(delivery: DeliveryFacts) -> RevokeDecision:
    """Whether what was delivered can be taken back.

    A delivery that never came to anything, or was not sent yet, is simply revoked; a top-up whose order may have reached
    the supplier waits until its fate is known.
    """
    if delivery.state is DeliveryState.AWAITING_SUPPLIER:
        waits = delivery.task_state in {TaskState.SENT, TaskState.UNKNOWN}
        return RevokeDecision(RevokeVerdict.WAIT if waits else RevokeVerdict.REVOKE)
    if delivery.state is not DeliveryState.ISSUED:
        return RevokeDecision(RevokeVerdict.REVOKE)
    reason = _used(delivery)
    if reason is not None:
        return RevokeDecision(RevokeVerdict.REFUSE, reason=reason)
    return RevokeDecision(
        RevokeVerdict.REVOKE,
        revoke=tuple(unit.entitlement_id for unit in delivery.units),
        restock=tuple(
            unit.entitlement_id for unit in delivery.units if unit.sellable and not (unit.revealed or delivery.lost)
        ),
    )


def restocked_units(delivery: DeliveryFacts, decision: RevokeDecision) -> tuple[UnitFacts, ...]:
    """Those whose cards go back to the shelf by this decision, or went back by the one that was taken before."""
    return tuple(unit for unit in delivery.units if unit.restocked or unit.entitlement_id in decision.restock)


def _used(delivery: DeliveryFacts) -> RefuseReason | None:
    if any(unit.given for unit in delivery.units):
        return RefuseReason.GIVEN
    if any(unit.state is EntitlementState.REDEEMED for unit in delivery.units):
        return RefuseReason.REDEEMED
    if delivery.kind is not None and KINDS[delivery.kind].taken_back is TakenBack.NEVER:
        return RefuseReason.TOPPED_UP
    if delivery.away:
        return RefuseReason.SHIPPED
    if not delivery.redeemable_here and any(unit.revealed for unit in delivery.units):
        return RefuseReason.REVEALED
    return next((unit.kept_for for unit in delivery.units if unit.kept_for is not None), None)
