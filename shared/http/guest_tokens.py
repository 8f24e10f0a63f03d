"""What a guest holds instead of an account: a token for one order, made at checkout and checked at the gateway.

`g1.<payload>.<mac>`: the payload is base64url JSON `{"o": order id, "exp": seconds}`, the mac HMAC-SHA256 over all before it.
"""

import base64
import binascii
import hmac
from datetime import datetime
from uuid import UUID

import orjson

PREFIX = "g1."


class GuestTokenError(Exception):
    """Not a token that this installation made."""


def sign_guest_token(key: bytes, *, order_id: UUID, expires_at: datetime) -> str:
    """The token for one order. It authorises status, reveal and refund of that order alone."""
    payload = orjson.dumps({"o": order_id, "exp": int(expires_at.timestamp())})
    signed = PREFIX.encode() + base64.urlsafe_b64encode(payload).rstrip(b"=")
    return f"{signed.decode()}.{_mac(key, signed).decode()}"


def read_guest_token(key: bytes, token: str) -> tuple[UUID, float]:
    """The order's id, and until when (seconds since 1970) the token is good: the caller looks at the clock.

    :raises GuestTokenError: it was not made with this key.
    """
    signed, _, mac = token.rpartition(".")
    ours = token.isascii() and token.startswith(PREFIX)
    if not ours or not hmac.compare_digest(_mac(key, signed.encode()), mac.encode()):
        raise GuestTokenError("not a guest's token")
    payload = signed.removeprefix(PREFIX)
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return UUID(claims["o"]), float(claims["exp"])
    except (ValueError, TypeError, KeyError, binascii.Error):
        raise GuestTokenError("not a guest's token") from None


def _mac(key: bytes, signed: bytes) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(key, signed, "sha256")).rstrip(b"=")
