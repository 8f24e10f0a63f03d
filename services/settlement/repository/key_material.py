"""What a partner's key is made of, as it is stored: public keys as they are, secrets sealed under a wrapped data key."""

import base64
import binascii
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from services.settlement.domain.partners import PublicKeyError
from shared.crypto import Keyring, Secret, WrappedKey, new_dek, open_sealed, seal

_NOT_A_KEY = "public_key is an Ed25519 public key: 32 bytes in base64, or PEM"


@dataclass(frozen=True, slots=True)
class KeyMaterial:
    """The public key of an ed25519 key, or the sealed secret of an hmac-sha256 one with its wrapped data key."""

    public_key: bytes | None = None
    sealed_secret: bytes | None = None
    wrapped_key: bytes | None = None
    kek_version: int | None = None


def seal_secret(keyring: Keyring, key_id: str, secret: Secret) -> KeyMaterial:
    """Encrypt a secret under a data key of its own, bound to the key it belongs to."""
    dek = new_dek()
    wrapped = keyring.wrap(dek)
    return KeyMaterial(
        sealed_secret=seal(dek, secret.reveal().encode(), aad=_aad(key_id)),
        wrapped_key=wrapped.wrapped,
        kek_version=wrapped.kek_version,
    )


def open_secret(keyring: Keyring, key_id: str, material: KeyMaterial) -> Secret | None:
    """The secret again; None for a key that has none.

    :raises SealBrokenError: the row is not what was stored.
    """
    if material.sealed_secret is None or material.wrapped_key is None or material.kek_version is None:
        return None
    dek = keyring.unwrap(WrappedKey(material.kek_version, material.wrapped_key))
    return Secret(open_sealed(dek, material.sealed_secret, aad=_aad(key_id)).decode())


def public_key_bytes(text: str | None) -> bytes:
    """The 32 bytes of an Ed25519 public key that was given as base64 or PEM.

    :raises PublicKeyError: it was not.
    """
    if text is None:
        raise PublicKeyError(_NOT_A_KEY)
    try:
        key = (
            load_pem_public_key(text.encode())
            if text.lstrip().startswith("-----BEGIN")
            else Ed25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
        )
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise PublicKeyError(_NOT_A_KEY) from None
    if not isinstance(key, Ed25519PublicKey):
        raise PublicKeyError(_NOT_A_KEY)
    return key.public_bytes_raw()


def _aad(key_id: str) -> bytes:
    return b"settlement.partner-key|" + key_id.encode()
