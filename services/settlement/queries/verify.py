"""Reading the whole ledger again: is every journal what was sealed, does the chain hold, do the daily totals agree?

The sealer hashes in SQL; here it is done in Python from the rows, by the canonical form of `domain/chain.py` alone, so
that neither vouches for itself. Memory is bounded by one block, and by one total per account and day.
"""

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import NamedTuple, TypeVar
from uuid import UUID

from asyncpg import Record

from services.settlement.domain.chain import GENESIS, Block, SealedJournal, SealedLine, leaf_of
from services.settlement.domain.journals import JournalKind, journal_id
from services.settlement.repository.snapshots import fix_snapshot
from services.settlement.schemas.ledger import FirstWrong, LedgerVerification, Wrong
from shared.database import Database

_NEXT_BLOCK = "SELECT * FROM blocks WHERE block_no > $1 AND block_no <= $2 ORDER BY block_no LIMIT 1"

_JOURNALS = """
SELECT j.journal_no, j.kind, j.subject_id, j.order_id, j.component_id, j.currency, j.lines, j.posted_at,
       p.line, d.code AS debit, c.code AS credit, p.amount_minor, p.posted_on, p.partner_id, p.party
FROM journals j
LEFT JOIN LATERAL (SELECT * FROM postings WHERE journal_no = j.journal_no OFFSET 0) p ON true
LEFT JOIN accounts d ON d.account_id = p.debit_account
LEFT JOIN accounts c ON c.account_id = p.credit_account
WHERE j.journal_no > $1 AND j.journal_no <= $2 ORDER BY j.journal_no, p.line
"""

_ORPHAN = """
SELECT p.journal_no
FROM postings p LEFT JOIN journals j ON j.journal_no = p.journal_no AND j.journal_no > $1 AND j.journal_no <= $2
WHERE p.journal_no > $1 AND p.journal_no <= $2 AND j.journal_no IS NULL ORDER BY p.journal_no LIMIT 1
"""

_LAST_BLOCK = "SELECT coalesce(max(block_no), 0) FROM blocks"

_UNSEALED = "SELECT count(*) FROM journals WHERE journal_no > $1"

_TOTALS = "SELECT code, debit_minor, credit_minor FROM account_totals JOIN accounts USING (account_id)"

_DAYS = "SELECT code, day, debit_minor, credit_minor FROM account_days JOIN accounts USING (account_id)"

Day = tuple[str, date]
"""An account's code and a day."""

Place = TypeVar("Place", str, Day)


class _Kept(NamedTuple):
    """Debit and credit totals as they are kept, covering the journals up to a block."""

    last_block_no: int
    by_day: Mapping[Day, list[int]]
    by_account: Mapping[str, list[int]]


