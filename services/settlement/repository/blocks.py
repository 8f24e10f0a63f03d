"""Sealing: blocks of committed journals, chained by hash, and what they moved by account and day.

Which journals are final? Numbers come from a sequence, transactions commit in any order, and an aborted one leaves a
gap. So: read the last number handed out, then take a transaction id. Whoever holds one of those numbers had a
transaction id before that (a trigger sees to it) and so a smaller one; once no smaller one is running, every journal up to
that number is committed or will never be. Nobody waits for the sealer, and the sealer holds nobody up.
"""

from datetime import datetime
from typing import NamedTuple

from services.settlement.domain.chain import GENESIS, Block
from shared.database import UnitOfWork

_LAST_NUMBER = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM journal_numbers"
_TRANSACTION_ID = "SELECT pg_current_xact_id()::text"
_FINISHED = "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8"

_HEAD = "SELECT block_no, to_no, hash FROM blocks ORDER BY block_no DESC LIMIT 1"

# The canonical text of domain/chain.py, hashed where the rows are. The verifier hashes in Python, by code of its own.
# LATERAL with OFFSET 0 has postings looked up by index: a planner that misjudges the range would read them all.
_LEAVES = r"""
WITH taken AS MATERIALIZED (
  SELECT * FROM journals WHERE journal_no > $1 AND journal_no <= $2 ORDER BY journal_no LIMIT $3
), said AS (
  SELECT p.journal_no, string_agg(
    E'\n' || p.line || '|' || d.code || '|' || c.code || '|' || p.amount_minor || '|' || p.posted_on
      || '|' || coalesce(p.partner_id::text, '') || '|' || coalesce(p.party, ''), '' ORDER BY p.line) AS lines
  FROM taken t CROSS JOIN LATERAL (SELECT * FROM postings WHERE journal_no = t.journal_no OFFSET 0) p
  JOIN accounts d ON d.account_id = p.debit_account
  JOIN accounts c ON c.account_id = p.credit_account
  GROUP BY p.journal_no
), leaves AS (
  SELECT j.journal_no, sha256(convert_to(
    'kaquan.journal/1|' || j.journal_no || '|' || j.kind || '|' || j.subject_id
      || '|' || coalesce(j.order_id::text, '') || '|' || coalesce(j.component_id::text, '')
      || '|' || j.currency || '|' || j.lines || '|' || (extract(epoch FROM j.posted_at) * 1000000)::bigint || coalesce(s.lines, ''), 'UTF8')) AS leaf
  FROM taken j LEFT JOIN said s USING (journal_no)
)
SELECT count(*) AS journals, max(journal_no) AS to_no, string_agg(leaf, ''::bytea ORDER BY journal_no) AS leaves
FROM leaves
"""

_ADD = """
INSERT INTO blocks (block_no, from_no, to_no, journals, leaves, previous_hash, hash, sealed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_ADD_MOVEMENTS = """
WITH moved AS (
  SELECT debit_account AS account_id, posted_on, amount_minor AS debit_minor, 0 AS credit_minor, journal_no
  FROM postings WHERE journal_no > $1 AND journal_no <= $2
  UNION ALL
  SELECT credit_account, posted_on, 0, amount_minor, journal_no
  FROM postings WHERE journal_no > $1 AND journal_no <= $2
), totals AS (
  INSERT INTO account_totals AS a (account_id, debit_minor, credit_minor)
  SELECT account_id, sum(debit_minor), sum(credit_minor) FROM moved GROUP BY account_id
  ON CONFLICT (account_id) DO UPDATE
  SET debit_minor = a.debit_minor + EXCLUDED.debit_minor, credit_minor = a.credit_minor + EXCLUDED.credit_minor
)
INSERT INTO account_days AS a (account_id, day, debit_minor, credit_minor, last_no)
SELECT account_id, posted_on, sum(debit_minor), sum(credit_minor), max(journal_no)
FROM moved GROUP BY account_id, posted_on
ON CONFLICT (account_id, day) DO UPDATE
SET debit_minor = a.debit_minor + EXCLUDED.debit_minor, credit_minor = a.credit_minor + EXCLUDED.credit_minor,
    last_no = EXCLUDED.last_no
"""


class Horizon(NamedTuple):
    """Journals up to `last_no` are final once no transaction older than `before` is running."""

    last_no: int
    before: str


class Head(NamedTuple):
    """The last block: everything up to `to_no` is sealed."""

    block_no: int
    to_no: int
    hash: bytes


async def horizon(uow: UnitOfWork, *, beyond_no: int) -> Horizon | None:
    """Where the ledger ends now; None if that is not beyond this number. Outside a transaction, which has its own id."""
    last_no = await uow.raw.fetchval(_LAST_NUMBER)
    if last_no <= beyond_no:
        return None
    return Horizon(last_no, await uow.raw.fetchval(_TRANSACTION_ID))


async def is_final(uow: UnitOfWork, reached: Horizon) -> bool:
    """Whether every journal up to the horizon is committed or will never be."""
    final: bool = await uow.raw.fetchval(_FINISHED, reached.before)
    return final


async def head(uow: UnitOfWork) -> Head:
    """The end of the chain."""
    row = await uow.raw.fetchrow(_HEAD)
    return Head(*row) if row else Head(0, 0, GENESIS)


async def seal(uow: UnitOfWork, last: Head, *, through_no: int, at_most: int, now: datetime) -> Block | None:
    """Seal the next journals up to a final number into one block. None if there are none."""
    row = await uow.raw.fetchrow(_LEAVES, last.to_no, through_no, at_most)
    if row is None or row["journals"] == 0:
        return None
    block = Block(
        block_no=last.block_no + 1,
        from_no=last.to_no,
        to_no=row["to_no"],
        journals=row["journals"],
        leaves=row["leaves"],
        previous_hash=last.hash,
        sealed_at=now,
    )
    await uow.raw.execute(
        _ADD,
        block.block_no,
        block.from_no,
        block.to_no,
        block.journals,
        block.leaves,
        block.previous_hash,
        block.hash(),
        now,
    )
    await uow.raw.execute(_ADD_MOVEMENTS, block.from_no, block.to_no)
    return block
