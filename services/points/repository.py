"""The only writes and locks of the points service. All statements are sets; accounts are locked in the order of their ids."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from asyncpg import Record
from sqlalchemy import text

from services.points import tables
from services.points.domain.book import Book
from services.points.domain.earning import Accrual, Earned, Revocation, Rule
from services.points.domain.ledger import Account, Lot, LotState
from shared.database import UnitOfWork
from shared.money import CNY

UUID_ORDER = attrgetter("int")
"""PostgreSQL's order of UUIDs, many times cheaper than comparing the objects."""

_LOT_COLUMNS = (
    "lot_id, member_id, component_id, granted, remaining, expired, state, cost_minor, available_at, expires_at"
)

_RULES = """
SELECT version, points, per_minor, cost_minor, cost_points, effective_from FROM rules
 ORDER BY effective_from DESC, version DESC
"""

_CLAIM = """
INSERT INTO accruals AS a (component_id, order_id, member_id, amount_minor, currency, points, cost_minor,
                           rule_version, lot_id, accrued_at)
SELECT u.*, $10 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::bigint[],
                            $7::bigint[], $8::integer[], $9::uuid[]) AS u
ON CONFLICT (component_id) DO UPDATE
   SET accrued_at = excluded.accrued_at, amount_minor = excluded.amount_minor, rule_version = excluded.rule_version
 WHERE a.accrued_at IS NULL
RETURNING component_id, revoked_at IS NOT NULL AS revoked
"""
"""A component that was revoked before it was issued has its row already: it keeps its 0 points."""

_ANSWER = """
INSERT INTO reversals (component_id, refund_id, reversed_at)
SELECT u.*, $3 FROM unnest($1::uuid[], $2::uuid[]) AS u
ON CONFLICT DO NOTHING
RETURNING component_id, refund_id
"""

_REVOKE = f"""
INSERT INTO accruals AS a (component_id, order_id, member_id, amount_minor, currency, points, cost_minor, revoked_at)
SELECT u.component_id, u.order_id, u.member_id, 0, '{CNY}', 0, 0, $4
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS u (component_id, order_id, member_id)
ON CONFLICT (component_id) DO UPDATE SET revoked_at = excluded.revoked_at
 WHERE a.revoked_at IS NULL
RETURNING component_id, member_id, points, cost_minor, currency, lot_id
"""  # noqa: S608  # a constant of ours

_LOCK_ACCOUNTS = """
SELECT member_id, available, pending, debt, sequence FROM accounts
 WHERE member_id = ANY($1::uuid[]) ORDER BY member_id FOR UPDATE
"""

_ADD_ACCOUNTS = """
INSERT INTO accounts (member_id) SELECT u FROM unnest($1::uuid[]) AS u ORDER BY u ON CONFLICT DO NOTHING
"""

_WRITE_BOOK = """
WITH moved AS (
    UPDATE accounts AS a
       SET available = u.available, pending = u.pending, debt = u.debt, sequence = u.sequence,
           balance = u.available + u.pending - u.debt
      FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
           AS u (member_id, available, pending, debt, sequence)
     WHERE a.member_id = u.member_id
), told AS (
    INSERT INTO entries (entry_id, member_id, sequence, kind, points, balance, settled, lot_id, order_id, component_id,
                         refund_id, rule_version, amount_minor, reason, operator, occurred_at, recorded_at)
    SELECT u.*, $22 FROM unnest($6::uuid[], $7::uuid[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[],
                                $12::bigint[], $13::uuid[], $14::uuid[], $15::uuid[], $16::uuid[], $17::integer[],
                                $18::bigint[], $19::text[], $20::text[], $21::timestamptz[]) AS u
)
INSERT INTO lots (lot_id, member_id, component_id, granted, remaining, expired, state, cost_minor,
                  available_at, expires_at)
SELECT u.* FROM unnest($23::uuid[], $24::uuid[], $25::uuid[], $26::bigint[], $27::bigint[], $28::bigint[],
                       $29::text[], $30::bigint[], $31::timestamptz[], $32::timestamptz[]) AS u
ON CONFLICT (lot_id) DO UPDATE
   SET remaining = excluded.remaining, expired = excluded.expired, state = excluded.state
"""

