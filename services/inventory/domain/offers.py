"""Products and SKUs as they stand on offer, and the terms on which a SKU is sold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind, check_price
from services.inventory.domain.kinds import KINDS
from services.inventory.domain.listing import ShelfTimes
from services.inventory.domain.stock import ACCOUNT_FIELD
from services.inventory.domain.terms import BuyerField, BuyerFieldKind, LadderStep, SkuPeriod, read_buyer_field


class TermsRefusedError(Exception):
    """The terms contradict each other."""


PLAIN_ACCOUNT: Final = BuyerField(ACCOUNT_FIELD, "充值账号", "Account to top up", BuyerFieldKind.ACCOUNT)
"""What a top-up asks for when nothing else was said."""


@dataclass(frozen=True, slots=True)
class SkuTerms:
    """The terms of one SKU. `tiers` empty: sold to everybody; before `public_from` to `early_tiers` alone."""

    kind: SkuKind
    price_minor: int
    price_floor_minor: int | None
    max_per_order: int
    period: SkuPeriod | None = None
    ladder: tuple[LadderStep, ...] = ()
    min_per_order: int = 1
    order_step: int = 1
    max_per_member: int | None = None
    max_per_member_day: int | None = None
    tiers: tuple[str, ...] = ()
    public_from: datetime | None = None
    early_tiers: tuple[str, ...] = ()
    buyer_fields: tuple[BuyerField, ...] = ()


TERM_NAMES: Final = tuple(term.name for term in fields(SkuTerms))


@dataclass(frozen=True, slots=True)
class OfferedComponent:
    """A component of a SKU on offer; a plain SKU is its own component."""

    sku_id: UUID
    name: str
    kind: SkuKind
    quantity: int
    weight: int
    partner_id: UUID | None
    buyer_fields: tuple[BuyerField, ...] = ()


@dataclass(frozen=True, slots=True)
class OfferedGroup:
    """Options of which the buyer chooses `pick`, each with what it costs more."""

    name: str
    pick: int
    options: tuple[tuple[OfferedComponent, int], ...]


@dataclass(frozen=True, slots=True)
class OfferedSku:
    """A SKU with its terms and components. `capped`: a bundle with a stock of its own."""

    sku_id: UUID
    name: str
    currency: str
    on_sale: bool
    terms: SkuTerms
    components: tuple[OfferedComponent, ...]
    choices: tuple[OfferedGroup, ...] = ()
    capped: bool = False


@dataclass(frozen=True, slots=True)
class OfferedProduct:
    """A product as it now stands, whole."""

    product_id: UUID
    version: int
    name: str
    category: str
    listed: bool
    times: ShelfTimes
    skus: tuple[OfferedSku, ...]

    def on_shelf(self, *, now: datetime) -> bool:
        """Whether it can be bought at that moment."""
        return self.listed and self.times.include(now)


def read_terms(values: Mapping[str, Any]) -> SkuTerms:
    """Terms from a row, or from a row with changes over it."""
    return SkuTerms(
        **{
            **{name: values[name] for name in TERM_NAMES},
            "kind": SkuKind(values["kind"]),
            "period": SkuPeriod(values["period"]) if values["period"] else None,
            "ladder": tuple(LadderStep(**step) for step in values["ladder"]),
            "tiers": tuple(values["tiers"]),
            "early_tiers": tuple(values["early_tiers"]),
            "buyer_fields": tuple(read_buyer_field(field) for field in values["buyer_fields"]),
        }
    )


def check_terms(terms: SkuTerms) -> None:
    """Whether goods can be sold on these terms.

    :raises PriceBelowFloorError: the price, or a step of the ladder, is under the floor.
    :raises TermsRefusedError: terms contradict each other; the message says which.
    """
    check_price(terms.price_minor, floor_minor=terms.price_floor_minor)
    _check_ladder(terms)
    _check_quantities(terms)
    if terms.early_tiers and terms.public_from is None:
        raise TermsRefusedError("early_tiers buy before public_from: say when that is")
    if terms.kind is SkuKind.BUNDLE and terms.buyer_fields:
        raise TermsRefusedError("a bundle asks for what its components need: give them the buyer_fields")
    if terms.kind is SkuKind.DIRECT_TOP_UP and terms.buyer_fields:
        named = {field.name: field for field in terms.buyer_fields}
        if ACCOUNT_FIELD not in named or not named[ACCOUNT_FIELD].required:
            raise TermsRefusedError(f"a top-up needs a required buyer field {ACCOUNT_FIELD!r}")
    _check_asked(terms)
    _check_buyer_fields(terms.buyer_fields)


def _check_asked(terms: SkuTerms) -> None:
    told = {field.kind for field in terms.buyer_fields if field.required}
    for field in KINDS[terms.kind].asks:
        if field.kind not in told:
            raise TermsRefusedError(f"a {terms.kind} needs a required buyer field of the kind {field.kind}")


def _check_ladder(terms: SkuTerms) -> None:
    quantity, unit_minor = 1, terms.price_minor
    for step in terms.ladder:
        if step.quantity_from <= quantity or step.unit_minor >= unit_minor:
            raise TermsRefusedError("each step of the ladder takes more units at a lower price than the one before")
        check_price(step.unit_minor, floor_minor=terms.price_floor_minor)
        quantity, unit_minor = step.quantity_from, step.unit_minor


def _check_quantities(terms: SkuTerms) -> None:
    if terms.min_per_order % terms.order_step:
        raise TermsRefusedError("min_per_order is not a multiple of order_step")
    for name in ("max_per_order", "max_per_member", "max_per_member_day"):
        limit = getattr(terms, name)
        if limit is not None and limit < terms.min_per_order:
            raise TermsRefusedError(f"{name} is lower than min_per_order: nobody could buy")


def _check_buyer_fields(asked: Sequence[BuyerField]) -> None:
    if len({field.name for field in asked}) != len(asked):
        raise TermsRefusedError("two buyer fields have the same name")
    for field in asked:
        if (field.kind is BuyerFieldKind.CHOICE) != bool(field.choices):
            raise TermsRefusedError(f"buyer field {field.name!r}: choices are for the kind choice, which needs some")
        if len(set(field.choices)) != len(field.choices):
            raise TermsRefusedError(f"buyer field {field.name!r}: a choice is named twice")
