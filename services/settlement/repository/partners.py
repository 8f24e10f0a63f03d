"""Partners and their keys."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select, update

from services.settlement.domain.partners import KeyAlgorithm, PartnerKey
from services.settlement.repository.key_material import KeyMaterial
from services.settlement.tables import PARTNER_KEYS, PARTNERS
from shared.database import UnitOfWork


async def add_partner(uow: UnitOfWork, *, partner_id: UUID, name: str, created_by: UUID | None, now: datetime) -> None:
    """Register whom the platform may share with."""
    await uow.sql.execute(
        insert(PARTNERS).values(partner_id=partner_id, name=name, created_by=created_by, created_at=now)
    )


async def known_partners(uow: UnitOfWork, partner_ids: AbstractSet[UUID]) -> AbstractSet[UUID]:
    """Those of these partners that exist."""
    query = select(PARTNERS.c.partner_id).where(PARTNERS.c.partner_id.in_(partner_ids))
    return {row.partner_id for row in await uow.sql.execute(query)}


async def add_key(uow: UnitOfWork, key: PartnerKey, material: KeyMaterial, *, created_by: UUID | None) -> None:
    """Keep a partner's new key."""
    await uow.sql.execute(
        insert(PARTNER_KEYS).values(
            key_id=key.key_id,
            partner_id=key.partner_id,
            algorithm=key.algorithm.value,
            created_at=key.created_at,
            created_by=created_by,
            public_key=material.public_key,
            sealed_secret=material.sealed_secret,
            wrapped_key=material.wrapped_key,
            kek_version=material.kek_version,
        )
    )


async def lock_key(uow: UnitOfWork, *, partner_id: UUID, key_id: str) -> PartnerKey | None:
    """The partner's key, held until the unit of work ends."""
    columns = PARTNER_KEYS.c
    query = (
        select(
            columns.key_id,
            columns.partner_id,
            columns.algorithm,
            columns.created_at,
            columns.expires_at,
            columns.revoked_at,
        )
        .where(columns.key_id == key_id, columns.partner_id == partner_id)
        .with_for_update()
    )
    row = (await uow.sql.execute(query)).one_or_none()
    if row is None:
        return None
    return PartnerKey(
        key_id=row.key_id,
        partner_id=row.partner_id,
        algorithm=KeyAlgorithm(row.algorithm),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )


async def keep_key(uow: UnitOfWork, key: PartnerKey) -> None:
    """Write down that the key ends."""
    await uow.sql.execute(
        update(PARTNER_KEYS)
        .where(PARTNER_KEYS.c.key_id == key.key_id)
        .values(expires_at=key.expires_at, revoked_at=key.revoked_at)
    )
