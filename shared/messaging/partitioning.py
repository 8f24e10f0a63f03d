"""Kafka's default partitioning by key, so that every client, of any make, finds a key in the same partition."""

import struct
from functools import lru_cache

_MASK = 0xFFFFFFFF
_M = 0x5BD1E995
_SEED = 0x9747B28C
_CACHED_KEYS = 16_384
"""One purchase sends some ten records with one key within seconds."""


@lru_cache(_CACHED_KEYS)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key that is kept as text, among `partitions`."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of Kafka's Java client."""
    length = len(data)
    words = length // 4
    h = _SEED ^ length
    for word in struct.unpack_from(f"<{words}I", data):
        k = word * _M & _MASK
        h = h * _M & _MASK ^ ((k ^ k >> 24) * _M & _MASK)
    tail = data[words * 4 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15
