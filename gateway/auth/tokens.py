"""Bearer tokens: buyers' and operators' JSON Web Tokens (EdDSA, made by membership), guests' tokens (made by order)."""

import hashlib
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.auth.credentials import AuthError, Credential
from shared.http.bounded import BoundedMap
from shared.http.guest_tokens import PREFIX, GuestTokenError, read_guest_token
from shared.http.identity import SKEW_S, Identity, Role

ISSUER = "kaquan"
AUDIENCE = "kaquan"

CACHED_TOKENS = 20_000
"""Verified tokens kept, by hash: a signature costs 100 µs and more, a look 1."""

MAX_TOKEN_CHARS = 4_096

_SIGNED_IN = frozenset({Role.BUYER, Role.OPERATOR})
_REQUIRED = ["exp", "sub", "iss", "aud", "role"]
_GUEST = PREFIX.encode()


class TokenVerifier:
    """Recognises bearer tokens. `access_key` is the PEM of membership's public key, `guest_key` order's secret."""

    def __init__(self, *, access_key: bytes, guest_key: bytes) -> None:
        key = load_pem_public_key(access_key)
        if not isinstance(key, Ed25519PublicKey):
            raise TypeError("access tokens are signed by Ed25519")
        self._access_key = key
        self._guest_key = guest_key
        self._known: BoundedMap[bytes, Credential] = BoundedMap(CACHED_TOKENS)

    def known(self, token: bytes, *, now: float) -> Credential | None:
        """Whose token this is, if it was verified before.

        :raises AuthError: `auth.expired`, its time is over.
        """
        credential = self._known.get(hashlib.sha256(token).digest())
        if credential is not None and credential.expires_at <= now:
            raise AuthError("auth.expired", "the token has expired")
        return credential

    def verify(self, token: bytes, *, now: float) -> Credential:
        """Whose token this is, by its signature.

        :raises AuthError: `auth.expired`, or `auth.invalid` for anything that we did not sign.
        """
        if len(token) > MAX_TOKEN_CHARS:
            raise AuthError("auth.invalid", "not a token of ours")
        credential = self._guest(token) if token.startswith(_GUEST) else self._signed_in(token)
        self._known.put(hashlib.sha256(token).digest(), credential)  # an expired one too: it need not be checked twice
        if credential.expires_at <= now:
            raise AuthError("auth.expired", "the token has expired")
        return credential

    def _guest(self, token: bytes) -> Credential:
        try:
            order_id, expires_at = read_guest_token(self._guest_key, token.decode("latin-1"))
        except GuestTokenError:
            raise AuthError("auth.invalid", "not a token of ours") from None
        identity = Identity(Role.GUEST, str(order_id), order_id=order_id)
        return Credential(identity, expires_at=expires_at)

    def _signed_in(self, token: bytes) -> Credential:
        try:
            claims = jwt.decode(
                token,
                self._access_key,
                algorithms=["EdDSA"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=SKEW_S,
                options={"require": _REQUIRED, "verify_exp": False},  # expiry is told apart by `verify`
            )
            role = Role(claims["role"])
            identity = Identity(
                role,
                str(UUID(claims["sub"])),
                scopes=frozenset(str(scope) for scope in claims.get("scopes") or ()),
                session_id=str(claims["sid"]) if claims.get("sid") else None,
            )
            expires_at = float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise AuthError("auth.invalid", "not a token of ours") from None
        if role not in _SIGNED_IN:
            raise AuthError("auth.invalid", "not a token of ours")
        return Credential(identity, expires_at=expires_at)