_MEASURE = """
INSERT INTO figures (single, measured_at, accounts, available, pending, debt, liability_minor)
SELECT true, $1, a.accounts, a.available, a.pending, a.debt, l.liability_minor
  FROM (SELECT count(*) AS accounts, coalesce(sum(available), 0) AS available, coalesce(sum(pending), 0) AS pending,
               coalesce(sum(debt), 0) AS debt FROM accounts) AS a,
       (SELECT coalesce(ceil(sum(cost_minor::numeric * remaining / granted)), 0) AS liability_minor
          FROM lots WHERE remaining > 0) AS l
ON CONFLICT (single) DO UPDATE
   SET measured_at = excluded.measured_at, accounts = excluded.accounts, available = excluded.available,
       pending = excluded.pending, debt = excluded.debt, liability_minor = excluded.liability_minor
"""

_WRITE_USES = """
INSERT INTO uses (entry_id, lot_id, points) SELECT u.* FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS u
"""


async def load_rules(uow: UnitOfWork) -> list[Rule]:
    """Every version of the rule, the newest first; there are few."""
    rows = await uow.raw.fetch(_RULES)
    return [Rule(**row) for row in rows]


async def lock_rules(uow: UnitOfWork) -> None:
    """One new version at a time, until the transaction ends. Readers go on."""
    await uow.sql.execute(text("LOCK TABLE rules IN SHARE ROW EXCLUSIVE MODE"))


async def add_rule(uow: UnitOfWork, rule: Rule, *, created_by: str, now: datetime) -> None:
    """Keep a version for good."""
    await uow.sql.execute(tables.RULES.insert().values(**asdict(rule), created_by=created_by, created_at=now))


async def write_figures(uow: UnitOfWork, *, now: datetime) -> None:
    """Add up accounts and open lots into the one row of figures."""
    await uow.raw.execute(_MEASURE, now)


async def claim_accruals(uow: UnitOfWork, accruals: Sequence[Accrual], *, now: datetime) -> dict[UUID, bool]:
    """Say that these components have been answered. Component ids must differ.

    :returns: for each that had not been answered before, whether it had been revoked already.
    """
    rows = await uow.raw.fetch(
        _CLAIM,
        [accrual.delivery.component_id for accrual in accruals],
        [accrual.delivery.order_id for accrual in accruals],
        [accrual.delivery.member_id for accrual in accruals],
        [accrual.delivery.amount_minor for accrual in accruals],
        [accrual.delivery.currency for accrual in accruals],
        [accrual.points for accrual in accruals],
        [accrual.cost_minor for accrual in accruals],
        [accrual.rule_version for accrual in accruals],
        [accrual.lot.lot_id if accrual.lot else None for accrual in accruals],
        now,
    )
    return {row["component_id"]: row["revoked"] for row in rows}


async def claim_answers(uow: UnitOfWork, revocations: Sequence[Revocation], *, now: datetime) -> set[tuple[UUID, UUID]]:
    """Say that these refunds have been answered: the pairs of component and refund that had not been before."""
    rows = await uow.raw.fetch(
        _ANSWER,
        [revocation.component_id for revocation in revocations],
        [revocation.refund_id for revocation in revocations],
        now,
    )
    return {(row["component_id"], row["refund_id"]) for row in rows}


async def revoke_accruals(uow: UnitOfWork, revocations: Sequence[Revocation], *, now: datetime) -> dict[UUID, Earned]:
    """Mark components as revoked, also those not issued yet. Component ids must differ.

    :returns: what each had earned, for those that were not revoked before.
    """
    rows = await uow.raw.fetch(
        _REVOKE,
        [revocation.component_id for revocation in revocations],
        [revocation.order_id for revocation in revocations],
        [revocation.member_id for revocation in revocations],
        now,
    )
    return {row["component_id"]: Earned(**row) for row in rows}


