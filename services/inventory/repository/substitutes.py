"""Which SKUs may be delivered instead of which, in order."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, insert, select

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.delivery import Delivery
from services.inventory.domain.kinds import Source
from services.inventory.domain.stock import ACCOUNT_FIELD
from services.inventory.domain.substitutes import Substitute, SubstituteFacts
from services.inventory.repository.sources import source
from services.inventory.tables import SKU_SUBSTITUTES, SKUS
from shared.database import UnitOfWork

_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('inventory.substitutes', 0))"

_LEADS_BACK = """
WITH RECURSIVE reached AS (
    SELECT unnest($2::uuid[]) AS sku_id
    UNION
    SELECT next.substitute_sku_id FROM sku_substitutes next JOIN reached ON next.sku_id = reached.sku_id
)
SELECT EXISTS (SELECT FROM reached WHERE sku_id = $1)
"""

# Prices may have changed since they were named: what is worth less by now is passed over.
_FIND = f"""
SELECT named.sku_id AS ordered, sku.sku_id, sku.name, sku.kind, {source("sku")} AS source
FROM sku_substitutes named JOIN skus sku ON sku.sku_id = named.substitute_sku_id
JOIN skus ordered ON ordered.sku_id = named.sku_id AND ordered.price_minor <= sku.price_minor
WHERE named.sku_id = ANY($1::uuid[]) ORDER BY named.sku_id, named.position
"""  # noqa: S608  # composed of the table of kinds

_NAMES = "SELECT sku_id, name FROM skus WHERE sku_id = ANY($1::uuid[])"


async def wait_for_others(uow: UnitOfWork) -> None:
    """Substitutes are named one after the other, or two that are named at once might lead in a circle."""
    await uow.raw.execute(_ONE_AT_A_TIME)


async def leads_back(uow: UnitOfWork, sku_id: UUID, substitutes: Sequence[UUID]) -> bool:
    """Whether one of these, or what stands in for it, is the SKU itself."""
    return bool(await uow.raw.fetchval(_LEADS_BACK, sku_id, substitutes))


async def find_facts(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, SubstituteFacts]:
    """What is asked of SKUs before they stand in for each other."""
    rows = await uow.sql.execute(select(SKUS).where(SKUS.c.sku_id.in_(sku_ids)))
    return {
        row.sku_id: SubstituteFacts(
            sku_id=row.sku_id,
            kind=SkuKind(row.kind),
            price_minor=row.price_minor,
            currency=row.currency,
            partner_id=row.partner_id,
            asks=frozenset(field["name"] for field in row.buyer_fields) | _plainly_asked(row.kind),
            needs=frozenset(field["name"] for field in row.buyer_fields if field["required"])
            | _plainly_asked(row.kind),
        )
        for row in rows
    }


async def replace(uow: UnitOfWork, sku_id: UUID, substitutes: Sequence[UUID]) -> None:
    """These and no others may be delivered instead."""
    await uow.sql.execute(delete(SKU_SUBSTITUTES).where(SKU_SUBSTITUTES.c.sku_id == sku_id))
    rows = [
        {"sku_id": sku_id, "substitute_sku_id": substitute, "position": position}
        for position, substitute in enumerate(substitutes)
    ]
    if rows:
        await uow.sql.execute(insert(SKU_SUBSTITUTES), rows)


async def find_substitutes(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, list[Substitute]]:
    """What may be delivered instead of each of these, the first first."""
    found: defaultdict[UUID, list[Substitute]] = defaultdict(list)
    for row in await uow.raw.fetch(_FIND, sku_ids):
        substitute = Substitute(row["sku_id"], row["name"], SkuKind(row["kind"]), Source(row["source"]))
        found[row["ordered"]].append(substitute)
    return dict(found)


async def find_delivered_names(uow: UnitOfWork, known: Sequence[Delivery]) -> dict[UUID, str]:
    """What was delivered instead of something else, by component; those that got what was ordered are absent."""
    instead = {delivery.component_id: delivery.sku_id for delivery in known if delivery.ordered_sku_id is not None}
    if not instead:
        return {}
    names = {row["sku_id"]: row["name"] for row in await uow.raw.fetch(_NAMES, list(instead.values()))}
    return {component_id: names[sku_id] for component_id, sku_id in instead.items()}


def _plainly_asked(kind: str) -> frozenset[str]:
    return frozenset({ACCOUNT_FIELD}) if kind == SkuKind.DIRECT_TOP_UP else frozenset()
