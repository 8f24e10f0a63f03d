"""Partners and their keys, and what the gateway verifies signatures with."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Row, select

from services.settlement.domain.partners import KeyAlgorithm, KeyUnknownError, PartnerKey, PartnerUnknownError
from services.settlement.queries.paging import id_in
from services.settlement.repository.key_material import KeyMaterial, open_secret
from services.settlement.schemas.partners import (
    BrandOut,
    BrandsOut,
    KeyOut,
    KeysOut,
    PartnerOut,
    PartnerPage,
    VerificationKeyOut,
)
from services.settlement.tables import CHANNELS, PARTNER_KEYS, PARTNERS
from shared.crypto import Keyring
from shared.database import UnitOfWork
from shared.http import encode_cursor


async def partner(uow: UnitOfWork, partner_id: UUID) -> PartnerOut:
    """One partner.

    :raises PartnerUnknownError: there is none of that id.
    """
    row = (await uow.sql.execute(select(PARTNERS).where(PARTNERS.c.partner_id == partner_id))).one_or_none()
    if row is None:
        raise PartnerUnknownError(f"there is no partner {partner_id}")
    return _partner(row)


async def partners(uow: UnitOfWork, *, cursor: str | None, limit: int) -> PartnerPage:
    """All partners, the newest first."""
    query = select(PARTNERS).order_by(PARTNERS.c.partner_id.desc()).limit(limit + 1)
    if cursor is not None:
        query = query.where(PARTNERS.c.partner_id < id_in(cursor))
    rows = (await uow.sql.execute(query)).all()
    more = encode_cursor(str(rows[limit - 1].partner_id)) if len(rows) > limit else None
    return PartnerPage(items=[_partner(row) for row in rows[:limit]], next_cursor=more)


async def brands(uow: UnitOfWork, partner_ids: Sequence[UUID]) -> BrandsOut:
    """The names of these partners; who is not known is left out."""
    query = select(PARTNERS.c.partner_id, PARTNERS.c.name).where(PARTNERS.c.partner_id.in_(partner_ids))
    rows = (await uow.sql.execute(query)).all()
    return BrandsOut(items=[BrandOut(partner_id=row.partner_id, name=row.name) for row in rows])


async def keys(uow: UnitOfWork, *, partner_id: UUID, now: datetime) -> KeysOut:
    """A partner's keys, the newest first, ended ones too."""
    query = (
        select(PARTNER_KEYS).where(PARTNER_KEYS.c.partner_id == partner_id).order_by(PARTNER_KEYS.c.created_at.desc())
    )
    rows: Sequence[Row[tuple[object, ...]]] = (await uow.sql.execute(query)).all()
    return KeysOut(items=[key_out(_key(row), now=now) for row in rows])


async def verification_key(uow: UnitOfWork, keyring: Keyring, *, key_id: str, now: datetime) -> VerificationKeyOut:
    """What signatures with this key are verified with. An ended key is answered without it.

    :raises KeyUnknownError: there is no such key. :raises SealBrokenError: its row is not what was stored.
    """
    buys = PARTNER_KEYS.c.partner_id.in_(select(CHANNELS.c.channel_id)).label("buys")
    query = select(PARTNER_KEYS, buys).where(PARTNER_KEYS.c.key_id == key_id)
    row = (await uow.sql.execute(query)).one_or_none() if key_id.isprintable() else None
    if row is None:
        raise KeyUnknownError(f"there is no key {key_id}")
    key = _key(row)
    role: Literal["partner", "channel"] = "channel" if row.buys else "partner"
    if not key.is_active(now):
        return VerificationKeyOut(partner_id=key.partner_id, role=role, algorithm=key.algorithm, active=False)
    material = KeyMaterial(row.public_key, row.sealed_secret, row.wrapped_key, row.kek_version)
    secret = open_secret(keyring, key_id, material)
    public_key = base64.b64encode(material.public_key).decode() if material.public_key else None
    return VerificationKeyOut(
        partner_id=key.partner_id,
        role=role,
        algorithm=key.algorithm,
        active=True,
        secret=secret.reveal() if secret else None,
        public_key=public_key,
    )


def key_out(key: PartnerKey, *, now: datetime) -> KeyOut:
    """A key as it is shown."""
    return KeyOut(
        key_id=key.key_id,
        partner_id=key.partner_id,
        algorithm=key.algorithm,
        active=key.is_active(now),
        created_at=key.created_at,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


def _partner(row: Row[tuple[object, ...]]) -> PartnerOut:
    return PartnerOut(partner_id=row.partner_id, name=row.name, created_at=row.created_at)


def _key(row: Row[tuple[object, ...]]) -> PartnerKey:
    return PartnerKey(
        key_id=row.key_id,
        partner_id=row.partner_id,
        algorithm=KeyAlgorithm(row.algorithm),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
