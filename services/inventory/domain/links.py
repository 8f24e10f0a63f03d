"""One-tap links: an owner's page opens a code by an address that is good once, for minutes, in the same session.

The token is `KL1.` and, in base64url without padding, key id (16 bytes), link id (16), end in seconds since 1970 (8,
big-endian), and the Ed25519 signature (64) of `KL1.` and all bytes before it.
"""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREFIX = "KL1."

LINK_LIFETIME = timedelta(minutes=5)
"""From a message or a page to the tap."""

_BODY = struct.Struct(">16s16sQ")
_SIGNATURE_BYTES = 64


class LinkInvalidError(Exception):
    """The link is not ours, is over, was used, or belongs to another session; which, is not told."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Whose hands a link is good in: the caller, and the session or else the device that asked for it."""

    caller: str
    session: str


@dataclass(frozen=True, slots=True)
class Link:
    """What a token says."""

    key_id: UUID
    link_id: UUID
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link as it was read, before anybody looked at its signature."""

    link: Link
    signed: bytes
    signature: bytes


def sign_link(link: Link, key: Ed25519PrivateKey) -> str:
    """The token."""
    body = _BODY.pack(link.key_id.bytes, link.link_id.bytes, int(link.expires_at.timestamp()))
    signature = key.sign(PREFIX.encode() + body)
    return PREFIX + base64.urlsafe_b64encode(body + signature).rstrip(b"=").decode()


def read_link(token: str) -> SignedLink:
    """The link in a token, not verified yet.

    :raises LinkInvalidError: it has not the form of one.
    """
    encoded = token.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        key_id, link_id, expires_s = _BODY.unpack(body)
        link = Link(UUID(bytes=key_id), UUID(bytes=link_id), datetime.fromtimestamp(expires_s, UTC))
    except (ValueError, OverflowError, OSError, binascii.Error, struct.error):
        raise LinkInvalidError("this link is not good") from None
    return SignedLink(link, PREFIX.encode() + body, signature)


def verify_link(read: SignedLink, key: Ed25519PublicKey | None, *, now: datetime) -> Link:
    """The link, if we signed it and its time is not over.

    :raises LinkInvalidError: it is not so.
    """
    try:
        if key is None or read.link.expires_at <= now:
            raise LinkInvalidError("this link is not good")
        key.verify(read.signature, read.signed)
    except InvalidSignature:
        raise LinkInvalidError("this link is not good") from None
    return read.link
