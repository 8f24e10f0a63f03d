"""Partners sign every request (RFC 9421), so that neither a stolen line nor a replayed one can act for them.

A signature covers `@method`, `@path`, `@query`, and `content-digest` where there is a body; its parameters are `created`,
`nonce` and `keyid`. It is accepted within five minutes of its making, once.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import http_sf
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

from gateway.auth.credentials import AuthError, Credential
from gateway.auth.nonces import NonceStore, NonceStoreFullError
from shared.http.identity import TTL_S, Identity, Role
from shared.observability import get_logger

log = get_logger(__name__)

WINDOW_S = 300
"""How far a signature's time may lie from ours, either way."""

MAX_NONCE_CHARS = 128
MIN_NONCE_CHARS = 8

_KEY_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_COVERED = ("@method", "@path", "@query")
_ALGORITHMS = {"hmac-sha256": algorithms.HMAC_SHA256, "ed25519": algorithms.ED25519}


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """A partner's key as settlement keeps it. `material` is the shared secret, or the 32 bytes of the public key.

    `role` is `CHANNEL` for a partner who buys.
    """

    partner_id: UUID
    algorithm: str
    material: bytes
    role: Role = Role.PARTNER

    def __repr__(self) -> str:
        return f"PartnerKey(partner_id={self.partner_id}, algorithm={self.algorithm!r})"


FindKey = Callable[[str], Awaitable[PartnerKey | None]]
"""The active key of that id, or `None`."""


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A request as the verifier wants to see it."""

    method: str
    url: str
    headers: dict[str, str]


class PartnerVerifier:
    """Recognises partners by their signatures."""

    def __init__(self, find_key: FindKey, *, now: Callable[[], float] = time.time) -> None:
        self._find_key = find_key
        self._now = now
        self._nonces = NonceStore(window_s=2 * WINDOW_S)

    async def verify(self, message: SignedMessage, body: bytes) -> Credential:
        """Whose signature this is.

        :raises AuthError: `auth.missing`, `auth.invalid`, or `auth.replayed`; the detail helps the partner's engineer.
        """
        key_id = _key_id(message)
        key = await self._find_key(key_id)
        if key is None or key.algorithm not in _ALGORITHMS:
            raise AuthError("auth.invalid", "the key is not known or not active")
        nonce = _check(message, body, key)
        try:
            fresh = self._nonces.first_use(key_id, nonce, now=self._now())
        except NonceStoreFullError:
            log.error("gateway.nonces_full")  # noqa: TRY400  # where it happened says nothing, that it did says all
            raise AuthError("auth.busy", "too many signed requests at once", status=503) from None
        if not fresh:
            raise AuthError("auth.replayed", "the nonce was used before")
        identity = Identity(key.role, str(key.partner_id))
        return Credential(identity, expires_at=self._now() + TTL_S)


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: PartnerKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> bytes | Ed25519PublicKey:
        del key_id  # the key was found by it
        if self._key.algorithm == "ed25519":
            return Ed25519PublicKey.from_public_bytes(self._key.material)
        return self._key.material


class _Verifier(HTTPMessageVerifier):
    max_clock_skew = timedelta(seconds=WINDOW_S)


def _key_id(message: SignedMessage) -> str:
    """The key's id, read before anything is verified: it only says which key to try."""
    if "signature" not in message.headers or "signature-input" not in message.headers:
        raise AuthError("auth.missing", "the request is not signed: Signature and Signature-Input are needed")
    try:
        signatures: Any = http_sf.parse(message.headers["signature-input"].encode("ascii"), tltype="dictionary")
        ((_, parameters),) = signatures.values()
        key_id = parameters["keyid"]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise AuthError("auth.invalid", "Signature-Input must name exactly one signature with a keyid") from None
    if not isinstance(key_id, str) or _KEY_ID.fullmatch(key_id) is None:
        raise AuthError("auth.invalid", "the keyid has not the form of one")
    return key_id


def _check(message: SignedMessage, body: bytes, key: PartnerKey) -> str:
    """Verify coverage, time, signature and digest; give back the nonce."""
    verifier = _Verifier(signature_algorithm=_ALGORITHMS[key.algorithm], key_resolver=_OneKey(key))
    required = (*_COVERED, "content-digest") if body else _COVERED
    try:
        (result,) = verifier.verify(message, max_age=timedelta(0), require_components=required, body=body)
    except (HTTPMessageSignaturesException, ValueError) as error:
        log.info("gateway.signature_refused", partner_id=key.partner_id, reason=type(error).__name__)
        raise AuthError("auth.invalid", _reason(error)) from None
    nonce = result.nonce
    if not isinstance(nonce, str) or not MIN_NONCE_CHARS <= len(nonce) <= MAX_NONCE_CHARS:
        raise AuthError("auth.invalid", f"the nonce must have {MIN_NONCE_CHARS} to {MAX_NONCE_CHARS} characters")
    return nonce


def _reason(error: Exception) -> str:
    text = str(error)
    return text if text and len(text) < 200 else "the signature does not verify"  # noqa: PLR2004  # one line