@dataclass
class _Tally:
    """What was read so far."""

    blocks: int = 0
    journals: int = 0
    postings: int = 0
    head: Block | None = None
    first_wrong: FirstWrong | None = None
    moved: dict[Day, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def difference_minor(self) -> dict[str, int]:
        """Debits minus credits of everything, by currency."""
        found: dict[str, int] = defaultdict(int)
        for (code, _), (debit_minor, credit_minor) in self.moved.items():
            found[code.rpartition(":")[2]] += debit_minor - credit_minor
        return dict(found)


async def verify_ledger(database: Database) -> LedgerVerification:
    """Check everything that is sealed, and stop at the first thing that is wrong."""
    started = time.perf_counter()
    tally = _Tally()
    kept = await _kept_totals(database)
    async for block, sealed_hash in _blocks(database, last_no=kept.last_block_no):
        tally.first_wrong = _check_link(tally.head, block, sealed_hash) or await _check_block(database, block, tally)
        if tally.first_wrong is not None:
            break
        tally.blocks += 1
        tally.head = block
    if tally.first_wrong is None:
        tally.first_wrong = _check_totals(kept, tally.moved)
    head = tally.head
    async with database.read() as uow:
        unsealed = await uow.raw.fetchval(_UNSEALED, head.to_no if head else 0)
    return LedgerVerification(
        ok=tally.first_wrong is None,
        blocks=tally.blocks,
        journals=tally.journals,
        postings=tally.postings,
        unsealed_journals=unsealed,
        head_block_no=head.block_no if head else 0,
        head_hash=(head.hash() if head else GENESIS).hex(),
        difference_minor=tally.difference_minor(),
        first_wrong=tally.first_wrong,
        took_ms=round((time.perf_counter() - started) * 1000),
    )


async def _kept_totals(database: Database) -> _Kept:
    """The totals and the last block they cover, as of one moment: sealing goes on meanwhile."""
    async with database.begin() as uow:
        await fix_snapshot(uow)
        last_block_no = await uow.raw.fetchval(_LAST_BLOCK)
        days = await uow.raw.fetch(_DAYS)
        totals = await uow.raw.fetch(_TOTALS)
    return _Kept(
        last_block_no,
        {(row["code"], row["day"]): [row["debit_minor"], row["credit_minor"]] for row in days},
        {row["code"]: [row["debit_minor"], row["credit_minor"]] for row in totals},
    )


async def _blocks(database: Database, *, last_no: int) -> AsyncIterator[tuple[Block, bytes]]:
    """All blocks in order, each with the hash that is stored of it."""
    block_no = -(2**63)
    while True:
        async with database.read() as uow:
            row = await uow.raw.fetchrow(_NEXT_BLOCK, block_no, last_no)
        if row is None:
            return
        block_no = row["block_no"]
        fields = {name: value for name, value in row.items() if name != "hash"}
        yield Block(**fields), row["hash"]


def _check_link(before: Block | None, block: Block, sealed_hash: bytes) -> FirstWrong | None:
    expected = (before.block_no + 1, before.to_no, before.hash()) if before else (1, 0, GENESIS)
    if (block.block_no, block.from_no, block.previous_hash) != expected:
        detail = f"block {block.block_no} does not follow block {expected[0] - 1}"
        return FirstWrong(what=Wrong.CHAIN_BROKEN, block_no=block.block_no, detail=detail)
    if block.hash() != sealed_hash:
        detail = f"block {block.block_no} is not what its hash was taken of"
        return FirstWrong(what=Wrong.BLOCK_CHANGED, block_no=block.block_no, detail=detail)
    return None


async def _check_block(database: Database, block: Block, tally: _Tally) -> FirstWrong | None:
    async with database.read() as uow:
        rows = await uow.raw.fetch(_JOURNALS, block.from_no, block.to_no)
        orphan = await uow.raw.fetchval(_ORPHAN, block.from_no, block.to_no)
    journals = [_journal(list(group)) for _, group in groupby(rows, key=lambda row: row["journal_no"])]
    wrong = _compare(block, journals)
    if wrong is not None:
        return wrong
    if orphan is not None:
        detail = f"there are postings of journal {orphan}, which is not there"
        return FirstWrong(what=Wrong.POSTING_ORPHANED, block_no=block.block_no, journal_no=orphan, detail=detail)
    tally.journals += len(journals)
    for journal in journals:
        tally.postings += len(journal.lines)
        _add_up(journal.lines, tally.moved)
    return None


def _compare(block: Block, journals: Sequence[SealedJournal]) -> FirstWrong | None:
    """Name the first journal that is not the one that was sealed at its place."""
    leaves = [leaf_of(journal) for journal in journals]
    for position, (journal, leaf) in enumerate(zip(journals, leaves, strict=True)):
        if position >= block.journals or leaf != block.leaf(position):
            return _name(block, journals, leaves, position, journal)
    if len(journals) < block.journals:
        detail = f"block {block.block_no} sealed {block.journals} journals; the last of them are missing"
        return FirstWrong(what=Wrong.JOURNAL_MISSING, block_no=block.block_no, journal_no=block.to_no, detail=detail)
    return None


def _name(
    block: Block, journals: Sequence[SealedJournal], leaves: Sequence[bytes], position: int, journal: SealedJournal
) -> FirstWrong:
    """A journal may be another than was sealed, or stand where one is missing, or be one too many."""
    what, text = Wrong.JOURNAL_CHANGED, "is not what was sealed"
    if len(journals) < block.journals and leaves[position] == block.leaf(position + 1):
        what, text = Wrong.JOURNAL_MISSING, "stands where another one before it was sealed"
    elif len(journals) > block.journals and leaves[position + 1 : position + 2] == [block.leaf(position)]:
        what, text = Wrong.JOURNAL_ADDED, "was never sealed"
    return FirstWrong(
        what=what,
        block_no=block.block_no,
        journal_no=journal.journal_no,
        journal_id=_id_of(journal),
        detail=f"journal {journal.journal_no} in block {block.block_no} {text}",
    )


def _check_totals(kept: _Kept, moved: Mapping[Day, list[int]]) -> FirstWrong | None:
    """The totals, from which balances and statements are read, against the postings."""
    for place, total, posted in (
        *_differences(kept.by_day, moved),
        *_differences(kept.by_account, _by_account(moved)),
    ):
        detail = f"{place}: debit and credit totals {total}, postings {posted}"
        return FirstWrong(what=Wrong.TOTAL_DRIFTED, detail=detail)
    return None


def _differences(
    kept: Mapping[Place, list[int]], moved: Mapping[Place, list[int]]
) -> list[tuple[Place, list[int] | None, list[int] | None]]:
    return [
        (place, kept.get(place), moved.get(place))
        for place in sorted(kept.keys() | moved.keys())
        if kept.get(place) != moved.get(place)
    ]


def _by_account(moved: Mapping[Day, list[int]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (code, _), (debit_minor, credit_minor) in moved.items():
        found[code][0] += debit_minor
        found[code][1] += credit_minor
    return found


def _add_up(lines: Iterable[SealedLine], moved: dict[Day, list[int]]) -> None:
    for line in lines:
        moved[line.debit, line.posted_on][0] += line.amount_minor
        moved[line.credit, line.posted_on][1] += line.amount_minor


def _journal(rows: Sequence[Record]) -> SealedJournal:
    first = rows[0]
    return SealedJournal(
        journal_no=first["journal_no"],
        kind=first["kind"],
        subject_id=first["subject_id"],
        order_id=first["order_id"],
        component_id=first["component_id"],
        currency=first["currency"],
        line_count=first["lines"],
        posted_at=first["posted_at"],
        lines=[SealedLine(*tuple(row)[8:]) for row in rows if row["line"] is not None],
    )


def _id_of(journal: SealedJournal) -> UUID | None:
    """Its id, unless its kind is one that does not exist."""
    try:
        return journal_id(JournalKind(journal.kind), journal.subject_id)
    except ValueError:
        return None
