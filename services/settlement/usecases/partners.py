"""Registering partners, and giving them keys: made, rotated, revoked."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.settlement.domain.partners import (
    KeyAlgorithm,
    KeyUnknownError,
    PartnerKey,
    PartnerUnknownError,
    PublicKeyError,
)
from services.settlement.repository import partners
from services.settlement.repository.key_material import KeyMaterial, public_key_bytes, seal_secret
from shared.clock import new_id
from shared.crypto import Keyring, Secret
from shared.database import UnitOfWork

SECRET_BYTES = 32
KEY_ID_BYTES = 10


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key; `secret` is there for an HMAC key, this once."""

    key: PartnerKey
    secret: Secret | None


async def register_partner(uow: UnitOfWork, *, name: str, created_by: UUID | None, now: datetime) -> UUID:
    """Register a partner; answers its id."""
    partner_id = new_id()
    await partners.add_partner(uow, partner_id=partner_id, name=name, created_by=created_by, now=now)
    return partner_id


async def create_key(
    uow: UnitOfWork,
    keyring: Keyring,
    *,
    partner_id: UUID,
    algorithm: KeyAlgorithm,
    public_key: str | None,
    created_by: UUID | None,
    now: datetime,
) -> IssuedKey:
    """Give a partner a key: an HMAC secret of ours, or the Ed25519 public key the partner supplies.

    :raises PartnerUnknownError: there is no such partner.
    :raises PublicKeyError: the public key does not fit the algorithm.
    """
    if not await partners.known_partners(uow, {partner_id}):
        raise PartnerUnknownError(f"there is no partner {partner_id}")
    key = PartnerKey(
        key_id=f"pk_{secrets.token_hex(KEY_ID_BYTES)}", partner_id=partner_id, algorithm=algorithm, created_at=now
    )
    if algorithm is KeyAlgorithm.ED25519:
        secret, material = None, KeyMaterial(public_key=public_key_bytes(public_key))
    else:
        if public_key is not None:
            raise PublicKeyError("an hmac-sha256 key has no public key")
        secret = Secret(base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())
        material = seal_secret(keyring, key.key_id, secret)
    await partners.add_key(uow, key, material, created_by=created_by)
    return IssuedKey(key, secret)


async def rotate_key(
    uow: UnitOfWork,
    keyring: Keyring,
    *,
    partner_id: UUID,
    key_id: str,
    public_key: str | None,
    overlap: timedelta,
    created_by: UUID | None,
    now: datetime,
) -> IssuedKey:
    """Give a partner a new key of the same kind; the old one is honoured for the overlap.

    :raises KeyUnknownError: the partner has no such key. :raises KeyEndedError: it has ended.
    :raises PublicKeyError: the public key does not fit the algorithm.
    """
    old = await _locked(uow, partner_id=partner_id, key_id=key_id)
    await partners.keep_key(uow, old.end_after(overlap, now=now))
    return await create_key(
        uow,
        keyring,
        partner_id=partner_id,
        algorithm=old.algorithm,
        public_key=public_key,
        created_by=created_by,
        now=now,
    )


async def revoke_key(uow: UnitOfWork, *, partner_id: UUID, key_id: str, now: datetime) -> PartnerKey:
    """No request signed with the key is honoured any more, as soon as the gateway has looked again (30 s).

    :raises KeyUnknownError: the partner has no such key.
    """
    key = (await _locked(uow, partner_id=partner_id, key_id=key_id)).revoke(now)
    await partners.keep_key(uow, key)
    return key


async def _locked(uow: UnitOfWork, *, partner_id: UUID, key_id: str) -> PartnerKey:
    key = await partners.lock_key(uow, partner_id=partner_id, key_id=key_id)
    if key is None:
        raise KeyUnknownError(f"partner {partner_id} has no key {key_id}")
    return key
