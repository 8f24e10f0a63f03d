"""What the inventory service announces. A card's code never enters an event: ids and masked forms only."""

from enum import StrEnum
from uuid import UUID

from shared.contracts._base import AmountMinor, AwareDatetime, Currency, Event, Fact, Quantity
from shared.contracts._card import CardEvent
from shared.contracts.order import ComponentKind


class CardIssuedV1(CardEvent):
    """A component is delivered: one entitlement per unit. The pivot of a purchase: from here only refund rules apply.

    `amount_minor` is the price paid for the component, `cost_minor` what the goods cost us, both for all units.
    `sku_id` is what was ordered. Where something else was delivered, `delivered_sku_id` says what: cost, supplier and
    what is later revealed, redeemed or taken back are of that; the shares stay those that were locked for the order.
    """

    TYPE = "card.issued"

    line_id: UUID
    quantity: Quantity
    entitlement_ids: tuple[UUID, ...]
    masked: tuple[str, ...]
    currency: Currency
    amount_minor: AmountMinor
    cost_minor: AmountMinor
    supplier_id: UUID | None = None
    issued_at: AwareDatetime
    delivered_sku_id: UUID | None = None
    delivered_name: str | None = None


class CardRejectedV1(CardEvent):
    """The component cannot be had; nothing of it was delivered. The order refunds it."""

    TYPE = "card.rejected"

    reason: str


class ShipmentPromisedV1(CardEvent):
    """The component is ours to send, by that moment. `card.issued` follows when it is sent: until then it can be taken back."""

    TYPE = "shipment.promised"

    ship_before: AwareDatetime


class CardRevealedV1(CardEvent):
    """The owner has seen the code of one entitlement."""

    TYPE = "card.revealed"

    entitlement_id: UUID
    revealed_at: AwareDatetime
    first: bool


class RestockedCards(Fact):
    """Cards that nobody has seen, back on the shelf. `cost_minor` is what `card.issued` said of them, all together."""

    currency: Currency
    cost_minor: AmountMinor


class CardRevokedV1(CardEvent):
    """Nothing of the component can be used any more (or ever was issued: then `entitlement_ids` is empty).

    `restocked` is absent where no card went back to the shelf: those that were seen are spent.
    """

    TYPE = "card.revoked"

    refund_id: UUID
    entitlement_ids: tuple[UUID, ...]
    restocked: RestockedCards | None = None


class CardRevokeRefusedV1(CardEvent):
    """The component was used; an operator has to look at the refund."""

    TYPE = "card.revoke_refused"

    refund_id: UUID
    reason: str


class EntitlementExpiringV1(CardEvent):
    """Something that was bought and not used ends soon. Said once of each; who sends messages reminds its owner."""

    TYPE = "entitlement.expiring"

    entitlement_id: UUID
    expires_at: AwareDatetime


class SkuPeriod(StrEnum):
    """How long what is bought lasts, where that says something about the price (月/季/年)."""

    MONTH = "month"
    SEASON = "season"
    YEAR = "year"


class BuyerFieldKind(StrEnum):
    """What kind of thing the buyer tells."""

    PHONE = "phone"
    ACCOUNT = "account"
    TEXT = "text"
    CHOICE = "choice"
    ADDRESS = "address"
    NAME = "name"


class BuyerFieldPattern(StrEnum):
    """What a value must look like. A closed set: nobody's own expressions are run."""

    ANY = "any"
    DIGITS = "digits"
    ALPHANUMERIC = "alphanumeric"
    EMAIL = "email"
    CN_MOBILE = "cn_mobile"
    QQ = "qq"


class BuyerField(Fact):
    """Something the goods need to know of the buyer. `choices` is for the kind of that name."""

    name: str
    label_zh: str
    label_en: str
    kind: BuyerFieldKind
    pattern: BuyerFieldPattern = BuyerFieldPattern.ANY
    required: bool = True
    choices: tuple[str, ...] = ()


class LadderStep(Fact):
    """From this quantity in one order on, a unit costs this."""

    quantity_from: Quantity
    unit_minor: AmountMinor


class SkuComponent(Fact):
    """What a SKU consists of. `weight` divides the price among components; `partner_id` is the brand."""

    sku_id: UUID
    name: str
    kind: ComponentKind
    quantity: Quantity
    weight: Quantity
    partner_id: UUID | None = None
    buyer_fields: tuple[BuyerField, ...] = ()


class ChoiceOption(SkuComponent):
    """A component that may be chosen; the bundle then costs `extra_minor` more."""

    extra_minor: AmountMinor = 0


class ChoiceGroup(Fact):
    """Options of which the buyer chooses `pick` different ones; their weights stand beside the components'."""

    name: str
    pick: Quantity
    options: tuple[ChoiceOption, ...]


class SkuOffer(Fact):
    """A SKU as it can be bought. A plain SKU has one component: itself.

    An order takes multiples of `order_step`, at least `min_per_order`, and no price below `floor_minor` a unit. One
    member, or one guest's contact, may buy `max_per_member` in all and `max_per_member_day` on a day in Shanghai. It is
    sold only to `tiers`, where any are named, and before `public_from` only to `early_tiers`.
    A bundle of which something is chosen has what is always in it as components, which may be nothing. `stock_capped`:
    the bundle has a stock of its own, to be held with its components'.
    """

    sku_id: UUID
    name: str
    price_minor: AmountMinor
    currency: Currency
    max_per_order: Quantity
    on_sale: bool
    components: tuple[SkuComponent, ...]
    period: SkuPeriod | None = None
    ladder: tuple[LadderStep, ...] = ()
    floor_minor: AmountMinor | None = None
    min_per_order: Quantity = 1
    order_step: Quantity = 1
    max_per_member: Quantity | None = None
    max_per_member_day: Quantity | None = None
    tiers: tuple[str, ...] = ()
    public_from: AwareDatetime | None = None
    early_tiers: tuple[str, ...] = ()
    choices: tuple[ChoiceGroup, ...] = ()
    stock_capped: bool = False


class ProductChangedV1(Event):
    """The product as it now stands, whole. `version` grows with every change: an older one is ignored.

    `on_shelf` is true when this is said. Who judges by the clock takes `listed`, the operator's switch alone, with the
    moments from which and until which the product is sold.
    """

    TYPE = "product.changed"
    TOPIC = "product"
    KEY = "product_id"

    product_id: UUID
    version: Quantity
    name: str
    category: str
    on_shelf: bool
    skus: tuple[SkuOffer, ...]
    listed: bool | None = None
    on_shelf_from: AwareDatetime | None = None
    on_shelf_until: AwareDatetime | None = None


class CardCanaryTouchedV1(Event):
    """A code came back that was never sold and stands only in one exported file: that file was copied.

    `place` is where it was presented (`import`, `redeem`), `subject` who did: an operator or a partner.
    """

    TYPE = "card.canary_touched"
    TOPIC = "canary"
    KEY = "export_id"

    export_id: UUID
    batch_id: UUID
    place: str
    subject: str
    touched_at: AwareDatetime


class StockLowV1(Event):
    """Less of a SKU is left than its operators want. Said once, and again only after there was enough in between."""

    TYPE = "stock.low"
    TOPIC = "stock"
    KEY = "sku_id"

    sku_id: UUID
    available: AmountMinor
    low_stock_below: Quantity
    noticed_at: AwareDatetime


class StockChangedV1(Event):
    """How many of a SKU can still be sold, coalesced: the newest `version` counts."""

    TYPE = "stock.changed"
    TOPIC = "stock"
    KEY = "sku_id"

    sku_id: UUID
    available: AmountMinor
    version: Quantity
