"""One-time codes of an authenticator app (RFC 6238)."""

from datetime import datetime
from hmac import compare_digest
from typing import Final

import pyotp

from shared.crypto import Secret

STEPS_OFF: Final = (0, -1, 1)
"""A clock may be off by half a minute, and a code may be typed as it changes."""


def matching_step(secret: Secret, code: str, *, now: datetime) -> int | None:
    """The 30 s step whose code this is; None when it is none of those that may be used now."""
    totp = pyotp.TOTP(secret.reveal())
    current = int(now.timestamp()) // totp.interval
    for off in STEPS_OFF:
        if compare_digest(totp.generate_otp(current + off).encode(), code.encode()):
            return current + off
    return None
