"""The facts of components: each arrives once, in any order; the row tells when the last of them is there.

Every statement takes its rows in order of component id, so that two consumers lock them in one order.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from asyncpg import Record

from services.settlement.domain.components import Fact, FactKind, Sale
from shared.database import UnitOfWork

SALE = "component_id, order_id, sku_id, units, amount_minor, currency, contract_version, contract_hash"
"""The columns of a `Sale`."""

_PAID = f"""
WITH kept AS (
  INSERT INTO components AS c ({SALE}, seen_at, paid_at)
  SELECT s.*, $9, $9
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::bigint[], $6::text[], $7::integer[], $8::text[])
    AS s ({SALE})
  ORDER BY component_id
  ON CONFLICT (component_id) DO UPDATE
  SET sku_id = EXCLUDED.sku_id, units = EXCLUDED.units, amount_minor = EXCLUDED.amount_minor,
      currency = EXCLUDED.currency, contract_version = EXCLUDED.contract_version,
      contract_hash = EXCLUDED.contract_hash, paid_at = EXCLUDED.paid_at,
      split_at = CASE WHEN c.issued_at IS NOT NULL AND c.accrued_at IS NOT NULL AND c.reversed_at IS NULL
                 THEN EXCLUDED.paid_at END
  WHERE c.paid_at IS NULL
  RETURNING *
)
SELECT {SALE}, redeemed_units FROM kept WHERE split_at IS NOT NULL
"""  # noqa: S608  # the names are the columns above


def _other_fact(column: str, other: str) -> str:
    return f"""
WITH kept AS (
  INSERT INTO components AS c (component_id, order_id, seen_at, {column})
  SELECT f.*, $3, $3 FROM unnest($1::uuid[], $2::uuid[]) AS f (component_id, order_id)
  ORDER BY component_id
  ON CONFLICT (component_id) DO UPDATE
  SET {column} = EXCLUDED.{column},
      split_at = CASE WHEN c.paid_at IS NOT NULL AND c.{other} IS NOT NULL AND c.reversed_at IS NULL
                 THEN EXCLUDED.{column} END
  WHERE c.{column} IS NULL
  RETURNING *
)
SELECT {SALE}, redeemed_units FROM kept WHERE split_at IS NOT NULL
"""  # noqa: S608  # the names are the two below


_FACTS = {
    FactKind.ISSUED: _other_fact("issued_at", "accrued_at"),
    FactKind.ACCRUED: _other_fact("accrued_at", "issued_at"),
}

_REVERSED = """
INSERT INTO components AS c (component_id, order_id, refund_id, seen_at, reversed_at)
SELECT r.*, $4, $4 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS r (component_id, order_id, refund_id)
ORDER BY component_id
ON CONFLICT (component_id) DO UPDATE SET refund_id = EXCLUDED.refund_id, reversed_at = EXCLUDED.reversed_at
WHERE c.reversed_at IS NULL
RETURNING component_id, split_at IS NOT NULL AS was_split
"""

Row = TypeVar("Row", Sale, Fact, "Reversal")


class SoldComponent(NamedTuple):
    """A sale with how many of its units are redeemed so far."""

    sale: Sale
    redeemed_units: int


class Reversal(NamedTuple):
    component_id: UUID
    order_id: UUID
    refund_id: UUID


async def add_sales(uow: UnitOfWork, sales: Sequence[Sale], *, now: datetime) -> list[SoldComponent]:
    """Keep that these components are paid. Answers those for which this was the last fact: they are to be split now."""
    return sold_components(await uow.raw.fetch(_PAID, *arrays(_first(sales)), now))


async def add_facts(uow: UnitOfWork, kind: FactKind, facts: Sequence[Fact], *, now: datetime) -> list[SoldComponent]:
    """Keep that these components are issued, or accrued. Answers those for which this was the last fact."""
    return sold_components(await uow.raw.fetch(_FACTS[kind], *arrays(_first(facts)), now))


async def add_reversals(uow: UnitOfWork, reversals: Sequence[Reversal], *, now: datetime) -> dict[UUID, bool]:
    """Keep that these components are taken back. Answers those that were not before, and whether they had been split.

    One that was not split is from now on never split.
    """
    rows = await uow.raw.fetch(_REVERSED, *arrays(_first(reversals)), now)
    return {row["component_id"]: row["was_split"] for row in rows}


def sold_components(rows: Sequence[Record]) -> list[SoldComponent]:
    """Components out of rows of `SALE` and their redeemed units."""
    return [SoldComponent(Sale(*row[:-1]), row[-1]) for row in map(tuple, rows)]


def _first(rows: Sequence[Row]) -> list[Row]:
    """The first row of each component: one statement may touch a row once."""
    return list({row.component_id: row for row in reversed(rows)}.values())


def arrays(rows: Sequence[tuple[object, ...]]) -> list[list[object]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)]
