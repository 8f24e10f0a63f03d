"""Envelope encryption, the blind index, and the type of what must never be shown. Mechanism only: no key lives here."""

from shared.crypto.blind import BlindIndex, blind_index, normalise_code
from shared.crypto.envelope import SealBrokenError, Sealer, new_dek, open_sealed, seal
from shared.crypto.keyring import Keyring, UnknownKeyVersionError, WrappedKey
from shared.crypto.secret import MASK, Secret

__all__ = [
    "MASK",
    "BlindIndex",
    "Keyring",
    "SealBrokenError",
    "Sealer",
    "Secret",
    "UnknownKeyVersionError",
    "WrappedKey",
    "blind_index",
    "new_dek",
    "normalise_code",
    "open_sealed",
    "seal",
]
