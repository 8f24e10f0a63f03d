"""Redemptions and their undoing: two facts, kept in whatever order they come. What counts are redeemed entitlements.

All of one entitlement is said under one key of one topic, so that one consumer at a time deals with it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.settlement.repository.components import SALE, SoldComponent, arrays, sold_components
from shared.database import UnitOfWork

# What was redeemed before redemptions had ids here stands under its entitlement's id until its own is heard of.
_NAME = """
UPDATE redemptions SET redemption_id = named.redemption_id
FROM (SELECT DISTINCT ON (entitlement_id) redemption_id, entitlement_id
      FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS n (redemption_id, entitlement_id, position)
      ORDER BY entitlement_id, position) AS named
WHERE redemptions.redemption_id = named.entitlement_id AND named.redemption_id <> named.entitlement_id
  AND NOT EXISTS (SELECT FROM redemptions known WHERE known.redemption_id = named.redemption_id)
"""


def _heard(column: str, other: str) -> str:
    return f"""
INSERT INTO redemptions AS r (redemption_id, entitlement_id, component_id, order_id, partner_id, {column})
SELECT DISTINCT ON (redemption_id) *
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[])
  AS h (redemption_id, entitlement_id, component_id, order_id, partner_id, {column})
ORDER BY redemption_id
ON CONFLICT (redemption_id) DO UPDATE SET {column} = EXCLUDED.{column} WHERE r.{column} IS NULL
RETURNING redemption_id, entitlement_id, component_id, order_id, r.{other} IS NOT NULL AS other_is_here
"""  # noqa: S608  # the names are the two below


_REDEEMED = _heard("redeemed_at", "undone_at")
_UNDONE = _heard("undone_at", "redeemed_at")

_COUNTING = """
SELECT redemption_id, entitlement_id FROM redemptions
WHERE entitlement_id = ANY($1::uuid[]) AND redeemed_at IS NOT NULL AND undone_at IS NULL
"""

_MORE = f"""
WITH kept AS (
  INSERT INTO components AS c (component_id, order_id, seen_at, redeemed_units)
  SELECT component_id, order_id, $3, count(*) FROM unnest($1::uuid[], $2::uuid[]) AS r (component_id, order_id)
  GROUP BY component_id, order_id ORDER BY component_id
  ON CONFLICT (component_id) DO UPDATE SET redeemed_units = c.redeemed_units + EXCLUDED.redeemed_units
  RETURNING *
)
SELECT {SALE}, redeemed_units FROM kept WHERE split_at IS NOT NULL AND reversed_at IS NULL
"""  # noqa: S608  # the names are those of a sale

_FEWER = f"""
WITH locked AS (
  SELECT component_id FROM components WHERE component_id = ANY($1::uuid[]) ORDER BY component_id FOR UPDATE
), fewer AS (
  SELECT component_id, count(*) AS units FROM unnest($1::uuid[]) AS u (component_id) JOIN locked USING (component_id)
  GROUP BY component_id
), kept AS (
  UPDATE components c SET redeemed_units = c.redeemed_units - fewer.units
  FROM fewer WHERE c.component_id = fewer.component_id
  RETURNING c.*
)
SELECT {SALE}, redeemed_units FROM kept WHERE split_at IS NOT NULL AND reversed_at IS NULL
"""  # noqa: S608  # the names are those of a sale

_OF_COMPONENTS = """
SELECT DISTINCT ON (component_id, entitlement_id) component_id, redemption_id FROM redemptions
WHERE component_id = ANY($1::uuid[]) AND redeemed_at IS NOT NULL AND undone_at IS NULL
ORDER BY component_id, entitlement_id, redeemed_at, redemption_id
"""


class Redemption(NamedTuple):
    """One entitlement honoured by a partner, or that undone: `at` is the moment of what is said."""

    redemption_id: UUID
    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    partner_id: UUID
    at: datetime


class _Heard(NamedTuple):
    redemption_id: UUID
    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    other_is_here: bool


class Changed(NamedTuple):
    """Redemptions by which components have more or fewer redeemed units, and those of the components that are split.

    Of the others nothing can move: not yet, if they wait for a fact; never, if they were taken back.
    """

    by_component: Mapping[UUID, list[UUID]]
    sold: list[SoldComponent]


async def add_redemptions(uow: UnitOfWork, redemptions: Sequence[Redemption], *, now: datetime) -> Changed:
    """Keep what is redeemed. One that was undone before it was heard of does not count, nor a second one of an entitlement."""
    heard = await _hear(uow, _REDEEMED, redemptions)
    fresh = {row.redemption_id for row in heard}
    counting = await _counting(uow, heard)

    def is_new(row: _Heard) -> bool:
        return not row.other_is_here and counting[row.entitlement_id] <= fresh

    counted = _one_each(heard, is_new)
    rows = await uow.raw.fetch(_MORE, *_components(counted), now) if counted else []
    return Changed(_by_component(counted), sold_components(rows))


async def add_undoings(uow: UnitOfWork, undone: Sequence[Redemption]) -> Changed:
    """Keep what is undone. One whose redemption was not heard of yet changes nothing, nor one of an entitlement redeemed anew."""
    heard = await _hear(uow, _UNDONE, undone)
    counting = await _counting(uow, heard)

    def is_lost(row: _Heard) -> bool:
        return row.other_is_here and not counting[row.entitlement_id]

    counted = _one_each(heard, is_lost)
    rows = await uow.raw.fetch(_FEWER, _components(counted)[0]) if counted else []
    return Changed(_by_component(counted), sold_components(rows))


async def find_counting(uow: UnitOfWork, component_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """The redemptions that count of each component, one for each redeemed entitlement."""
    found: dict[UUID, list[UUID]] = {}
    for row in await uow.raw.fetch(_OF_COMPONENTS, component_ids):
        found.setdefault(row["component_id"], []).append(row["redemption_id"])
    return found


async def _hear(uow: UnitOfWork, statement: str, said: Sequence[Redemption]) -> list[_Heard]:
    """Keep what is new of it; answers that, in the order of the ids."""
    await uow.raw.execute(_NAME, *arrays(said)[:2])
    return sorted(_Heard(*row) for row in await uow.raw.fetch(statement, *arrays(said)))


async def _counting(uow: UnitOfWork, heard: Sequence[_Heard]) -> dict[UUID, set[UUID]]:
    """By entitlement, its redemptions that count now."""
    found: dict[UUID, set[UUID]] = {row.entitlement_id: set() for row in heard}
    if found:
        for row in await uow.raw.fetch(_COUNTING, list(found)):
            found[row["entitlement_id"]].add(row["redemption_id"])
    return found


def _one_each(heard: Sequence[_Heard], counts: Callable[[_Heard], bool]) -> list[_Heard]:
    """Of each entitlement the first that counts."""
    return list({row.entitlement_id: row for row in reversed(heard) if counts(row)}.values())


def _components(rows: Sequence[_Heard]) -> tuple[list[UUID], list[UUID]]:
    return [row.component_id for row in rows], [row.order_id for row in rows]


def _by_component(rows: Sequence[_Heard]) -> dict[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(row.component_id, []).append(row.redemption_id)
    return found
