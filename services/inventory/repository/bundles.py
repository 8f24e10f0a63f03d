"""Bundles: what they are made of, what may be chosen, and how many can be had."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select

from services.inventory.domain.bundles import ChoiceGroup
from services.inventory.domain.catalogue import ComponentSpec, PartFacts, SkuKind
from services.inventory.domain.offers import OfferedComponent, OfferedGroup
from services.inventory.domain.terms import read_buyer_field
from services.inventory.tables import SKU_CHOICES, SKU_COMPONENTS, SKUS
from shared.database import UnitOfWork

UNLIMITED: Final = 2_147_483_647
"""Stands for no limit where quantities are compared."""

BUNDLES_WITH: Final = """
SELECT bundle_sku_id FROM sku_components WHERE sku_id = ANY($1::uuid[])
UNION SELECT bundle_sku_id FROM sku_choices WHERE sku_id = ANY($1::uuid[])
UNION SELECT unnest($1::uuid[])
"""
"""Bundles among SKUs, and those that contain one of them."""


def bundle_free(sku_id: str) -> str:
    """SQL: how many of a bundle can be had: as its own cap, its scarcest part and the best choice of each group allow.

    Null: nothing limits it. `sku_id` is a column of the query around it.
    """
    return f"""(
    SELECT nullif(min(free), {UNLIMITED}) FROM (
        SELECT (counter.on_hand - counter.held) / part.quantity AS free
        FROM sku_components part JOIN stock counter ON counter.sku_id = part.sku_id WHERE part.bundle_sku_id = {sku_id}
        UNION ALL
        SELECT counter.on_hand - counter.held FROM stock counter WHERE counter.sku_id = {sku_id}
        UNION ALL
        SELECT (array_agg(best.free ORDER BY best.free DESC))[best.pick] FROM (
            SELECT option.group_name, option.pick,
                   coalesce((counter.on_hand - counter.held) / option.quantity, {UNLIMITED}) AS free
            FROM sku_choices option JOIN stock counter ON counter.sku_id = option.sku_id
            WHERE option.bundle_sku_id = {sku_id}
        ) best GROUP BY best.group_name, best.pick
    ) limits
)"""  # noqa: S608  # composed of constants


def bundle_version(sku_id: str) -> str:
    """SQL: a number that grows whenever the stock of the bundle may have changed."""
    return f"""(
    SELECT coalesce(sum(counter.version), 0)::bigint FROM stock counter
    WHERE counter.sku_id = {sku_id}
       OR counter.sku_id IN (SELECT part.sku_id FROM sku_components part WHERE part.bundle_sku_id = {sku_id})
       OR counter.sku_id IN (SELECT option.sku_id FROM sku_choices option WHERE option.bundle_sku_id = {sku_id})
)"""  # noqa: S608  # composed of constants


async def add_choices(uow: UnitOfWork, bundle_sku_id: UUID, groups: Sequence[ChoiceGroup]) -> None:
    """Write down what may be chosen, in the order in which it was named."""
    rows = [
        {
            "bundle_sku_id": bundle_sku_id,
            "sku_id": option.sku_id,
            "group_name": group.name,
            "pick": group.pick,
            "quantity": option.quantity,
            "weight": option.weight,
            "extra_minor": option.extra_minor,
        }
        for group in groups
        for option in group.options
    ]
    if rows:
        await uow.sql.execute(insert(SKU_CHOICES), [{**row, "position": place} for place, row in enumerate(rows)])


async def find_parts(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, PartFacts]:
    """What is known of SKUs that shall become parts of a bundle."""
    inner: defaultdict[UUID, list[ComponentSpec]] = defaultdict(list)
    parts = (
        select(SKU_COMPONENTS).where(SKU_COMPONENTS.c.bundle_sku_id.in_(sku_ids)).order_by(SKU_COMPONENTS.c.position)
    )
    for row in await uow.sql.execute(parts):
        inner[row.bundle_sku_id].append(ComponentSpec(row.sku_id, row.quantity, row.weight))
    statement = select(SKUS.c.sku_id, SKUS.c.kind, SKUS.c.currency, SKUS.c.composed).where(SKUS.c.sku_id.in_(sku_ids))
    return {
        row.sku_id: PartFacts(row.sku_id, SkuKind(row.kind), row.currency, tuple(inner[row.sku_id]), row.composed)
        for row in await uow.sql.execute(statement)
    }


async def find_choices(uow: UnitOfWork, bundle_ids: Sequence[UUID]) -> dict[UUID, tuple[OfferedGroup, ...]]:
    """What may be chosen of each of these bundles."""
    statement = (
        select(SKU_CHOICES, SKUS.c.name, SKUS.c.kind, SKUS.c.partner_id, SKUS.c.buyer_fields)
        .join(SKUS, SKUS.c.sku_id == SKU_CHOICES.c.sku_id)
        .where(SKU_CHOICES.c.bundle_sku_id.in_(bundle_ids))
        .order_by(SKU_CHOICES.c.bundle_sku_id, SKU_CHOICES.c.position)
    )
    found: defaultdict[UUID, dict[str, OfferedGroup]] = defaultdict(dict)
    for row in await uow.sql.execute(statement):
        option = OfferedComponent(
            sku_id=row.sku_id,
            name=row.name,
            kind=SkuKind(row.kind),
            quantity=row.quantity,
            weight=row.weight,
            partner_id=row.partner_id,
            buyer_fields=tuple(read_buyer_field(field) for field in row.buyer_fields),
        )
        groups = found[row.bundle_sku_id]
        known = groups.get(row.group_name, OfferedGroup(row.group_name, row.pick, ()))
        groups[row.group_name] = OfferedGroup(known.name, known.pick, (*known.options, (option, row.extra_minor)))
    return {bundle_id: tuple(groups.values()) for bundle_id, groups in found.items()}
