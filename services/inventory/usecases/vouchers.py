"""Vouchers are made for owners and opened for partners. A voucher key is an Ed25519 seed, kept wrapped like a data key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.inventory.domain.entitlements import EntitlementUnknownError
from services.inventory.domain.owners import Owner
from services.inventory.domain.redeeming import RedeemRefusedError
from services.inventory.domain.vouchers import (
    Benefit,
    SignedVoucher,
    Voucher,
    VoucherKind,
    check_voucher_allowed,
    read_voucher,
    sign_voucher,
    verify_voucher,
)
from services.inventory.repository import keys, vouchers
from services.inventory.repository.keys import DataKey, KeyPurpose
from services.inventory.repository.vouchers import VoucherKey
from shared.clock import new_id
from shared.crypto import Keyring, Secret, new_dek
from shared.database import UnitOfWork

QR_LIFETIME = timedelta(seconds=60)
"""Long enough to be scanned, too short to be passed on. The buyer's page asks for a new one before."""

KEY_LIFETIME = timedelta(days=90)
"""After this a new key is made; vouchers of the old one stay good as long as they were meant to."""

KEYS_PUBLISHED = 5
"""The newest keys: the one that signs, its predecessor whose vouchers may be out, its successor; two more are spare."""

KEY_PUBLISHED_BEFORE = timedelta(days=1)
"""How long terminals can fetch a key before it signs."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What a terminal verifies vouchers by: 32 bytes, Ed25519."""

    key_id: UUID
    public_bytes: bytes
    made_at: datetime


@dataclass(frozen=True, slots=True)
class MadeVoucher:
    """What the buyer's phone shows as a QR code."""

    text: Secret
    voucher: Voucher


@dataclass(frozen=True, slots=True)
class Shown:
    """The text of a QR code, and when it was shown at a till."""

    text: Secret
    at: datetime


async def make_qr(
    uow: UnitOfWork, entitlement_id: UUID, *, owner: Owner, keyring: Keyring, now: datetime
) -> MadeVoucher:
    """A voucher for the next minute. It takes nothing away: whoever is first, with this or with the code, is honoured.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises NotRedeemableHereError: no partner honours it by QR code, or not any more.
    """
    partner_id, _ = await own_benefit(uow, entitlement_id, owner=owner, now=now)
    key = await find_signing_key(uow, keyring=keyring, now=now)
    voucher = Voucher(VoucherKind.ONLINE, key.key_id, entitlement_id, partner_id, new_id(), now + QR_LIFETIME)
    return MadeVoucher(await sign(uow, voucher, keyring=keyring), voucher)


async def own_benefit(uow: UnitOfWork, entitlement_id: UUID, *, owner: Owner, now: datetime) -> tuple[UUID, Benefit]:
    """What the caller owns and may have a voucher for, with the partner that honours it.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises NotRedeemableHereError: no partner honours it by QR code, or not any more.
    """
    benefit = await vouchers.find_benefit(uow, entitlement_id)
    if benefit is None or not owner.owns(member_id=benefit.member_id, order_id=benefit.order_id, given=benefit.given):
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    return check_voucher_allowed(benefit, now=now), benefit


async def find_signing_key(uow: UnitOfWork, *, keyring: Keyring, now: datetime) -> DataKey:
    """The key that signs now. Its successor is made when it is old, and signs only after terminals could fetch it."""
    made = await vouchers.find_recent_keys(uow, limit=KEYS_PUBLISHED)
    if not made or made[0].made_at <= now - KEY_LIFETIME:
        key = DataKey(new_id(), keyring.wrap(new_dek()))
        await keys.add_key(uow, key, purpose=KeyPurpose.VOUCHER, now=now)
        made = [VoucherKey(key, now), *made]
    published = (entry for entry in made if entry.made_at <= now - KEY_PUBLISHED_BEFORE)
    return next(published, made[-1]).key


async def sign(uow: UnitOfWork, voucher: Voucher, *, keyring: Keyring) -> Secret:
    """The text of the voucher. Signing is deterministic: the same voucher has the same text."""
    (key,) = await vouchers.find_voucher_keys(uow, [voucher.key_id])
    return Secret(sign_voucher(voucher, _private_key(key, keyring)))


async def list_public_keys(uow: UnitOfWork, *, keyring: Keyring, now: datetime) -> list[PublicKey]:
    """The keys by which a terminal verifies vouchers, the newest first: all whose vouchers may still be good."""
    await find_signing_key(uow, keyring=keyring, now=now)
    recent = await vouchers.find_recent_keys(uow, limit=KEYS_PUBLISHED)
    return [
        PublicKey(entry.key.key_id, _private_key(entry.key, keyring).public_key().public_bytes_raw(), entry.made_at)
        for entry in recent
    ]


async def open_vouchers(
    uow: UnitOfWork, shown: Sequence[Shown], *, keyring: Keyring, partner_id: UUID
) -> list[Voucher | RedeemRefusedError]:
    """What each QR code says, or why it did not count at this partner when it was shown."""
    read = [_read(entry.text) for entry in shown]
    key_ids = {entry.voucher.key_id for entry in read if isinstance(entry, SignedVoucher)}
    found = await vouchers.find_voucher_keys(uow, list(key_ids)) if key_ids else []
    public_keys = {key.key_id: _private_key(key, keyring).public_key() for key in found}
    return [
        _verify(signed, public_keys, partner_id=partner_id, at=entry.at)
        for signed, entry in zip(read, shown, strict=True)
    ]


def _read(text: Secret) -> SignedVoucher | RedeemRefusedError:
    try:
        return read_voucher(text.reveal().strip())
    except RedeemRefusedError as refusal:
        return refusal


def _verify(
    entry: SignedVoucher | RedeemRefusedError,
    public_keys: Mapping[UUID, Ed25519PublicKey],
    *,
    partner_id: UUID,
    at: datetime,
) -> Voucher | RedeemRefusedError:
    if isinstance(entry, RedeemRefusedError):
        return entry
    try:
        return verify_voucher(entry, public_keys.get(entry.voucher.key_id), partner_id=partner_id, at=at)
    except RedeemRefusedError as refusal:
        return refusal


def _private_key(key: DataKey, keyring: Keyring) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keyring.unwrap(key.wrapped))
