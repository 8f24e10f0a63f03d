"""Access tokens: short-lived JWTs signed by Ed25519. The gateway verifies them by the public key alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.membership.domain.signin import Session
from shared.crypto import Secret

ISSUER: Final = "kaquan"
AUDIENCE: Final = "kaquan"


class AccessTokens:
    """Signs access tokens, good for `lifetime`. They are not kept: ending a session ends them when they expire."""

    def __init__(self, private_pem: bytes, *, lifetime: timedelta) -> None:
        key = load_pem_private_key(private_pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise TypeError("access tokens are signed by an Ed25519 key")
        self._key = key
        self.lifetime = lifetime

    def issue(self, session: Session, *, scopes: Iterable[str], now: datetime) -> Secret:
        """A token for whoever the session belongs to."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(session.subject_id),
            "role": session.kind.value,
            "scopes": sorted(scopes),
            "sid": str(session.session_id),
            "iat": int(now.timestamp()),
            "exp": int((now + self.lifetime).timestamp()),
        }
        return Secret(jwt.encode(claims, self._key, algorithm="EdDSA"))
