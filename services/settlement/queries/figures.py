"""Settlement at a glance, for the dashboard."""

from datetime import datetime

from services.settlement.domain.accounts import DEBIT_NORMAL, AccountKind
from services.settlement.domain.components import FactKind
from services.settlement.schemas.figures import FiguresOut, WaitingSplits
from shared.database import UnitOfWork

_BALANCES = """
WITH tail AS (
  SELECT * FROM postings WHERE journal_no > (SELECT coalesce(max(to_no), 0) FROM blocks)
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

_CHAIN = """
SELECT coalesce(h.block_no, 0) AS block_no, coalesce(encode(h.hash, 'hex'), '') AS hash,
       (SELECT count(*) FROM journals WHERE journal_no > coalesce(h.to_no, 0)) AS unsealed,
       (SELECT count(*) FROM partners) AS partners, (SELECT count(*) FROM statements WHERE revision > 0) AS statements
FROM (SELECT 1) AS one LEFT JOIN (SELECT * FROM blocks ORDER BY block_no DESC LIMIT 1) AS h ON true
"""


async def figures(uow: UnitOfWork, *, now: datetime) -> FiguresOut:
    """What is owed, what waits, and where the chain ends."""
    balances: dict[AccountKind, dict[str, int]] = {}
    for row in await uow.raw.fetch(_BALANCES):
        kind = AccountKind(row["kind"])
        balances.setdefault(kind, {})[row["currency"]] = row["minor"] if kind in DEBIT_NORMAL else -row["minor"]
    waiting = await uow.raw.fetchrow(_WAITING)
    chain = await uow.raw.fetchrow(_CHAIN)
    assert waiting is not None  # noqa: S101  # aggregates have a row
    assert chain is not None  # noqa: S101  # so has `one`
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
        head_block_no=chain["block_no"],
        head_hash=chain["hash"],
        unsealed_journals=chain["unsealed"],
        partners=chain["partners"],
        statements=chain["statements"],
    )


def _age_s(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
