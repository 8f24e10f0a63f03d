"""Journals into the ledger, hundreds in one statement, and what was posted out of it again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.settlement.domain.contracts import PartyKind
from services.settlement.domain.journals import Journal, JournalKind, PostedShare, Posting
from services.settlement.repository.accounts import AccountNumbers
from shared.clock import business_day
from shared.database import UnitOfWork

# One statement writes journals and postings: a journal that is already there gets no postings either.
_POST = """
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text::smallint[])
    WITH ORDINALITY AS g (kind, subject_id, order_id, component_id, currency, lines, position)
), added AS (
  INSERT INTO journals (kind, subject_id, order_id, component_id, currency, lines, posted_at)
  SELECT kind, subject_id, order_id, component_id, currency, lines, $7 FROM given ORDER BY position
  ON CONFLICT (subject_id, kind) DO NOTHING
  RETURNING journal_no, subject_id, kind
), numbered AS (
  SELECT journal_no, position FROM added JOIN given USING (subject_id, kind)
), moved AS (
  INSERT INTO postings
    (journal_no, line, debit_account, credit_account, amount_minor, posted_on, partner_id, party)
  SELECT journal_no, line, debit_account, credit_account, amount_minor, $15, partner_id, party
  FROM unnest($8::text::bigint[], $9::text::smallint[], $10::text::integer[], $11::text::integer[],
              $12::text::bigint[], $13::uuid[], $14::text[])
    AS p (position, line, debit_account, credit_account, amount_minor, partner_id, party)
  JOIN numbered USING (position)
)
SELECT count(*) FROM added
"""

# LATERAL with OFFSET 0: looked up row by row through the indexes, however long the tables have grown since the planning.
_POSTED = """
SELECT j.kind, j.subject_id, j.component_id, p.amount_minor, p.partner_id, p.party, d.code AS debit, c.code AS credit
FROM unnest($1::text[], $2::uuid[]) AS k (kind, subject_id)
CROSS JOIN LATERAL (SELECT * FROM journals WHERE subject_id = k.subject_id AND kind = k.kind OFFSET 0) j
CROSS JOIN LATERAL (SELECT * FROM postings WHERE journal_no = j.journal_no OFFSET 0) p
JOIN accounts d ON d.account_id = p.debit_account
JOIN accounts c ON c.account_id = p.credit_account
ORDER BY p.journal_no, p.line
"""

# An old redemption's journal stands under its entitlement's id.
_SHARES = """
SELECT 'split' AS kind, component_id AS subject_id FROM unnest($1::uuid[]) AS w (component_id)
UNION
SELECT kind, subject_id FROM redemptions, LATERAL (VALUES
    ('redemption', redemption_id), ('redemption', entitlement_id), ('redemption.undone', redemption_id)
) AS posted (kind, subject_id) WHERE component_id = ANY($1::uuid[])
"""


class JournalConflictError(Exception):
    """A journal with the same business key but other postings is already in the ledger."""


async def post(uow: UnitOfWork, numbers: AccountNumbers, journals: Sequence[Journal], *, now: datetime) -> None:
    """Write the journals that are new; the same journal again is no second one.

    :raises JournalConflictError: a journal is there already, with other postings. Nothing may be kept then.
    """
    journals = _each_once(journals)
    if not journals:
        return
    accounts = await numbers.of(uow, {code for journal in journals for p in journal.postings for code in (p[0], p[1])})
    lines = [
        (position, line, accounts[p.debit], accounts[p.credit], p.amount_minor, p.partner_id, p.party)
        for position, journal in enumerate(journals, start=1)
        for line, p in enumerate(journal.postings, start=1)
    ]
    positions, line_numbers, debited, credited, amounts, partners, parties = _columns(lines, 7)
    added = await uow.raw.fetchval(
        _POST,
        *_columns([journal[:5] for journal in journals], 5),
        _numbers(len(journal.postings) for journal in journals),
        now,
        _numbers(positions),
        _numbers(line_numbers),
        _numbers(debited),
        _numbers(credited),
        _numbers(amounts),
        partners,
        parties,
        business_day(now),
    )
    if added < len(journals):
        await _same_as_posted(uow, journals)


async def posted_splits(uow: UnitOfWork, component_ids: Sequence[UUID]) -> dict[UUID, list[PostedShare]]:
    """The postings that shared each component's price."""
    return await _posted_by_component(uow, [(JournalKind.SPLIT, component_id) for component_id in component_ids])


async def posted_shares(uow: UnitOfWork, component_ids: Sequence[UUID]) -> dict[UUID, list[PostedShare]]:
    """The postings that shared each component's price, and those that its redemptions, and their undoing, made since."""
    keys = [(row["kind"], row["subject_id"]) for row in await uow.raw.fetch(_SHARES, component_ids)]
    return await _posted_by_component(uow, keys)


async def _posted_by_component(uow: UnitOfWork, keys: Sequence[tuple[str, UUID]]) -> dict[UUID, list[PostedShare]]:
    found: dict[UUID, list[PostedShare]] = defaultdict(list)
    for row in await uow.raw.fetch(_POSTED, *_columns(keys, 2)):
        party = PartyKind(row["party"])
        posting = Posting(row["debit"], row["credit"], row["amount_minor"], row["partner_id"], party)
        found[row["component_id"]].append(PostedShare(JournalKind(row["kind"]), posting))
    return found


async def _same_as_posted(uow: UnitOfWork, journals: Sequence[Journal]) -> None:
    keys = [(journal.kind, journal.subject_id) for journal in journals]
    there: dict[tuple[str, UUID], list[tuple[str, str, int]]] = defaultdict(list)
    for row in await uow.raw.fetch(_POSTED, *_columns(keys, 2)):
        there[row["kind"], row["subject_id"]].append((row["debit"], row["credit"], row["amount_minor"]))
    for journal in journals:
        wanted = [posting[:3] for posting in journal.postings]
        if there[journal.kind, journal.subject_id] != wanted:
            raise JournalConflictError(f"{journal.kind} of {journal.subject_id} was posted before with other amounts")


def _each_once(journals: Sequence[Journal]) -> Sequence[Journal]:
    found: dict[tuple[JournalKind, UUID], Journal] = {}
    for journal in journals:
        if found.setdefault((journal.kind, journal.subject_id), journal).postings != journal.postings:
            raise JournalConflictError(f"{journal.kind} of {journal.subject_id} comes twice with other amounts")
    return list(found.values())


def _numbers(column: Iterable[object]) -> str:
    """An array of integers as PostgreSQL writes it: asyncpg would look into every element, which costs more."""
    return "{" + ",".join(map(str, column)) + "}"


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[Sequence[object]]:
    """Rows turned into the arrays that `unnest` takes."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
