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
from shared.clock import new_id
from shared.crypto import Keyring, Secret, new_dek
from shared.database import UnitOfWork

QR_LIFETIME = timedelta(seconds=60)
"""Long enough to be scanned, too short to be passed on. The buyer's page asks for a new one before."""

KEY_LIFETIME = timedelta(days=90)
"""After this a new key signs; vouchers of the old one stay good as long as they were meant to."""


@dataclass(frozen=True, slots=True)
class MadeVoucher:
    """What the buyer's phone shows as a QR code."""

    text: Secret
    voucher: Voucher


async def make_qr(
    uow: UnitOfWork, entitlement_id: UUID, *, owner: Owner, keyring: Keyring, now: datetime
) -> MadeVoucher:
    """A voucher for the next minute. It takes nothing away: whoever is first, with this or with the code, is honoured.

    :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
    :raises NotRedeemableHereError: no partner honours it by QR code, or not any more.
    """
    benefit = await vouchers.find_benefit(uow, entitlement_id)
    if benefit is None or not owner.owns(member_id=benefit.member_id, order_id=benefit.order_id):
        raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
    partner_id = check_voucher_allowed(benefit, now=now)
    key = await _signing_key(uow, keyring=keyring, now=now)
    voucher = Voucher(VoucherKind.ONLINE, key.key_id, entitlement_id, partner_id, new_id(), now + QR_LIFETIME)
    return MadeVoucher(Secret(sign_voucher(voucher, _private_key(key, keyring))), voucher)


async def open_vouchers(
    uow: UnitOfWork, texts: Sequence[Secret], *, keyring: Keyring, partner_id: UUID, now: datetime
) -> list[Voucher | RedeemRefusedError]:
    """What each QR code says, or why it does not count at this partner."""
    read = [_read(text) for text in texts]
    key_ids = {entry.voucher.key_id for entry in read if isinstance(entry, SignedVoucher)}
    found = await vouchers.find_voucher_keys(uow, list(key_ids)) if key_ids else []
    public_keys = {key.key_id: _private_key(key, keyring).public_key() for key in found}
    return [_verify(entry, public_keys, partner_id=partner_id, now=now) for entry in read]


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
    now: datetime,
) -> Voucher | RedeemRefusedError:
    if isinstance(entry, RedeemRefusedError):
        return entry
    try:
        return verify_voucher(entry, public_keys.get(entry.voucher.key_id), partner_id=partner_id, now=now)
    except RedeemRefusedError as refusal:
        return refusal


async def _signing_key(uow: UnitOfWork, *, keyring: Keyring, now: datetime) -> DataKey:
    key = await keys.find_latest_key(uow, purpose=KeyPurpose.VOUCHER, made_after=now - KEY_LIFETIME)
    if key is None:
        key = DataKey(new_id(), keyring.wrap(new_dek()))
        await keys.add_key(uow, key, purpose=KeyPurpose.VOUCHER, now=now)
    return key


def _private_key(key: DataKey, keyring: Keyring) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(keyring.unwrap(key.wrapped))
