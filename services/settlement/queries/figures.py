"""Settlement at a glance, for the dashboard."""

from datetime import datetime

from services.settlement.domain.accounts import DEBIT_NORMAL, AccountKind
from services.settlement.domain.components import FactKind
from services.settlement.repository import blocks
from services.settlement.repository.snapshots import fix_snapshot
from services.settlement.schemas.figures import FiguresOut, WaitingSplits
from shared.database import UnitOfWork

_BALANCES = """
WITH tail AS (
  SELECT * FROM postings WHERE journal_no > $1
), moved AS (
  SELECT account_id, debit_minor - credit_minor AS minor FROM account_totals
  UNION ALL SELECT debit_account, amount_minor FROM tail
  UNION ALL SELECT credit_account, -amount_minor FROM tail
)
SELECT kind, currency, sum(minor)::bigint AS minor FROM moved JOIN accounts USING (account_id) GROUP BY kind, currency
"""

_WAITING = """
SELECT count(*) FILTER (WHERE paid_at IS NULL) AS paid, min(seen_at) FILTER (WHERE paid_at IS NULL) AS paid_since,
       count(*) FILTER (WHERE issued_at IS NULL) AS issued, min(seen_at) FILTER (WHERE issued_at IS NULL) AS issued_since,
       count(*) FILTER (WHERE accrued_at IS NULL) AS accrued,
       min(seen_at) FILTER (WHERE accrued_at IS NULL) AS accrued_since
FROM components WHERE split_at IS NULL AND reversed_at IS NULL
"""

_COUNTS = """
SELECT (SELECT count(*) FROM journals WHERE journal_no > $1) AS unsealed,
       (SELECT count(*) FROM partners) AS partners, (SELECT count(*) FROM statements WHERE revision > 0) AS statements
"""


async def figures(uow: UnitOfWork, *, now: datetime) -> FiguresOut:
    """What is owed, what waits, and where the chain ends, of one moment. In a transaction of its own."""
    await fix_snapshot(uow)
    head = await blocks.head(uow)
    balances: dict[AccountKind, dict[str, int]] = {}
    for row in await uow.raw.fetch(_BALANCES, head.to_no):
        kind = AccountKind(row["kind"])
        balances.setdefault(kind, {})[row["currency"]] = row["minor"] if kind in DEBIT_NORMAL else -row["minor"]
    waiting = await uow.raw.fetchrow(_WAITING)
    counts = await uow.raw.fetchrow(_COUNTS, head.to_no)
    assert waiting is not None  # noqa: S101  # aggregates have a row
    assert counts is not None  # noqa: S101  # and so have counts
    return FiguresOut(
        payable_minor=balances.get(AccountKind.PAYABLE, {}),
        deferred_minor=balances.get(AccountKind.DEFERRED, {}),
        unearned_minor=balances.get(AccountKind.UNEARNED, {}),
        points_liability_minor=balances.get(AccountKind.POINTS_LIABILITY, {}),
        provider_receivable_minor=balances.get(AccountKind.PROVIDER_RECEIVABLE, {}),
        splits_waiting={
            fact: WaitingSplits(count=waiting[fact], oldest_s=_age_s(waiting[f"{fact}_since"], now))
            for fact in FactKind
        },
        head_block_no=head.block_no,
        head_hash=head.hash.hex(),
        unsealed_journals=counts["unsealed"],
        partners=counts["partners"],
        statements=counts["statements"],
    )


def _age_s(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
