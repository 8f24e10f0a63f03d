"""Statements: their figures out of the ledger, their lines page by page, and the statements themselves."""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from asyncpg import Record
from sqlalchemy import RowMapping

from services.settlement.domain.accounts import AccountKind
from services.settlement.domain.journals import JournalKind
from services.settlement.domain.periods import Period, period_named
from services.settlement.domain.statement_files import FileFormat
from services.settlement.domain.statements import (
    MOVEMENT_OF,
    Anchor,
    Balance,
    FileFacts,
    Movement,
    MovementKind,
    Statement,
    StatementLine,
    movement_of,
)
from shared.database import Database, UnitOfWork

LINES_PER_PAGE = 2_000
"""About a megabyte of rows at a time, whatever the length of the statement."""

_PARTNER = "SELECT name FROM partners WHERE partner_id = $1"

_CURRENCIES = """
SELECT DISTINCT currency FROM accounts WHERE owner = $1::uuid::text AND kind IN ('payable', 'deferred') ORDER BY currency
"""

# What the sealed days say, and what has been posted since: together all the partner's movements up to a journal.
_MOVED_BEFORE = """
WITH mine AS (
  SELECT account_id, kind FROM accounts
  WHERE owner = $1::uuid::text AND kind IN ('payable', 'deferred') AND currency = $2
), days AS (
  SELECT kind, day, credit_minor - debit_minor AS minor, last_no FROM account_days JOIN mine USING (account_id)
  WHERE day < $4
  UNION ALL
  SELECT m.kind, p.posted_on, CASE WHEN m.account_id = p.credit_account THEN p.amount_minor ELSE -p.amount_minor END,
         p.journal_no
  FROM postings p JOIN mine m ON m.account_id IN (p.debit_account, p.credit_account)
  WHERE p.journal_no > $6 AND p.journal_no <= $5 AND p.partner_id = $1 AND p.posted_on < $4
)
SELECT coalesce(sum(minor) FILTER (WHERE day < $3 AND kind = 'payable'), 0)::bigint AS amount_minor,
       coalesce(sum(minor) FILTER (WHERE day < $3 AND kind = 'deferred'), 0)::bigint AS deferred_minor,
       coalesce(max(last_no), 0) AS through_no
FROM days
"""

_LINES = """
FROM postings p
JOIN journals j USING (journal_no)
JOIN accounts d ON d.account_id = p.debit_account
JOIN accounts c ON c.account_id = p.credit_account
"""

_COVERED = "p.partner_id = $1 AND j.currency = $2 AND p.posted_on >= $3 AND p.posted_on < $4 AND p.journal_no <= $5"

_MOVEMENTS = f"""
SELECT j.kind, count(*) AS lines,
       sum(p.amount_minor * ((c.kind = 'payable')::int - (d.kind = 'payable')::int))::bigint AS amount_minor,
       sum(p.amount_minor * ((c.kind = 'deferred')::int - (d.kind = 'deferred')::int))::bigint AS deferred_minor
{_LINES} WHERE {_COVERED} GROUP BY j.kind
"""  # composed of the texts above

_PAGE = f"""
SELECT p.journal_no, p.line, p.posted_on, j.posted_at, j.kind, p.party, j.order_id, j.component_id, s.sku_id,
       CASE WHEN j.kind IN ('redemption', 'redemption.undone') THEN coalesce(r.entitlement_id, j.subject_id) END AS entitlement_id,
       d.kind AS debit, c.kind AS credit, p.amount_minor
{_LINES} LEFT JOIN components s ON s.component_id = j.component_id
LEFT JOIN redemptions r ON r.redemption_id = j.subject_id
WHERE {_COVERED} AND (p.posted_on, p.journal_no, p.line) > ($6, $7, $8)
ORDER BY p.posted_on, p.journal_no, p.line LIMIT $9
"""  # composed of the texts above

_ANCHOR = "SELECT block_no, hash FROM blocks WHERE to_no >= $1 ORDER BY to_no LIMIT 1"

_UNSEALED_BEFORE = """
SELECT EXISTS (
  SELECT FROM postings WHERE journal_no > $3 AND journal_no <= $1 AND partner_id IS NOT NULL AND posted_on < $2)
"""

_ADD = """
INSERT INTO statements
  (statement_id, partner_id, partner_name, currency, period, from_day, to_day, revision, through_no, block_no, block_hash,
   opening_payable_minor, moved_payable_minor, closing_payable_minor,
   opening_deferred_minor, moved_deferred_minor, closing_deferred_minor, movements, files, drawn_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
ON CONFLICT DO NOTHING
RETURNING statement_id
"""

_FIND = "SELECT * FROM statements WHERE statement_id = $1 AND partner_id = $2"

_LATEST = """
SELECT * FROM statements WHERE partner_id = $1 AND period = $2 AND currency = $3
ORDER BY revision DESC, through_no DESC LIMIT 1
"""


class Figures(NamedTuple):
    """What the ledger says of a partner's period."""

    opening: Balance
    movements: tuple[Movement, ...]
    through_no: int


class StoredStatement(NamedTuple):
    """A statement that was drawn, with what its files are known by."""

    statement: Statement
    files: Mapping[FileFormat, FileFacts]
    drawn_at: datetime


async def partner_name(uow: UnitOfWork, partner_id: UUID) -> str | None:
    """The partner's name; None if there is no such partner."""
    name: str | None = await uow.raw.fetchval(_PARTNER, partner_id)
    return name


