"""A question to risk and the answer to it."""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

ADDRESSES_REMEMBERED = 65_536
"""Parsed addresses kept: reading one costs more than all counting, and buyers come back from the same ones."""

HOST_BITS_V6 = 64
"""Whoever has one IPv6 address has the /64 around it, so that is what counts as one."""

NETWORK_PREFIX_V4 = 24
NETWORK_PREFIX_V6 = 48


class Kind(StrEnum):
    """At which door the question is asked."""

    CHECKOUT = "checkout"
    REVEAL = "reveal"


class Outcome(StrEnum):
    """What may happen now. `review`: go on, but a person looks before anything is issued."""

    ALLOW = "allow"
    REVIEW = "review"
    CHALLENGE = "challenge"
    DENY = "deny"

    @property
    def severity(self) -> int:
        """Of several findings the one with the highest severity decides."""
        return _SEVERITY[self]


_SEVERITY = {Outcome.ALLOW: 0, Outcome.REVIEW: 1, Outcome.CHALLENGE: 2, Outcome.DENY: 3}


@dataclass(frozen=True, slots=True)
class Address:
    """An IP address as risk looks at it: `host` and `network` are what counters are kept for, `number` what lists ask."""

    version: int
    number: int
    host: str
    network: str


class InvalidAddressError(ValueError):
    """The text is neither an IPv4 nor an IPv6 address."""


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def read_address(text: str) -> Address:
    """Read an address; an IPv4 one written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 one.

    :raises InvalidAddressError: it is none.
    """
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        raise InvalidAddressError(f"{text[:64]!r} is not an IP address") from None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, ipaddress.IPv4Address):
        network = ipaddress.ip_network((parsed, NETWORK_PREFIX_V4), strict=False)
        return Address(4, int(parsed), str(parsed), str(network))
    host = ipaddress.ip_network((parsed, HOST_BITS_V6), strict=False)
    network_v6 = ipaddress.ip_network((parsed, NETWORK_PREFIX_V6), strict=False)
    return Address(6, int(parsed), str(host), str(network_v6))


@dataclass(frozen=True, slots=True)
class Question:
    """All that is known about an attempt. `device` and `phone_hash` are opaque; amounts are in the minor unit."""

    kind: Kind
    ip: str
    member_id: UUID | None = None
    device: str | None = None
    phone_hash: str | None = None
    order_id: UUID | None = None
    entitlement_id: UUID | None = None
    amount_minor: int = 0
    quantity: int = 0
    sku_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """Why: one rule or list entry that spoke. `observed` and `limit` are in the rule's measure."""

    code: str
    outcome: Outcome
    source_id: str
    observed: int | None = None
    limit: int | None = None
    window_s: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a decision comes to, without what led to it."""

    decision_id: UUID
    outcome: Outcome
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, with everything that led to it: the same inputs, rules and counters give it again."""

    decision_id: UUID
    question: Question
    outcome: Outcome
    hits: tuple[Hit, ...]
    rules_version: int
    decided_at: datetime

    @property
    def reasons(self) -> tuple[str, ...]:
        """Stable codes, the decisive ones first, each once."""
        ordered = sorted(self.hits, key=lambda hit: -hit.outcome.severity)
        return tuple(dict.fromkeys(hit.code for hit in ordered))

    @property
    def answer(self) -> Answer:
        return Answer(self.decision_id, self.outcome, self.reasons)


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970: exact, and quicker to compare than moments."""
    return (moment - EPOCH) // MICROSECOND


def first_id(moment: datetime) -> UUID:
    """The lowest UUIDv7 of this moment: decision ids are in the order of time, so they serve as its index."""
    return UUID(int=(microseconds(moment) // 1000) << 80)
