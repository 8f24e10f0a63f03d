"""AES-256-GCM: every record under a data key, every data key wrapped by a versioned key-encryption key."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DEK_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBrokenError(Exception):
    """The ciphertext, its key or its associated data is not what was sealed. Nothing more is told, on purpose."""


def new_dek() -> bytes:
    """A fresh data key. Take one per batch and keep it wrapped only.

    With random 96-bit nonces one key may seal 2³² times (SP 800-38D, 8.3): a batch stays far below.
    """
    return os.urandom(DEK_BYTES)


class Sealer:
    """Seals many records under one data key, which is set up once."""

    def __init__(self, dek: bytes) -> None:
        self._cipher = AESGCM(dek)

    def seal(self, plaintext: bytes, *, aad: bytes) -> bytes:
        """Encrypt and authenticate: nonce, ciphertext and tag, in that order.

        `aad` says which record this is (`v1|sku|batch|card`), so that a ciphertext moved to another row does not open.

        :raises ValueError: there is no associated data.
        """
        _require_aad(aad)
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, aad)


def seal(dek: bytes, plaintext: bytes, *, aad: bytes) -> bytes:
    """Seal one record: what `Sealer` does for many.

    :raises ValueError: there is no associated data.
    """
    return Sealer(dek).seal(plaintext, aad=aad)


def open_sealed(dek: bytes, sealed: bytes, *, aad: bytes) -> bytes:
    """The plaintext of what `seal` made, under the same associated data.

    :raises SealBrokenError: the ciphertext, the key or the associated data is another.
    :raises ValueError: there is no associated data.
    """
    _require_aad(aad)
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise SealBrokenError("too short to be sealed")
    try:
        return AESGCM(dek).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
    except InvalidTag:
        raise SealBrokenError("does not open") from None


def _require_aad(aad: bytes) -> None:
    if not aad:
        raise ValueError("associated data is mandatory: it binds the ciphertext to its row")
