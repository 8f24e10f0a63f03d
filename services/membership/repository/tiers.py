"""Tier tables and members' standings."""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from asyncpg import Record
from sqlalchemy import insert, select, text

from services.membership.domain.tiers import Standing, Tier, TierTable, ladder
from services.membership.tables import STANDINGS, TIER_TABLES, TIERS
from shared.database import UnitOfWork

_COLUMNS = "member_id, tier_code, price_bp, sequence, spend_minor, downgrade_at, table_version"

_CURRENT = """
SELECT version, code, name, threshold_minor, price_bp FROM tiers
 WHERE version = (SELECT max(version) FROM tier_tables)
"""

_WRITE = """
UPDATE standings AS s
   SET tier_code = u.tier_code, price_bp = u.price_bp, sequence = u.sequence, spend_minor = u.spend_minor,
       downgrade_at = u.downgrade_at, table_version = u.table_version
  FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::integer[])
       AS u (member_id, tier_code, price_bp, sequence, spend_minor, downgrade_at, table_version)
 WHERE s.member_id = u.member_id
"""


async def current_table(uow: UnitOfWork) -> TierTable:
    """The tiers in force. The first are made by a migration."""
    rows = await uow.raw.fetch(_CURRENT)
    tiers = [Tier(row["code"], row["name"], row["threshold_minor"], row["price_bp"]) for row in rows]
    return ladder(tiers, version=rows[0]["version"])


async def lock_tables(uow: UnitOfWork) -> None:
    """One new tier table at a time, until the transaction ends. Readers go on."""
    await uow.sql.execute(text("LOCK TABLE tier_tables IN SHARE ROW EXCLUSIVE MODE"))


async def add_table(uow: UnitOfWork, table: TierTable, *, created_by: str, now: datetime) -> None:
    """Put a tier table in force, for good."""
    await uow.sql.execute(insert(TIER_TABLES).values(version=table.version, created_by=created_by, created_at=now))
    await uow.sql.execute(
        insert(TIERS),
        [
            {
                "version": table.version,
                "code": tier.code,
                "name": tier.name,
                "threshold_minor": tier.threshold_minor,
                "price_bp": tier.price_bp,
            }
            for tier in table.tiers
        ],
    )


async def add_standing(uow: UnitOfWork, standing: Standing) -> None:
    """A new member's first standing."""
    await uow.sql.execute(
        insert(STANDINGS).values(
            member_id=standing.member_id,
            tier_code=standing.tier_code,
            price_bp=standing.price_bp,
            sequence=standing.sequence,
            spend_minor=standing.spend_minor,
            downgrade_at=standing.downgrade_at,
            table_version=standing.table_version,
        )
    )


async def lock_standings(uow: UnitOfWork, member_ids: Collection[UUID]) -> dict[UUID, Standing]:
    """These members' standings, locked in the order of their ids. Members we do not know are left out."""
    statement = f"SELECT {_COLUMNS} FROM standings WHERE member_id = ANY($1::uuid[]) ORDER BY member_id FOR UPDATE"  # noqa: S608  # a constant of ours
    return {
        row["member_id"]: _standing(row)
        for row in await uow.raw.fetch(statement, sorted(set(member_ids), key=attrgetter("int")))
    }


async def members_to_downgrade(uow: UnitOfWork, *, now: datetime, limit: int) -> list[UUID]:
    """Members whose tier is to be taken away by now. Not locked."""
    statement = (
        select(STANDINGS.c.member_id)
        .where(STANDINGS.c.downgrade_at <= now)
        .order_by(STANDINGS.c.downgrade_at)
        .limit(limit)
    )
    return list((await uow.sql.execute(statement)).scalars())


async def members_of_older_tables(uow: UnitOfWork, *, version: int, limit: int) -> list[UUID]:
    """Members who have not been looked at since the tiers were changed. Not locked."""
    statement = select(STANDINGS.c.member_id).where(STANDINGS.c.table_version < version).limit(limit)
    return list((await uow.sql.execute(statement)).scalars())


async def write_standings(uow: UnitOfWork, standings: Sequence[Standing]) -> None:
    """Keep what was decided about locked standings, by one statement."""
    await uow.raw.execute(
        _WRITE,
        [standing.member_id for standing in standings],
        [standing.tier_code for standing in standings],
        [standing.price_bp for standing in standings],
        [standing.sequence for standing in standings],
        [standing.spend_minor for standing in standings],
        [standing.downgrade_at for standing in standings],
        [standing.table_version for standing in standings],
    )


def _standing(row: Record) -> Standing:
    return Standing(**row)
