"""Links that open a guest's order from a message: signed, good for days, and never seen by a server on the way.

The token stands behind the `#` of the shop's address, which no browser sends and no proxy logs; the page posts it and
gets an access token for that order. It is `KO1.` and, in base64url without padding, the order id (16 bytes), the end in
seconds since 1970 (5, big-endian), and the first 16 bytes of the HMAC-SHA256 of `KO1.` and all bytes before.
"""

import base64
import binascii
import hmac
from datetime import UTC, datetime
from uuid import UUID

PREFIX = "KO1."
_END_BYTES = 5
_MAC_BYTES = 16
_ID_BYTES = 16


class OrderLinkError(Exception):
    """The link is not ours, or its time is over; which, is not told."""


def sign_order_link(key: bytes, *, order_id: UUID, expires_at: datetime) -> str:
    """The token that opens one order."""
    body = order_id.bytes + int(expires_at.timestamp()).to_bytes(_END_BYTES, "big")
    return PREFIX + base64.urlsafe_b64encode(body + _mac(key, body)).rstrip(b"=").decode()


def read_order_link(key: bytes, token: str, *, now: datetime) -> UUID:
    """The order that the token opens.

    :raises OrderLinkError: it does not, or not any more.
    """
    encoded = token.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise OrderLinkError("this link is not good") from None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if (
        not token.startswith(PREFIX)
        or len(body) != _ID_BYTES + _END_BYTES
        or not hmac.compare_digest(_mac(key, body), mac)
    ):
        raise OrderLinkError("this link is not good")
    if datetime.fromtimestamp(int.from_bytes(body[_ID_BYTES:], "big"), UTC) <= now:
        raise OrderLinkError("this link is not good")
    return UUID(bytes=body[:_ID_BYTES])


def _mac(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, PREFIX.encode() + body, "sha256")[:_MAC_BYTES]
