"""Accounts with their balances, and what one order did to the ledger."""

from typing import Literal
from uuid import UUID

from asyncpg import Record

from services.settlement.domain.accounts import DEBIT_NORMAL, AccountKind
from services.settlement.domain.journals import JournalKind, journal_id
from services.settlement.queries.paging import number_in
from services.settlement.repository import blocks
from services.settlement.repository.snapshots import fix_snapshot
from services.settlement.schemas.ledger import AccountOut, AccountPage, JournalOut, JournalsOut, PostingOut
from shared.database import UnitOfWork
from shared.http import encode_cursor

_ACCOUNTS = """
WITH page AS (
  SELECT * FROM accounts
  WHERE account_id > $1 AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR owner = $3)
  ORDER BY account_id LIMIT $4
), tail AS (
  SELECT * FROM postings WHERE journal_no > $5
), moved AS (
  SELECT account_id, debit_minor, credit_minor FROM account_totals WHERE account_id IN (SELECT account_id FROM page)
  UNION ALL SELECT debit_account, amount_minor, 0 FROM tail
  UNION ALL SELECT credit_account, 0, amount_minor FROM tail
)
SELECT page.account_id, code, kind, owner, currency,
       coalesce(sum(debit_minor), 0)::bigint AS debit_minor, coalesce(sum(credit_minor), 0)::bigint AS credit_minor
FROM page LEFT JOIN moved USING (account_id)
GROUP BY page.account_id, code, kind, owner, currency ORDER BY page.account_id
"""

_JOURNALS = """
WITH ours AS (
  SELECT journal_no FROM journals WHERE order_id = $1 AND component_id IS NULL
  UNION ALL
  SELECT j.journal_no FROM components c JOIN journals j ON j.subject_id = c.component_id WHERE c.order_id = $1
  UNION ALL
  SELECT j.journal_no FROM journals j WHERE j.subject_id IN (
    SELECT redeemed.id FROM components c JOIN redemptions r USING (component_id),
      LATERAL (VALUES (r.redemption_id), (r.entitlement_id)) AS redeemed (id)
    WHERE c.order_id = $1)
)
SELECT j.*, (SELECT block_no FROM blocks b WHERE b.to_no >= j.journal_no ORDER BY b.to_no LIMIT 1) AS block_no,
       p.line, d.code AS debit, c.code AS credit, p.amount_minor, p.partner_id, p.party
FROM ours JOIN journals j USING (journal_no)
LEFT JOIN postings p USING (journal_no)
LEFT JOIN accounts d ON d.account_id = p.debit_account
LEFT JOIN accounts c ON c.account_id = p.credit_account
ORDER BY j.journal_no, p.line
"""


async def accounts(
    uow: UnitOfWork, *, kind: AccountKind | None, owner: str | None, cursor: str | None, limit: int
) -> AccountPage:
    """Accounts in the order in which they were opened: the sealed totals and what has been posted since, of one moment.

    In a transaction of its own. :raises Problem: 422 `cursor.invalid`.
    """
    after = number_in(cursor) if cursor else 0
    await fix_snapshot(uow)
    sealed_no = (await blocks.head(uow)).to_no
    rows = await uow.raw.fetch(_ACCOUNTS, after, kind, owner, limit + 1, sealed_no)
    more = encode_cursor(rows[limit - 1]["account_id"]) if len(rows) > limit else None
    return AccountPage(items=[_account(row) for row in rows[:limit]], next_cursor=more)


async def journals_of_order(uow: UnitOfWork, order_id: UUID) -> JournalsOut:
    """Everything an order did to the ledger; nothing for an order unknown here."""
    found: dict[int, JournalOut] = {}
    for row in await uow.raw.fetch(_JOURNALS, order_id):
        journal = found.setdefault(row["journal_no"], _journal(row))
        if row["line"] is not None:
            journal.postings.append(
                PostingOut(
                    line=row["line"],
                    debit=row["debit"],
                    credit=row["credit"],
                    amount_minor=row["amount_minor"],
                    partner_id=row["partner_id"],
                    party=row["party"],
                )
            )
    return JournalsOut(items=list(found.values()))


def _account(row: Record) -> AccountOut:
    kind = AccountKind(row["kind"])
    side: Literal["debit", "credit"] = "debit" if kind in DEBIT_NORMAL else "credit"
    surplus = row["debit_minor"] - row["credit_minor"]
    return AccountOut(
        code=row["code"],
        kind=kind,
        owner=row["owner"],
        currency=row["currency"],
        debit_minor=row["debit_minor"],
        credit_minor=row["credit_minor"],
        balance_minor=surplus if side == "debit" else -surplus,
        normal_side=side,
    )


def _journal(row: Record) -> JournalOut:
    return JournalOut(
        journal_no=row["journal_no"],
        journal_id=journal_id(JournalKind(row["kind"]), row["subject_id"]),
        kind=row["kind"],
        subject_id=row["subject_id"],
        order_id=row["order_id"],
        component_id=row["component_id"],
        currency=row["currency"],
        posted_at=row["posted_at"],
        block_no=row["block_no"],
        postings=[],
    )
