"""Vouchers: what a buyer's phone shows as a QR code instead of the code. Signed by us, bound to one brand, for a time.

The text is `KQ1.` and, in base64url without padding, 137 bytes: kind (1 byte: 1 online, 2 offline), key id, entitlement id, partner id and
nonce (16 each), the end of validity in seconds since 1970 (8, big-endian), and the Ed25519 signature (64) of `KQ1.` and
all bytes before it.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.redeeming import RedeemRefusedError

PREFIX = "KQ1."

_BODY = struct.Struct(">B16s16s16s16sQ")
_SIGNATURE_BYTES = 64


class VoucherKind(IntEnum):
    """How a voucher may be taken."""

    ONLINE = 1
    OFFLINE = 2


class NotRedeemableHereError(Exception):
    """No partner honours this through the platform, or it cannot be honoured as it stands."""


class VoucherInvalidError(RedeemRefusedError):
    """The QR code is not one that we signed."""


class VoucherExpiredError(RedeemRefusedError):
    """The QR code's time is over; the buyer's page has a new one."""


class VoucherUsedError(RedeemRefusedError):
    """This very QR code was honoured before."""


class VoucherOfOtherBrandError(RedeemRefusedError):
    """Another partner honours this."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """The claim on one entitlement at one brand. The nonce makes it count once."""

    kind: VoucherKind
    key_id: UUID
    entitlement_id: UUID
    partner_id: UUID
    nonce: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedVoucher:
    """A voucher as it was read, before anybody looked at its signature."""

    voucher: Voucher
    signed: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Benefit:
    """An entitlement as far as a voucher asks. `redeemable_here`: its code, or the QR code for one, counts with us alone."""

    entitlement_id: UUID
    order_id: UUID
    member_id: UUID | None
    state: EntitlementState
    expires_at: datetime | None
    has_card: bool
    redeemable_here: bool
    partner_id: UUID | None
    given: bool
    is_pending: bool


def check_voucher_allowed(benefit: Benefit, *, now: datetime) -> UUID:
    """The partner that will honour the benefit.

    Where codes are worth something elsewhere too there is no voucher: the code could be used a second time.

    :raises NotRedeemableHereError: there is none, or nothing is left to be honoured.
    """
    if benefit.partner_id is None or not benefit.redeemable_here:
        raise NotRedeemableHereError("no partner honours this by QR code")
    if benefit.state is not EntitlementState.ACTIVE:
        raise NotRedeemableHereError("this was redeemed or taken back")
    if benefit.is_pending:
        raise NotRedeemableHereError("this is being given away")
    if benefit.expires_at is not None and benefit.expires_at <= now:
        raise NotRedeemableHereError("this has expired")
    return benefit.partner_id


def sign_voucher(voucher: Voucher, key: Ed25519PrivateKey) -> str:
    """The text of the QR code."""
    body = _BODY.pack(
        voucher.kind,
        voucher.key_id.bytes,
        voucher.entitlement_id.bytes,
        voucher.partner_id.bytes,
        voucher.nonce.bytes,
        int(voucher.expires_at.timestamp()),
    )
    signature = key.sign(PREFIX.encode() + body)
    return PREFIX + base64.urlsafe_b64encode(body + signature).rstrip(b"=").decode()


def read_voucher(text: str) -> SignedVoucher:
    """The voucher in a QR code's text, not verified yet.

    :raises VoucherInvalidError: it has not the form of one.
    """
    encoded = text.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        kind, key_id, entitlement_id, partner_id, nonce, expires_s = _BODY.unpack(body)
        voucher = Voucher(
            kind=VoucherKind(kind),
            key_id=UUID(bytes=key_id),
            entitlement_id=UUID(bytes=entitlement_id),
            partner_id=UUID(bytes=partner_id),
            nonce=UUID(bytes=nonce),
            expires_at=datetime.fromtimestamp(expires_s, UTC),
        )
    except (ValueError, OverflowError, OSError, binascii.Error, struct.error):
        raise VoucherInvalidError("this is not a QR code of ours") from None
    return SignedVoucher(voucher, PREFIX.encode() + body, signature)


def verify_voucher(read: SignedVoucher, key: Ed25519PublicKey | None, *, partner_id: UUID, at: datetime) -> Voucher:
    """The voucher, if we signed it for this partner and its time was not over when it was shown.

    :raises VoucherInvalidError: the signature or the key is not ours.
    :raises VoucherOfOtherBrandError: another partner is to honour it.
    :raises VoucherExpiredError: its time was over.
    """
    try:
        if key is None:
            raise VoucherInvalidError("this is not a QR code of ours")
        key.verify(read.signature, read.signed)
    except InvalidSignature:
        raise VoucherInvalidError("this is not a QR code of ours") from None
    if read.voucher.partner_id != partner_id:
        raise VoucherOfOtherBrandError("another partner honours this")
    if read.voucher.expires_at <= at:
        raise VoucherExpiredError("this QR code is over; the buyer's page shows a new one")
    return read.voucher
