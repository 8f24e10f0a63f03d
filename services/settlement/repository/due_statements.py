"""Which statements are to be drawn: of days and months that are over, and again where something was posted into them since."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.settlement.domain.periods import Period, period_named
from shared.database import UnitOfWork

# `through` is the last journal on a partner's accounts up to the end of each day: what its statement has to reach.
_DUE = """
WITH moved AS (
  SELECT a.owner::uuid AS partner_id, a.currency, d.day, max(d.last_no) AS last_no
  FROM accounts a JOIN account_days d USING (account_id)
  WHERE a.kind IN ('payable', 'deferred') AND d.day >= $1::date AND d.day < $2::date
  GROUP BY a.owner, a.currency, d.day
), reached AS (
  SELECT partner_id, currency, day, max(last_no) OVER (PARTITION BY partner_id, currency ORDER BY day) AS through_no
  FROM moved
), wanted AS (
  SELECT partner_id, currency, to_char(day, 'YYYY-MM-DD') AS period, day + 1 AS to_day FROM reached
  UNION
  SELECT partner_id, currency, to_char(day, 'YYYY-MM'), (date_trunc('month', day) + INTERVAL '1 month')::date
  FROM reached WHERE date_trunc('month', day) + INTERVAL '1 month' <= $2::date
  UNION
  SELECT partner_id, currency, period, to_day FROM statements WHERE revision > 0 AND to_day > $1::date
)
SELECT DISTINCT w.partner_id, w.period, w.to_day
FROM wanted w
CROSS JOIN LATERAL (
  SELECT max(r.through_no) AS through_no FROM reached r
  WHERE r.partner_id = w.partner_id AND r.currency = w.currency AND r.day < w.to_day
) AS r
WHERE r.through_no IS NOT NULL AND NOT EXISTS (
  SELECT FROM statements s
  WHERE s.partner_id = w.partner_id AND s.currency = w.currency AND s.period = w.period AND s.revision > 0
    AND s.through_no >= r.through_no
)
ORDER BY w.to_day, w.partner_id LIMIT $3
"""

_FORGET = """
DELETE FROM statements WHERE statement_id IN (
  SELECT statement_id FROM statements WHERE revision = 0 AND drawn_at < $1 LIMIT $2)
"""


class DueStatement(NamedTuple):
    """A statement to draw."""

    partner_id: UUID
    period: Period


async def due(uow: UnitOfWork, *, since: date, until: date, limit: int) -> list[DueStatement]:
    """Statements of periods within `[since, until)` that are missing or no longer say all, the oldest first."""
    rows = await uow.raw.fetch(_DUE, since, until, limit)
    return [DueStatement(row["partner_id"], period_named(row["period"])) for row in rows]


async def forget_provisional(uow: UnitOfWork, *, before: datetime, limit: int) -> int:
    """Delete provisional statements drawn before then, at most `limit`; answers how many went."""
    done: str = await uow.raw.execute(_FORGET, before, limit)
    return int(done.rpartition(" ")[2])
