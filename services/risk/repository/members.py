"""What is known of members: when they registered, and which codes they saw first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.database import UnitOfWork

_INSERT_ACCOUNTS: Final = """
insert into accounts (member_id, registered_at)
select * from unnest($1::uuid[], $2::timestamptz[]) on conflict (member_id) do nothing
"""
_INSERT_REVEALS: Final = """
insert into reveals (entitlement_id, member_id, revealed_at)
select * from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) on conflict (entitlement_id) do nothing
"""
_ACCOUNTS: Final = """
select member_id, registered_at from (
    select * from accounts where recorded_at >= $1 order by recorded_at desc limit $2
) newest order by recorded_at
"""


async def insert_accounts(uow: UnitOfWork, accounts: Sequence[tuple[UUID, datetime]]) -> None:
    """New members, as (member, registered at)."""
    await uow.raw.execute(_INSERT_ACCOUNTS, [row[0] for row in accounts], [row[1] for row in accounts])


async def insert_reveals(uow: UnitOfWork, reveals: Sequence[tuple[UUID, UUID, datetime]]) -> None:
    """First reveals, as (entitlement, member, revealed at)."""
    columns = ([row[place] for row in reveals] for place in range(3))
    await uow.raw.execute(_INSERT_REVEALS, *columns)


async def accounts_recorded_since(uow: UnitOfWork, *, since: datetime, at_most: int) -> list[tuple[UUID, datetime]]:
    """The newest accounts that were written down since then, oldest first, as (member, registered at)."""
    return [(record[0], record[1]) for record in await uow.raw.fetch(_ACCOUNTS, since, at_most)]
