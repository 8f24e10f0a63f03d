"""What buyers own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.cards import SealedEntitlement
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.owners import Owner
from services.inventory.queries.pages import after, after_moment, page, page_by_moment
from services.inventory.repository.sources import has_claim
from services.inventory.schemas import BenefitStatus, EntitlementOpsOut, EntitlementOut
from shared.crypto import WrappedKey
from shared.database import UnitOfWork
from shared.http import Page

_BENEFITS = f"""
SELECT unit.entitlement_id, unit.order_id, unit.component_id, unit.sku_id, sku.name, sku.kind, unit.masked,
       unit.state AS status, unit.issued_at, unit.expires_at, unit.first_revealed_at, unit.redeemed_at,
       unit.member_id, unit.reveals, sku.usage_instructions, sku.goods, unit.gift_id,
       unit.state = 'active' AND coalesce(unit.expires_at <= $2, false) AS expired,
       unit.state = 'active' AND coalesce(unit.expires_at > $2, true) AND unit.gift_id IS NULL AND {has_claim("unit", "sku")}
           AND sku.redeemable_here AND sku.partner_id IS NOT NULL AS qr_offered
FROM entitlements unit JOIN skus sku ON sku.sku_id = unit.sku_id
"""  # noqa: S608  # composed of the table of kinds
_WANTED = """
AND CASE $3::text WHEN 'active' THEN unit.state = 'active' AND coalesce(unit.expires_at > $2, true)
                  WHEN 'expired' THEN unit.state = 'active' AND unit.expires_at <= $2
                  ELSE unit.state = coalesce($3, unit.state) END
"""
_NEWEST = """
AND unit.entitlement_id < coalesce($4::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
ORDER BY unit.entitlement_id DESC LIMIT $5
"""
# What never ends comes last: it is given an end that is further away than any.
_EXPIRING = """
AND ($4::timestamptz IS NULL OR (coalesce(unit.expires_at, $5), unit.entitlement_id) > ($4, $6::uuid))
ORDER BY coalesce(unit.expires_at, $5::timestamptz), unit.entitlement_id LIMIT $7
"""

_OF_MEMBER = _BENEFITS + "WHERE unit.member_id = $1" + _WANTED
_OF_ORDER = _BENEFITS + "WHERE unit.order_id = $1" + _WANTED
# What was given to somebody since is that member's alone.
_OF_GUEST = _BENEFITS + "WHERE unit.order_id = $1 AND unit.given_at IS NULL" + _WANTED

_NEVER = datetime(9999, 12, 31, tzinfo=UTC)

_SEALED = """
SELECT unit.entitlement_id, unit.component_id, unit.order_id, unit.member_id, unit.sku_id, unit.state, unit.expires_at,
       unit.given_at IS NOT NULL AS given, unit.gift_id IS NOT NULL AS is_pending, sku.kind, card.card_id, card.batch_id, card.sealed, key.kek_version, key.wrapped
FROM entitlements unit
JOIN skus sku ON sku.sku_id = unit.sku_id
LEFT JOIN cards card ON card.card_id = unit.card_id
LEFT JOIN card_batches batch ON batch.batch_id = card.batch_id
LEFT JOIN data_keys key ON key.key_id = coalesce(card.key_id, batch.key_id)
WHERE unit.entitlement_id = ANY($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Owned:
    """An entitlement with its owner. `given`: to him, by another; `is_pending`: he is giving it away. `card` is None for a top-up, which has no code."""

    entitlement_id: UUID
    order_id: UUID
    member_id: UUID | None
    state: EntitlementState
    given: bool
    is_pending: bool
    card: SealedEntitlement | None


async def list_newest(
    read: UnitOfWork, owner: Owner, *, status: BenefitStatus | None, now: datetime, cursor: str | None, limit: int
) -> Page[EntitlementOut]:
    """What somebody owns, the newest first."""
    statement, of = (_OF_MEMBER, owner.member_id) if owner.member_id is not None else (_OF_GUEST, owner.order_id)
    rows = await read.raw.fetch(statement + _NEWEST, of, now, status, after(cursor), limit + 1)
    return page([EntitlementOut(**row) for row in rows], limit=limit, key=lambda unit: unit.entitlement_id)


async def list_expiring(
    read: UnitOfWork, owner: Owner, *, status: BenefitStatus | None, now: datetime, cursor: str | None, limit: int
) -> Page[EntitlementOut]:
    """What somebody owns, what ends soonest first."""
    statement, of = (_OF_MEMBER, owner.member_id) if owner.member_id is not None else (_OF_GUEST, owner.order_id)
    ends_after, last_id = after_moment(cursor)
    rows = await read.raw.fetch(statement + _EXPIRING, of, now, status, ends_after, _NEVER, last_id, limit + 1)
    units = [EntitlementOut(**row) for row in rows]
    return page_by_moment(units, limit=limit, key=lambda unit: (unit.expires_at or _NEVER, unit.entitlement_id))


async def search(
    read: UnitOfWork,
    *,
    member_id: UUID | None,
    order_id: UUID | None,
    now: datetime,
    cursor: str | None,
    limit: int,
) -> Page[EntitlementOpsOut]:
    """For operators: of an order, else of a member."""
    statement, of = _of(order_id, member_id)
    rows = await read.raw.fetch(statement + _NEWEST, of, now, None, after(cursor), limit + 1)
    return page([EntitlementOpsOut(**row) for row in rows], limit=limit, key=lambda unit: unit.entitlement_id)


def _of(order_id: UUID | None, member_id: UUID | None) -> tuple[str, UUID | None]:
    return (_OF_ORDER, order_id) if order_id is not None else (_OF_MEMBER, member_id)


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
            kind=SkuKind(row["kind"]),
            card_id=row["card_id"],
            batch_id=row["batch_id"],
            expires_at=row["expires_at"],
            sealed=row["sealed"],
            key=WrappedKey(row["kek_version"], row["wrapped"]),
        )
    return Owned(
        row["entitlement_id"],
        row["order_id"],
        row["member_id"],
        EntitlementState(row["state"]),
        row["given"],
        row["is_pending"],
        card,
    )
