"""What the order service announces."""

from enum import StrEnum
from uuid import UUID

from shared.contracts._base import AmountMinor, AwareDatetime, Currency, Event, Fact, Quantity, Sha256Hex


class ComponentKind(StrEnum):
    """How a component is fulfilled."""

    CARD_KEY = "card_key"
    DIRECT_TOP_UP = "direct_top_up"
    GENERATED_KEY = "generated_key"
    REDEEM_LINK = "redeem_link"
    CASH_VOUCHER = "cash_voucher"
    OFFLINE_QR = "offline_qr"
    PHYSICAL = "physical"
    EVENT_SEAT = "event_seat"


class Adjustment(Fact):
    """One explained step from list price to price paid. `amount_minor` is what it takes off."""

    kind: str
    label: str
    amount_minor: AmountMinor
    rule: str


class OrderComponent(Fact):
    """The unit of fulfilment, refund, share and statement. A plain SKU is a line with one component.

    `amount_minor` is the part of the price paid that belongs to this component; the parts of a line add up to it.
    `contract_version` 0 with no hash means: no split contract was in force, the platform keeps all.
    """

    component_id: UUID
    sku_id: UUID
    name: str
    kind: ComponentKind
    quantity: Quantity
    amount_minor: AmountMinor
    contract_id: UUID | None = None
    contract_version: int = 0
    contract_hash: Sha256Hex | None = None


class OrderLine(Fact):
    """One SKU in an order, at the price locked for it. `list_minor` and `total_minor` are for the whole quantity."""

    line_id: UUID
    product_id: UUID
    sku_id: UUID
    quantity: Quantity
    list_minor: AmountMinor
    total_minor: AmountMinor
    components: tuple[OrderComponent, ...]


class _OrderEvent(Event):
    TOPIC = "order"
    KEY = "order_id"

    order_id: UUID
    member_id: UUID | None = None


class OrderCreatedV1(_OrderEvent):
    """Price, shares and stock are locked; the buyer has until `pay_before`. `channel_id`: the reseller who buys by API."""

    TYPE = "order.created"

    order_no: str
    channel: str
    channel_id: UUID | None = None
    currency: Currency
    total_minor: AmountMinor
    pay_before: AwareDatetime
    lines: tuple[OrderLine, ...]
    adjustments: tuple[Adjustment, ...] = ()


class OrderPaidV1(_OrderEvent):
    """Money is in (0 for a zero-yuan order). Carries all that settlement needs to share it.

    `held` says that risk flagged the order: it waits for `risk.released` or `risk.denied` before stock is claimed.
    `fee_minor` is what the provider keeps.
    """

    TYPE = "order.paid"

    currency: Currency
    paid_minor: AmountMinor
    fee_minor: AmountMinor = 0
    provider: str | None = None
    payment_id: UUID | None = None
    paid_at: AwareDatetime
    held: bool = False
    components: tuple[OrderComponent, ...]


class SurplusReason(StrEnum):
    """Why money that came in buys nothing."""

    PAID_TWICE = "paid_twice"
    NOT_AS_AGREED = "not_as_agreed"


class OrderSurplusPaidV1(_OrderEvent):
    """Money is in that buys nothing, for an order that was paid already or in another amount than agreed: it goes back.

    The order stays what it is. `fee_minor` is what the provider keeps.
    """

    TYPE = "order.surplus_paid"

    payment_id: UUID
    provider: str
    reason: SurplusReason
    currency: Currency
    paid_minor: AmountMinor
    fee_minor: AmountMinor = 0
    paid_at: AwareDatetime


class OrderCancelledV1(_OrderEvent):
    """Never paid, and never will be: the hold may go."""

    TYPE = "order.cancelled"

    reason: str


class OrderFulfilledV1(_OrderEvent):
    """Every component is issued or has ended."""

    TYPE = "order.fulfilled"

    fulfilled_at: AwareDatetime


class OrderCompletedV1(_OrderEvent):
    """Settlement has spoken for every component."""

    TYPE = "order.completed"

    completed_at: AwareDatetime


class RefundComponent(Fact):
    """A component to be taken back, with the money that goes back for it."""

    component_id: UUID
    sku_id: UUID
    amount_minor: AmountMinor


class RefundReason(StrEnum):
    """Who wanted the refund."""

    BUYER = "buyer"
    NOT_FULFILLED = "not_fulfilled"
    RISK_DENIED = "risk_denied"
    OPERATOR = "operator"
    PAID_LATE = "paid_late"


class OrderRefundRequestedV1(_OrderEvent):
    """These components are to be revoked; money follows once cards, points and shares are back.

    `review_expired`: the order was held, and its time was over before risk or a reviewer said a word.
    """

    TYPE = "order.refund_requested"

    refund_id: UUID
    reason: RefundReason
    review_expired: bool = False
    currency: Currency
    components: tuple[RefundComponent, ...]


class OrderRefundedV1(_OrderEvent):
    """The provider has given the money back."""

    TYPE = "order.refunded"

    refund_id: UUID
    currency: Currency
    amount_minor: AmountMinor
    provider: str | None = None
    components: tuple[RefundComponent, ...]
    whole: bool
    refunded_at: AwareDatetime


class OrderSurplusRefundedV1(_OrderEvent):
    """The provider has given back, whole, money that bought nothing."""

    TYPE = "order.surplus_refunded"

    refund_id: UUID
    payment_id: UUID
    provider: str
    currency: Currency
    amount_minor: AmountMinor
    refunded_at: AwareDatetime


class ReserveComponent(Fact):
    """A component released for issue. `amount_minor` is the price paid: the guard against buying at a loss.

    `accept_substitutes`: the buyer takes something else of its worth where it cannot be had.
    """

    component_id: UUID
    line_id: UUID
    sku_id: UUID
    kind: ComponentKind
    quantity: Quantity
    amount_minor: AmountMinor
    accept_substitutes: bool = True


class InventoryReserveV1(Event):
    """The one command: claim and issue these components of this order."""

    TYPE = "inventory.reserve"
    TOPIC = "inventory"
    KEY = "order_id"

    order_id: UUID
    member_id: UUID | None = None
    currency: Currency
    paid_at: AwareDatetime
    components: tuple[ReserveComponent, ...]
