"""Deny, review and allow lists with expiry, indexed for a look-up in about a microsecond."""

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.risk.domain.decisions import Address, Hit, Outcome, Question

VALUE_MAX = 200
_PHONE_HASH = re.compile(r"^[0-9a-f]{64}$")


class ListKind(StrEnum):
    """What the entry's value is."""

    MEMBER = "member"
    DEVICE = "device"
    IP = "ip"
    CIDR = "cidr"
    PHONE_HASH = "phone_hash"


class InvalidEntryError(Exception):
    """The value is not of its kind, or the outcome is not one of a list."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One listed thing. After `expires_at` it is as if it were not there; None: until somebody removes it."""

    entry_id: UUID
    kind: ListKind
    value: str
    outcome: Outcome
    expires_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at

    def hit(self) -> Hit:
        return Hit(code=f"list.{self.kind}", outcome=self.outcome, source_id=str(self.entry_id))


@dataclass(frozen=True, slots=True)
class Listing:
    """An entry with its story. A removed one is kept, for the trail; `revision` grows with every change of any."""

    entry: ListEntry
    reason: str
    created_at: datetime
    created_by: str
    removed_at: datetime | None = None
    revision: int = 0


def canonical_value(kind: ListKind, value: str) -> str:
    """The one way of writing it, so that the same thing is not listed twice and is found.

    :raises InvalidEntryError: the value is not of its kind.
    """
    text = value.strip()
    if not text or len(text) > VALUE_MAX:
        raise InvalidEntryError(f"a value has 1 to {VALUE_MAX} characters")
    try:
        return _canonical(kind, text)
    except ValueError:
        raise InvalidEntryError(f"{text!r} is not a {kind}") from None


def _canonical(kind: ListKind, text: str) -> str:
    if kind is ListKind.MEMBER:
        return str(UUID(text))
    if kind is ListKind.IP:
        return str(ipaddress.ip_address(text))
    if kind is ListKind.CIDR:
        return str(ipaddress.ip_network(text, strict=False))
    if kind is ListKind.PHONE_HASH and not _PHONE_HASH.fullmatch(text.lower()):
        raise InvalidEntryError("a phone hash is 64 hexadecimal digits")
    return text.lower() if kind is ListKind.PHONE_HASH else text


class Lists:
    """All entries in force, by what they are looked up with. Networks are grouped by length: one look-up per length."""

    def __init__(self) -> None:
        self._entries: dict[UUID, ListEntry] = {}
        self._by_value: dict[tuple[ListKind, str], dict[UUID, ListEntry]] = defaultdict(dict)
        self._networks: dict[tuple[int, int], dict[int, dict[UUID, ListEntry]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, entry: ListEntry) -> None:
        """Take an entry up, or replace it."""
        self.remove(entry.entry_id)
        self._entries[entry.entry_id] = entry
        self._home(entry)[entry.entry_id] = entry

    def remove(self, entry_id: UUID) -> None:
        """Forget an entry; one that is not there is already forgotten."""
        entry = self._entries.pop(entry_id, None)
        if entry is None:
            return
        home = self._home(entry)
        home.pop(entry_id, None)
        if not home:
            self._tidy(entry)

    def drop_expired(self, now: datetime) -> None:
        """Free what has expired; it has stopped counting at its very moment anyway."""
        for entry in [entry for entry in self._entries.values() if not entry.in_force(now)]:
            self.remove(entry.entry_id)

    def hits(self, question: Question, address: Address, now: datetime) -> list[Hit]:
        """Every entry in force that names something of this attempt."""
        if not self._entries:
            return []
        return [entry.hit() for entry in self._naming(question, address) if entry.in_force(now)]

    def _naming(self, question: Question, address: Address) -> Iterator[ListEntry]:
        if question.member_id is not None:
            yield from self._valued(ListKind.MEMBER, str(question.member_id))
        if question.device is not None:
            yield from self._valued(ListKind.DEVICE, question.device)
        if question.phone_hash is not None:
            yield from self._valued(ListKind.PHONE_HASH, question.phone_hash)
        bits = 32 if address.version == 4 else 128  # noqa: PLR2004  # the two versions there are
        for (version, length), networks in self._networks.items():
            if version == address.version:
                found = networks.get(address.number >> (bits - length))
                if found is not None:
                    yield from found.values()

    def _valued(self, kind: ListKind, value: str) -> Iterable[ListEntry]:
        found = self._by_value.get((kind, value))
        return () if found is None else found.values()

    def _home(self, entry: ListEntry) -> dict[UUID, ListEntry]:
        place = _network_of(entry)
        if place is None:
            return self._by_value[(entry.kind, entry.value)]
        version, length, prefix = place
        return self._networks.setdefault((version, length), {}).setdefault(prefix, {})

    def _tidy(self, entry: ListEntry) -> None:
        place = _network_of(entry)
        if place is None:
            self._by_value.pop((entry.kind, entry.value), None)
            return
        version, length, prefix = place
        networks = self._networks[version, length]
        networks.pop(prefix, None)
        if not networks:
            del self._networks[version, length]


def _network_of(entry: ListEntry) -> tuple[int, int, int] | None:
    """Version, prefix length and the prefix itself; a single address is a network of full length."""
    if entry.kind not in (ListKind.IP, ListKind.CIDR):
        return None
    network = ipaddress.ip_network(entry.value)
    shift = network.max_prefixlen - network.prefixlen
    return network.version, network.prefixlen, int(network.network_address) >> shift
