"""What a bundle consists of: plain SKUs, the parts of other bundles, and groups of options to choose from.

Bundles never change once they are made, so what a bundle within a bundle consists of is worked out when the outer one is
made. Nothing can contain itself: what is named must be there before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from uuid import UUID

from services.inventory.domain.catalogue import (
    COMPONENTS_MAX,
    BundleRefusedError,
    ComponentSpec,
    PartFacts,
    SkuKind,
)

CHOICE_GROUPS_MAX = 5

WEIGHT_MAX = 2**31 - 1
"""What a weight may grow to when bundles within bundles are brought under one measure."""

QUANTITY_MAX = 10_000


@dataclass(frozen=True, slots=True)
class ChoiceOption:
    """A plain SKU that may be chosen, with what the bundle then costs more."""

    sku_id: UUID
    quantity: int
    weight: int
    extra_minor: int


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Options of which the buyer chooses `pick` different ones."""

    name: str
    pick: int
    options: tuple[ChoiceOption, ...]


@dataclass(frozen=True, slots=True)
class BundleSpec:
    """What is always in a bundle, and what is chosen."""

    parts: tuple[ComponentSpec, ...] = ()
    choices: tuple[ChoiceGroup, ...] = ()

    @property
    def sku_ids(self) -> list[UUID]:
        """All SKUs that are named."""
        return [part.sku_id for part in self.parts] + [
            option.sku_id for group in self.choices for option in group.options
        ]


def build_bundle(wanted: BundleSpec, *, known: Mapping[UUID, PartFacts], currency: str) -> BundleSpec:
    """The bundle with plain parts alone: the price falls to them as it would fall to the bundles they come from.

    :raises BundleRefusedError: that makes no bundle; the message says why.
    """
    _check_named(wanted, known=known, currency=currency)
    _check_choices(wanted, known=known)
    quantities: dict[UUID, int] = {}
    weights: dict[UUID, Fraction] = {}
    for part in wanted.parts:
        inner = known[part.sku_id].parts or (ComponentSpec(part.sku_id, 1, 1),)
        whole = sum(each.weight for each in inner)
        for each in inner:
            quantities[each.sku_id] = quantities.get(each.sku_id, 0) + each.quantity * part.quantity
            weights[each.sku_id] = weights.get(each.sku_id, Fraction(0)) + Fraction(part.weight * each.weight, whole)
    return _measured(wanted, quantities, weights)


def _check_named(wanted: BundleSpec, *, known: Mapping[UUID, PartFacts], currency: str) -> None:
    if not wanted.sku_ids or len(wanted.parts) > COMPONENTS_MAX:
        raise BundleRefusedError(f"a bundle has 1 to {COMPONENTS_MAX} components, or groups to choose from")
    if len(set(wanted.sku_ids)) != len(wanted.sku_ids):
        raise BundleRefusedError("a component is named twice: raise its quantity instead")
    for sku_id in wanted.sku_ids:
        facts = known.get(sku_id)
        if facts is None:
            raise BundleRefusedError(f"component {sku_id} is not a SKU")
        if facts.currency != currency:
            raise BundleRefusedError(f"component {sku_id} is in {facts.currency}, the bundle in {currency}")
        if facts.composed:
            raise BundleRefusedError(f"component {sku_id} contains bundles or choices itself: one level is allowed")


def _check_choices(wanted: BundleSpec, *, known: Mapping[UUID, PartFacts]) -> None:
    if len({group.name for group in wanted.choices}) != len(wanted.choices):
        raise BundleRefusedError("two groups have the same name")
    for group in wanted.choices:
        if group.pick > len(group.options):
            raise BundleRefusedError(f"group {group.name!r} has fewer options than are to be chosen")
        for option in group.options:
            if known[option.sku_id].kind is SkuKind.BUNDLE:
                raise BundleRefusedError(f"option {option.sku_id} is a bundle: options are plain")


def _measured(wanted: BundleSpec, quantities: Mapping[UUID, int], weights: Mapping[UUID, Fraction]) -> BundleSpec:
    """All weights as integers of one measure, as small as they can be."""
    options = [option for group in wanted.choices for option in group.options]
    if quantities.keys() & {option.sku_id for option in options}:
        raise BundleRefusedError("an option is in the bundle already")
    if len(quantities) > COMPONENTS_MAX or any(quantity > QUANTITY_MAX for quantity in quantities.values()):
        raise BundleRefusedError(
            f"with all that is within, there are more than {COMPONENTS_MAX} components, or too many of one"
        )
    scale = lcm(*(weight.denominator for weight in weights.values()))
    whole = {sku_id: int(weight * scale) for sku_id, weight in weights.items()}
    common = gcd(*whole.values(), *(option.weight * scale for option in options))
    if max([*whole.values(), *(option.weight * scale for option in options)]) // common > WEIGHT_MAX:
        raise BundleRefusedError("the weights do not come under one measure: take rounder ones")
    return BundleSpec(
        parts=tuple(ComponentSpec(sku_id, quantities[sku_id], whole[sku_id] // common) for sku_id in quantities),
        choices=tuple(
            replace(
                group,
                options=tuple(replace(option, weight=option.weight * scale // common) for option in group.options),
            )
            for group in wanted.choices
        ),
    )
