r"""The hash chain over the ledger: what is hashed, byte for byte, so that anybody can check it without our code.

A journal's leaf is SHA-256 of its canonical text in UTF-8: one header line, then one line per posting, joined by `\n`,
fields joined by `|`, absent values empty, times as microseconds since 1970, ids in lower case:

    kaquan.journal/1|number|kind|subject|order|component|currency|lines|posted at
    line|debit account's code|credit account's code|amount|posted on (YYYY-MM-DD)|partner|party

A block's hash is SHA-256 of `kaquan.block/1|number|from|to|journals|sealed at|previous hash in hex|` followed by its
leaves, 32 bytes each, in order of journal number. The first block's previous hash is 32 zero bytes.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

LEAF_BYTES = 32
GENESIS = bytes(LEAF_BYTES)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SealedLine(NamedTuple):
    """A posting as it is sealed."""

    line_no: int
    debit: str
    credit: str
    amount_minor: int
    posted_on: date
    partner_id: UUID | None
    party: str | None


class SealedJournal(NamedTuple):
    """A journal as it is sealed; `line_count` is the number of postings it says it has."""

    journal_no: int
    kind: str
    subject_id: UUID
    order_id: UUID | None
    component_id: UUID | None
    currency: str
    line_count: int
    posted_at: datetime
    lines: Sequence[SealedLine]


@dataclass(frozen=True, slots=True)
class Block:
    """Seals the journals numbered in `(from_no, to_no]`. `leaves` are their hashes, one after the other."""

    block_no: int
    from_no: int
    to_no: int
    journals: int
    leaves: bytes
    previous_hash: bytes
    sealed_at: datetime

    def hash(self) -> bytes:
        """The block's own hash, which the next block carries."""
        header = _joined(
            "kaquan.block/1",
            self.block_no,
            self.from_no,
            self.to_no,
            self.journals,
            _microseconds(self.sealed_at),
            self.previous_hash.hex(),
            "",
        )
        return hashlib.sha256(header.encode() + self.leaves).digest()

    def leaf(self, position: int) -> bytes:
        """The hash of the journal at this position, from 0."""
        return self.leaves[position * LEAF_BYTES : (position + 1) * LEAF_BYTES]


def leaf_of(journal: SealedJournal) -> bytes:
    """The hash of one journal with its postings."""
    header = _joined("kaquan.journal/1", *journal[:7], _microseconds(journal.posted_at))
    return hashlib.sha256("\n".join((header, *_lines(journal.lines))).encode()).digest()


def _lines(lines: Iterable[SealedLine]) -> Iterable[str]:
    return (_joined(*line) for line in lines)


def _joined(*fields: object) -> str:
    return "|".join("" if field is None else str(field) for field in fields)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND
