"""What can be bought, and on which terms, as inventory last announced it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.order.domain.buyer_fields import BuyerField


@dataclass(frozen=True, slots=True)
class OfferComponent:
    """What a SKU consists of, per unit. `weight` divides the price among the components."""

    sku_id: UUID
    name: str
    kind: str
    quantity: int
    weight: int
    buyer_fields: tuple[BuyerField, ...] = ()


@dataclass(frozen=True, slots=True)
class LadderStep:
    """From this quantity in one order on, a unit costs this."""

    quantity_from: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may buy: these tiers, or everybody where none is named; before `public_from` the early tiers alone."""

    tiers: frozenset[str] = frozenset()
    public_from: datetime | None = None
    early_tiers: frozenset[str] = frozenset()

    def lets_in(self, tier: str | None, *, now: datetime) -> bool:
        """Whether a member of this tier may buy; None: a guest, or a member without one."""
        if self.public_from is not None and now < self.public_from:
            return tier in self.early_tiers
        return not self.tiers or tier in self.tiers


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one order takes, and how much one member may buy; None: as much as he likes."""

    min_per_order: int = 1
    order_step: int = 1
    per_member: int | None = None
    per_member_day: int | None = None


@dataclass(frozen=True, slots=True)
class ChoiceOption:
    """A component that may be chosen, with what the bundle then costs more."""

    component: OfferComponent
    extra_minor: int


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Options of which the buyer chooses `pick` different ones."""

    name: str
    pick: int
    options: tuple[ChoiceOption, ...]


class ChoiceError(Exception):
    """What was chosen is not what there is to choose."""

    def __init__(self, offer: "Offer", *, reason: str) -> None:
        super().__init__(f"SKU {offer.sku_id}: {reason}")
        self.extra = {
            "sku_id": str(offer.sku_id),
            "groups": [
                {
                    "name": group.name,
                    "pick": group.pick,
                    "options": [str(option.component.sku_id) for option in group.options],
                }
                for group in offer.choices
            ],
        }


@dataclass(frozen=True, slots=True)
class Offer:
    """A SKU as it can be bought. `on_sale` holds for the SKU and the product it belongs to, between the two moments.

    No unit is sold below `floor_minor`, whatever discounts there are.
    """

    product_id: UUID
    sku_id: UUID
    name: str
    price_minor: int
    currency: str
    max_per_order: int
    on_sale: bool
    components: tuple[OfferComponent, ...]
    sold_from: datetime | None = None
    sold_until: datetime | None = None
    period: str | None = None
    ladder: tuple[LadderStep, ...] = ()
    floor_minor: int = 0
    limits: Limits = Limits()
    gate: Gate = Gate()
    choices: tuple[ChoiceGroup, ...] = ()
    stock_capped: bool = False
    category: str | None = None

    @property
    def asked(self) -> tuple[BuyerField, ...]:
        """What the goods need to know of the buyer, each thing once."""
        asked: dict[str, BuyerField] = {}
        for part in self.components:
            for field in part.buyer_fields:
                asked.setdefault(field.name, field)
        return tuple(asked.values())

    def chosen(self, sku_ids: Sequence[UUID]) -> "Offer":
        """What is bought with this choice: the chosen among the components, and what they cost more in every price.

        :raises ChoiceError: of a group not as many different options are named as are to be, or something else is.
        """
        if not self.choices:
            if sku_ids:
                raise ChoiceError(self, reason="there is nothing to choose")
            return self
        if len(set(sku_ids)) != len(sku_ids):
            raise ChoiceError(self, reason="an option is chosen twice")
        wanted: list[ChoiceOption] = []
        for group in self.choices:
            picked = [option for option in group.options if option.component.sku_id in sku_ids]
            if len(picked) != group.pick:
                raise ChoiceError(
                    self, reason=f"{group.pick} of group {group.name!r} are to be chosen, not {len(picked)}"
                )
            wanted += picked
        if len(wanted) != len(sku_ids):
            raise ChoiceError(self, reason="something is chosen that is no option")
        extra_minor = sum(option.extra_minor for option in wanted)
        return replace(
            self,
            price_minor=self.price_minor + extra_minor,
            ladder=tuple(replace(step, unit_minor=step.unit_minor + extra_minor) for step in self.ladder),
            components=(*self.components, *(option.component for option in wanted)),
            choices=(),
        )

    def sold_at(self, moment: datetime) -> bool:
        """Whether the product is on the shelf then, if it is on sale."""
        return (self.sold_from is None or self.sold_from <= moment) and (
            self.sold_until is None or moment < self.sold_until
        )

    def ladder_step(self, quantity: int) -> LadderStep | None:
        """The step that this quantity reaches."""
        return max(
            (step for step in self.ladder if step.quantity_from <= quantity),
            key=lambda step: step.quantity_from,
            default=None,
        )
