"""What buyers own."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.inventory.domain.cards import SealedEntitlement
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.queries.pages import after, page
from services.inventory.schemas import EntitlementOpsOut, EntitlementOut
from shared.crypto import WrappedKey
from shared.database import UnitOfWork
from shared.http import Page

_COLUMNS = """
SELECT unit.entitlement_id, unit.order_id, unit.component_id, unit.sku_id, sku.name, sku.kind, unit.masked,
       unit.state AS status, unit.issued_at, unit.expires_at, unit.first_revealed_at, unit.redeemed_at,
       unit.member_id, unit.reveals
FROM entitlements unit JOIN skus sku ON sku.sku_id = unit.sku_id
"""
_AFTER = " AND unit.entitlement_id < coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff') ORDER BY unit.entitlement_id DESC LIMIT $3"

_OF_MEMBER = _COLUMNS + "WHERE unit.member_id = $1" + _AFTER
_OF_ORDER = _COLUMNS + "WHERE unit.order_id = $1" + _AFTER

_SEALED = """
SELECT unit.entitlement_id, unit.component_id, unit.order_id, unit.member_id, unit.sku_id, unit.state, unit.expires_at,
       card.card_id, card.batch_id, card.sealed, key.kek_version, key.wrapped
FROM entitlements unit
LEFT JOIN cards card ON card.card_id = unit.card_id
LEFT JOIN card_batches batch ON batch.batch_id = card.batch_id
LEFT JOIN data_keys key ON key.key_id = batch.key_id
WHERE unit.entitlement_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Owned:
    """An entitlement with its owner. `card` is None for a top-up, which has no code."""

    entitlement_id: UUID
    order_id: UUID
    member_id: UUID | None
    state: EntitlementState
    card: SealedEntitlement | None


async def list_of_member(read: UnitOfWork, member_id: UUID, *, cursor: str | None, limit: int) -> Page[EntitlementOut]:
    """Everything a member owns, the newest first."""
    rows = await read.raw.fetch(_OF_MEMBER, member_id, after(cursor), limit + 1)
    return page([EntitlementOut(**row) for row in rows], limit=limit, key=lambda unit: unit.entitlement_id)


async def list_of_order(read: UnitOfWork, order_id: UUID, *, cursor: str | None, limit: int) -> Page[EntitlementOut]:
    """Everything that came with an order: what its guest owns."""
    rows = await read.raw.fetch(_OF_ORDER, order_id, after(cursor), limit + 1)
    return page([EntitlementOut(**row) for row in rows], limit=limit, key=lambda unit: unit.entitlement_id)


async def search(
    read: UnitOfWork, *, member_id: UUID | None, order_id: UUID | None, cursor: str | None, limit: int
) -> Page[EntitlementOpsOut]:
    """For operators: of an order, else of a member."""
    statement, of = (_OF_ORDER, order_id) if order_id is not None else (_OF_MEMBER, member_id)
    rows = await read.raw.fetch(statement, of, after(cursor), limit + 1)
    return page([EntitlementOpsOut(**row) for row in rows], limit=limit, key=lambda unit: unit.entitlement_id)


async def find_owned(read: UnitOfWork, entitlement_ids: Sequence[UUID]) -> dict[UUID, Owned]:
    """Entitlements with all that a reveal takes, their cards sealed."""
    rows = await read.raw.fetch(_SEALED, entitlement_ids)
    return {row["entitlement_id"]: _owned(row) for row in rows}


def _owned(row: asyncpg.Record) -> Owned:
    card = None
    if row["card_id"] is not None:
        card = SealedEntitlement(
            entitlement_id=row["entitlement_id"],
            component_id=row["component_id"],
            order_id=row["order_id"],
            member_id=row["member_id"],
            sku_id=row["sku_id"],
            card_id=row["card_id"],
            batch_id=row["batch_id"],
            expires_at=row["expires_at"],
            sealed=row["sealed"],
            key=WrappedKey(row["kek_version"], row["wrapped"]),
        )
    return Owned(row["entitlement_id"], row["order_id"], row["member_id"], EntitlementState(row["state"]), card)