async def lock_accounts(uow: UnitOfWork, member_ids: Collection[UUID]) -> list[Account]:
    """The members' accounts, opened where there were none, locked until the transaction ends."""
    wanted = sorted(set(member_ids), key=UUID_ORDER)
    if not wanted:
        return []
    rows = await uow.raw.fetch(_LOCK_ACCOUNTS, wanted)
    if len(rows) < len(wanted):
        found = {row["member_id"] for row in rows}
        await uow.raw.execute(_ADD_ACCOUNTS, [member_id for member_id in wanted if member_id not in found])
        rows = await uow.raw.fetch(_LOCK_ACCOUNTS, wanted)
    return [Account(**row) for row in rows]


async def lots_by_id(uow: UnitOfWork, lot_ids: Collection[UUID]) -> list[Lot]:
    """These lots. Their accounts are locked, so they stand still."""
    return _lots(await uow.raw.fetch(f"SELECT {_LOT_COLUMNS} FROM lots WHERE lot_id = ANY($1::uuid[])", [*lot_ids]))  # noqa: S608  # a constant of ours


async def open_lots(uow: UnitOfWork, member_ids: Collection[UUID]) -> list[Lot]:
    """Every lot of these members that has something left. Their accounts are locked."""
    statement = f"SELECT {_LOT_COLUMNS} FROM lots WHERE member_id = ANY($1::uuid[]) AND remaining > 0"  # noqa: S608  # a constant of ours
    return _lots(await uow.raw.fetch(statement, [*member_ids]))


async def lots_to_activate(uow: UnitOfWork, *, now: datetime, limit: int) -> list[Lot]:
    """Pending lots whose time has come, the longest waiting first. Not locked: look again under the account's lock."""
    statement = (
        f"SELECT {_LOT_COLUMNS} FROM lots WHERE state = 'pending' AND available_at <= $1 ORDER BY available_at LIMIT $2"  # noqa: S608  # a constant of ours
    )
    return _lots(await uow.raw.fetch(statement, now, limit))


async def lots_to_expire(uow: UnitOfWork, *, now: datetime, limit: int) -> list[Lot]:
    """Lots with something left whose time is over. Not locked: look again under the account's lock."""
    statement = f"SELECT {_LOT_COLUMNS} FROM lots WHERE remaining > 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2"  # noqa: S608  # a constant of ours
    return _lots(await uow.raw.fetch(statement, now, limit))


async def write_book(uow: UnitOfWork, book: Book, *, now: datetime) -> None:
    """Write everything a book has changed, by two statements at most."""
    accounts, entries, lots = book.changed_accounts, book.entries, book.changed_lots
    if not accounts:
        return
    causes = [entry.cause for entry in entries]
    await uow.raw.execute(
        _WRITE_BOOK,
        [account.member_id for account in accounts],
        [account.available for account in accounts],
        [account.pending for account in accounts],
        [account.debt for account in accounts],
        [account.sequence for account in accounts],
        [cause.entry_id for cause in causes],
        [entry.member_id for entry in entries],
        [entry.sequence for entry in entries],
        [cause.kind.value for cause in causes],
        [entry.points for entry in entries],
        [entry.balance for entry in entries],
        [entry.settled for entry in entries],
        [entry.lot_id for entry in entries],
        [cause.order_id for cause in causes],
        [cause.component_id for cause in causes],
        [cause.refund_id for cause in causes],
        [cause.rule_version for cause in causes],
        [cause.amount_minor for cause in causes],
        [cause.reason for cause in causes],
        [cause.operator for cause in causes],
        [cause.occurred_at for cause in causes],
        now,
        *_lot_columns(lots),
    )
    if book.uses:
        await uow.raw.execute(
            _WRITE_USES,
            [use.entry_id for use in book.uses],
            [use.lot_id for use in book.uses],
            [use.points for use in book.uses],
        )


def _lot_columns(lots: Sequence[Lot]) -> tuple[list[object], ...]:
    return (
        [lot.lot_id for lot in lots],
        [lot.member_id for lot in lots],
        [lot.component_id for lot in lots],
        [lot.granted for lot in lots],
        [lot.remaining for lot in lots],
        [lot.expired for lot in lots],
        [lot.state.value for lot in lots],
        [lot.cost_minor for lot in lots],
        [lot.available_at for lot in lots],
        [lot.expires_at for lot in lots],
    )


def _lots(rows: Iterable[Record]) -> list[Lot]:
    return [Lot(**{**row, "state": LotState(row["state"])}) for row in rows]