async def currencies(uow: UnitOfWork, partner_id: UUID) -> list[str]:
    """The currencies in which the partner has accounts."""
    return [row["currency"] for row in await uow.raw.fetch(_CURRENCIES, partner_id)]


async def figures(
    uow: UnitOfWork, *, partner_id: UUID, currency: str, period: Period, sealed_no: int, last_no: int
) -> Figures:
    """Opening balance, movements and the last journal of a period, of all that is posted up to a final number.

    `sealed_no` is the last journal that the daily totals cover, in the same snapshot.
    """
    before = await uow.raw.fetchrow(
        _MOVED_BEFORE, partner_id, currency, period.from_day, period.to_day, last_no, sealed_no
    )
    assert before is not None  # noqa: S101  # an aggregate has a row
    opening = Balance(before["amount_minor"], before["deferred_minor"])
    through_no = before["through_no"]
    rows = await uow.raw.fetch(_MOVEMENTS, partner_id, currency, period.from_day, period.to_day, through_no)
    by_kind = {MOVEMENT_OF[JournalKind(row["kind"])]: row for row in rows}
    movements = tuple(
        Movement(kind, by_kind[kind]["lines"], by_kind[kind]["amount_minor"], by_kind[kind]["deferred_minor"])
        for kind in MovementKind
        if kind in by_kind
    )
    return Figures(opening, movements, through_no)


async def unsealed_before(uow: UnitOfWork, *, sealed_no: int, last_no: int, day: date) -> bool:
    """Whether anything of partners was posted before the day that no block seals yet."""
    found: bool = await uow.raw.fetchval(_UNSEALED_BEFORE, last_no, day, sealed_no)
    return found


async def anchor(uow: UnitOfWork, through_no: int) -> Anchor | None:
    """The block that seals a journal; None while none does."""
    row = await uow.raw.fetchrow(_ANCHOR, through_no) if through_no else None
    return Anchor(*row) if row else None


async def lines(database: Database, statement: Statement) -> AsyncIterator[list[StatementLine]]:
    """The statement's lines, in the order of posting, a page at a time; no transaction stays open in between."""
    after = (date.min, 0, 0)
    while True:
        async with database.read() as uow:
            rows = await uow.raw.fetch(
                _PAGE,
                statement.partner_id,
                statement.currency,
                statement.period.from_day,
                statement.period.to_day,
                statement.through_no,
                *after,
                LINES_PER_PAGE,
            )
        if rows:
            yield [_line(row) for row in rows]
            last = rows[-1]
            after = (last["posted_on"], last["journal_no"], last["line"])
        if len(rows) < LINES_PER_PAGE:
            return


async def add(uow: UnitOfWork, statement: Statement, files: Mapping[FileFormat, FileFacts], *, now: datetime) -> bool:
    """Keep a statement. False if it is there already, or another one of the same revision."""
    opening, closing = statement.opening, statement.closing
    added = await uow.raw.fetchval(
        _ADD,
        statement.statement_id,
        statement.partner_id,
        statement.partner_name,
        statement.currency,
        statement.period.name,
        statement.period.from_day,
        statement.period.to_day,
        statement.revision,
        statement.through_no,
        statement.anchor.block_no if statement.anchor else None,
        statement.anchor.block_hash if statement.anchor else None,
        opening.amount_minor,
        closing.amount_minor - opening.amount_minor,
        closing.amount_minor,
        opening.deferred_minor,
        closing.deferred_minor - opening.deferred_minor,
        closing.deferred_minor,
        [list(movement) for movement in statement.movements],
        {file_format.value: list(facts) for file_format, facts in files.items()},
        now,
    )
    return added is not None


async def find(uow: UnitOfWork, *, partner_id: UUID, statement_id: UUID) -> StoredStatement | None:
    """The partner's statement of that id."""
    row = await uow.raw.fetchrow(_FIND, statement_id, partner_id)
    return stored(row) if row else None


async def latest(uow: UnitOfWork, *, partner_id: UUID, currency: str, period: Period) -> StoredStatement | None:
    """The newest statement of the period: its last revision, else the last provisional one."""
    row = await uow.raw.fetchrow(_LATEST, partner_id, period.name, currency)
    return stored(row) if row else None


def stored(row: Record | RowMapping) -> StoredStatement:
    """A row of `statements`."""
    statement = Statement(
        partner_id=row["partner_id"],
        partner_name=row["partner_name"],
        currency=row["currency"],
        period=period_named(row["period"]),
        revision=row["revision"],
        through_no=row["through_no"],
        anchor=Anchor(row["block_no"], row["block_hash"]) if row["block_no"] else None,
        opening=Balance(row["opening_payable_minor"], row["opening_deferred_minor"]),
        movements=tuple(Movement(MovementKind(kind), *rest) for kind, *rest in row["movements"]),
    )
    files = {FileFormat(name): FileFacts(*facts) for name, facts in row["files"].items()}
    return StoredStatement(statement, files, row["drawn_at"])


def _line(row: Record) -> StatementLine:
    moved = movement_of(
        debit=AccountKind(row["debit"]), credit=AccountKind(row["credit"]), amount_minor=row["amount_minor"]
    )
    return StatementLine(
        journal_no=row["journal_no"],
        line_no=row["line"],
        posted_at=row["posted_at"],
        kind=MOVEMENT_OF[JournalKind(row["kind"])],
        party=row["party"],
        order_id=row["order_id"],
        component_id=row["component_id"],
        sku_id=row["sku_id"],
        entitlement_id=row["entitlement_id"],
        amount_minor=moved.amount_minor,
        deferred_minor=moved.deferred_minor,
    )
