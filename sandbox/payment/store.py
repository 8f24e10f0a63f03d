"""What the provider has received and sent back, in a file that outlives the process."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS trades (
    out_trade_no TEXT PRIMARY KEY, trade_no TEXT NOT NULL, subject TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, fee_minor INTEGER NOT NULL, notify_url TEXT NOT NULL, paid_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, next_notify_at REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trades_paid_at ON trades (paid_at);
CREATE INDEX IF NOT EXISTS trades_next_notify_at ON trades (next_notify_at) WHERE next_notify_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS refunds (
    out_refund_no TEXT PRIMARY KEY, out_trade_no TEXT NOT NULL, amount_minor INTEGER NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS refunds_out_trade_no ON refunds (out_trade_no);
CREATE INDEX IF NOT EXISTS refunds_at ON refunds (at);
CREATE TABLE IF NOT EXISTS faults (out_trade_no TEXT PRIMARY KEY, faults TEXT NOT NULL) WITHOUT ROWID;
"""
_TRADE = "out_trade_no, trade_no, subject, amount_minor, currency, fee_minor, notify_url, paid_at, attempts"
_BILL = """
SELECT 'payment', paid_at, out_trade_no, trade_no, '', amount_minor, fee_minor, currency FROM trades
WHERE paid_at >= ?1 AND paid_at < ?2
UNION ALL
SELECT 'refund', r.at, r.out_trade_no, t.trade_no, r.out_refund_no, r.amount_minor, 0, t.currency
FROM refunds r JOIN trades t USING (out_trade_no) WHERE r.at >= ?1 AND r.at < ?2
ORDER BY 2
"""


class RefundTooLargeError(Exception):
    """More would go back than came in."""


class RefundDiffersError(Exception):
    """That refund was made before, of another amount or another payment."""


@dataclass(frozen=True, slots=True)
class Trade:
    """Money received. `attempts` counts notifies sent so far."""

    out_trade_no: str
    trade_no: str
    subject: str
    amount_minor: int
    currency: str
    fee_minor: int
    notify_url: str
    paid_at: float
    attempts: int = 0


class Store:
    """One SQLite file. Each call takes tens of microseconds and is done in the event loop's own thread."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, isolation_level=None)
        # Lost with the machine at worst, never with the process: this money is pretended.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def receive(self, trade: Trade, *, next_notify_at: float | None) -> bool:
        """Take a payment. False: it was paid before."""
        done = self._database.execute(
            f"INSERT OR IGNORE INTO trades ({_TRADE}, next_notify_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                trade.out_trade_no,
                trade.trade_no,
                trade.subject,
                trade.amount_minor,
                trade.currency,
                trade.fee_minor,
                trade.notify_url,
                trade.paid_at,
                trade.attempts,
                next_notify_at,
            ),
        )
        return done.rowcount == 1

    def trade(self, out_trade_no: str) -> Trade | None:
        """The payment, if it was made."""
        row = self._row(f"SELECT {_TRADE} FROM trades WHERE out_trade_no = ?", out_trade_no)  # noqa: S608
        return None if row is None else Trade(*row)

    def due(self, *, now: float, limit: int) -> list[Trade]:
        """Payments whose merchant is to be told now."""
        rows = self._database.execute(
            f"SELECT {_TRADE} FROM trades WHERE next_notify_at <= ? ORDER BY next_notify_at LIMIT ?",  # noqa: S608
            (now, limit),
        )
        return [Trade(*row) for row in rows]

    def told(self, out_trade_nos: Sequence[str]) -> None:
        """Their merchant knows."""
        self._database.executemany(
            "UPDATE trades SET attempts = attempts + 1, next_notify_at = NULL WHERE out_trade_no = ?",
            [(each,) for each in out_trade_nos],
        )

    def tell_later(self, out_trade_no: str, *, at: float | None) -> None:
        """An attempt failed; None gives up."""
        self._database.execute(
            "UPDATE trades SET attempts = attempts + 1, next_notify_at = ? WHERE out_trade_no = ?", (at, out_trade_no)
        )

    def refund(self, *, out_refund_no: str, trade: Trade, amount_minor: int) -> None:
        """Send money back, once per number.

        :raises RefundDiffersError: the number was used for something else.
        :raises RefundTooLargeError: not that much is left.
        """
        known = self.refunded(out_refund_no)
        if known is not None:
            if known != (trade.out_trade_no, amount_minor):
                raise RefundDiffersError(out_refund_no)
            return
        row = self._row("SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE out_trade_no = ?", trade.out_trade_no)
        if row is None or row[0] + amount_minor > trade.amount_minor:
            raise RefundTooLargeError(out_refund_no)
        self._database.execute(
            "INSERT INTO refunds (out_refund_no, out_trade_no, amount_minor, at) VALUES (?, ?, ?, ?)",
            (out_refund_no, trade.out_trade_no, amount_minor, time.time()),
        )

    def refunded(self, out_refund_no: str) -> tuple[str, int] | None:
        """The payment and the amount of a refund that was made."""
        row = self._row("SELECT out_trade_no, amount_minor FROM refunds WHERE out_refund_no = ?", out_refund_no)
        return None if row is None else (row[0], row[1])

    def bill(self, *, since: float, until: float) -> Iterator[tuple[Any, ...]]:
        """Everything that came in and went back in `[since, until)`, in order of time."""
        yield from self._database.execute(_BILL, (since, until))

    def set_faults(self, out_trade_no: str, faults: str) -> None:
        """Faults as JSON text for one payment; for all that have none of their own if the number is empty."""
        self._database.execute(
            "INSERT INTO faults VALUES (?, ?) ON CONFLICT DO UPDATE SET faults = excluded.faults",
            (out_trade_no, faults),
        )

    def clear_faults(self) -> None:
        self._database.execute("DELETE FROM faults")

    def all_faults(self) -> dict[str, str]:
        """Faults as JSON text by payment number."""
        return dict(self._database.execute("SELECT out_trade_no, faults FROM faults"))

    def _row(self, statement: str, *arguments: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._database.execute(statement, arguments).fetchone()
        return row
