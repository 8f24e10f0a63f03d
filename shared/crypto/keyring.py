"""Key-encryption keys with versions: wrap by the latest, unwrap by any that is still kept, re-wrap without plaintext."""

import base64
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from shared.crypto.envelope import DEK_BYTES, SealBrokenError, open_sealed, seal

CACHED_KEYS = 512
"""Unwrapped data keys held at once. One serves a whole import batch, so a few hundred cover what is being sold."""

CACHED_FOR_S = 300.0
"""How long an unwrapped data key may stay in memory."""


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as it is stored, with the version of the key that wrapped it."""

    kek_version: int
    wrapped: bytes


class UnknownKeyVersionError(Exception):
    """The key-encryption key of that version is not, or no longer, in the keyring."""


class Keyring:
    """The key-encryption keys by version. Holds a bounded number of unwrapped data keys for a bounded time."""

    def __init__(self, *, latest: int, keys: Mapping[int, bytes], cached_keys: int = CACHED_KEYS) -> None:
        if latest not in keys:
            raise ValueError(f"the keyring has no key of its latest version {latest}")
        if any(len(key) != DEK_BYTES for key in keys.values()):
            raise ValueError(f"key-encryption keys have {DEK_BYTES} bytes")
        self.latest = latest
        self._keys = dict(keys)
        self._cached_keys = cached_keys
        self._cache: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read `{"latest": 2, "keys": {"1": base64, "2": base64}}`.

        :raises ValueError: the file is not a keyring. Its content is never shown.
        """
        try:
            document = json.loads(path.read_text(encoding="ascii"))
            keys = {int(version): base64.b64decode(key, validate=True) for version, key in document["keys"].items()}
            latest = int(document["latest"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"{path.name} is not a keyring") from None
        return cls(latest=latest, keys=keys)

    def __repr__(self) -> str:
        return f"Keyring(latest={self.latest}, versions={sorted(self._keys)})"

    def wrap(self, dek: bytes) -> WrappedKey:
        """Wrap a data key by the latest key-encryption key."""
        return WrappedKey(self.latest, seal(self._keys[self.latest], dek, aad=_aad(self.latest)))

    def unwrap(self, key: WrappedKey) -> bytes:
        """The data key itself, from the cache where it was unwrapped lately.

        :raises UnknownKeyVersionError: its key-encryption key is not in the ring.
        :raises SealBrokenError: it was not wrapped by that key.
        """
        fingerprint = hashlib.sha256(b"%d|" % key.kek_version + key.wrapped).digest()
        now = time.monotonic()
        held = self._cache.get(fingerprint)
        if held is not None and held[1] > now:
            self._cache.move_to_end(fingerprint)
            return held[0]
        dek = self._unwrap(key)
        self._cache[fingerprint] = (dek, now + CACHED_FOR_S)
        self._cache.move_to_end(fingerprint)
        while len(self._cache) > self._cached_keys:
            self._cache.popitem(last=False)
        return dek

    def rewrap(self, key: WrappedKey) -> WrappedKey:
        """The same data key under the latest key-encryption key; the records it seals stay as they are.

        All keys that an older one wrapped are moved before that one may be dropped.

        :raises UnknownKeyVersionError: its key-encryption key is not in the ring.
        :raises SealBrokenError: it was not wrapped by that key.
        """
        return self.wrap(self._unwrap(key))

    def _unwrap(self, key: WrappedKey) -> bytes:
        kek = self._keys.get(key.kek_version)
        if kek is None:
            raise UnknownKeyVersionError(f"no key-encryption key of version {key.kek_version}")
        dek = open_sealed(kek, key.wrapped, aad=_aad(key.kek_version))
        if len(dek) != DEK_BYTES:
            raise SealBrokenError("not a data key")
        return dek


def _aad(kek_version: int) -> bytes:
    return b"kaquan|dek|%d" % kek_version
