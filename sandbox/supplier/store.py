"""What the supplier has sold, in a file that outlives the process."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    order_no TEXT PRIMARY KEY, out_order_no TEXT NOT NULL, product_code TEXT NOT NULL, quantity INTEGER NOT NULL,
    account TEXT NOT NULL, cost_minor INTEGER NOT NULL, delivers INTEGER NOT NULL, ready_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS orders_out_order_no ON orders (out_order_no);
CREATE TABLE IF NOT EXISTS products (product_code TEXT PRIMARY KEY, cost_minor INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS card_seeds (order_no TEXT PRIMARY KEY, seed TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stock_levels (product_code TEXT PRIMARY KEY, stock INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO products VALUES
    ('TOPUP-10', 950), ('TOPUP-50', 4800), ('TOPUP-100', 9500), ('VIP-MONTH', 1200), ('VIP-YEAR', 12000),
    ('CARD-VIDEO', 2000), ('CARD-MUSIC', 1500);
"""
_ORDER = "order_no, out_order_no, product_code, quantity, account, cost_minor, delivers, ready_at"


@dataclass(frozen=True, slots=True)
class SoldOrder:
    """An order taken on. It is worked on until `ready_at`; then it is delivered and charged, or has failed."""

    order_no: str
    out_order_no: str
    product_code: str
    quantity: int
    account: str
    cost_minor: int
    delivers: bool
    ready_at: float


@dataclass(frozen=True, slots=True)
class Charges:
    """What was delivered and charged in all; `twice` counts merchants' numbers that were delivered more than once."""

    orders: int
    charged_minor: int
    twice: int


class Store:
    """One SQLite file. Each call takes tens of microseconds and is done in the event loop's own thread."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(file, isolation_level=None)
        # Lost with the machine at worst, never with the process: these goods are pretended.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def cost_minor(self, product_code: str) -> int | None:
        """The price of one unit now; None: no such product."""
        row = self._database.execute(
            "SELECT cost_minor FROM products WHERE product_code = ?", (product_code,)
        ).fetchone()
        return None if row is None else int(row[0])

    def products(self) -> list[tuple[str, int]]:
        """What is listed, with the price of one unit."""
        return [(str(code), int(cost)) for code, cost in self._database.execute("SELECT * FROM products")]

    def stock(self, product_code: str) -> int | None:
        """How much is left; None: as much as is asked for."""
        row = self._database.execute(
            "SELECT stock FROM stock_levels WHERE product_code = ?", (product_code,)
        ).fetchone()
        return None if row is None else int(row[0])

    def set_stock(self, product_code: str, stock: int | None) -> None:
        """Have so much of it left; None: as much as is asked for."""
        self._database.execute("DELETE FROM stock_levels WHERE product_code = ?", (product_code,))
        if stock is not None:
            self._database.execute("INSERT INTO stock_levels VALUES (?, ?)", (product_code, stock))

    def set_card_seed(self, order_no: str, seed: str) -> None:
        """Make the order's cards of another seed than its number."""
        self._database.execute("INSERT INTO card_seeds VALUES (?, ?)", (order_no, seed))

    def card_seed(self, order_no: str) -> str:
        """What the order's cards are made of."""
        row = self._database.execute("SELECT seed FROM card_seeds WHERE order_no = ?", (order_no,)).fetchone()
        return order_no if row is None else str(row[0])

    def set_cost(self, product_code: str, cost_minor: int) -> None:
        """List a product, or change its price."""
        self._database.execute(
            "INSERT INTO products VALUES (?, ?) ON CONFLICT DO UPDATE SET cost_minor = excluded.cost_minor",
            (product_code, cost_minor),
        )

    def add(self, order: SoldOrder) -> None:
        self._database.execute(
            f"INSERT INTO orders ({_ORDER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608  # of the constant above
            (
                order.order_no,
                order.out_order_no,
                order.product_code,
                order.quantity,
                order.account,
                order.cost_minor,
                order.delivers,
                order.ready_at,
            ),
        )

    def find(self, out_order_no: str) -> SoldOrder | None:
        """The first order under the merchant's number."""
        row = self._database.execute(
            f"SELECT {_ORDER} FROM orders WHERE out_order_no = ? ORDER BY order_no LIMIT 1",  # noqa: S608  # constant
            (out_order_no,),
        ).fetchone()
        if row is None:
            return None
        order_no, out_order_no, product_code, quantity, account, cost_minor, delivers, ready_at = row
        return SoldOrder(order_no, out_order_no, product_code, quantity, account, cost_minor, bool(delivers), ready_at)

    def charges(self, *, now: float) -> Charges:
        """What was delivered so far."""
        delivered = "FROM orders WHERE delivers AND ready_at <= ?"
        orders, charged = self._database.execute(
            f"SELECT count(*), coalesce(sum(cost_minor), 0) {delivered}",  # of the constant above
            (now,),
        ).fetchone()
        (twice,) = self._database.execute(
            f"SELECT count(*) FROM (SELECT 1 {delivered} GROUP BY out_order_no HAVING count(*) > 1)",  # noqa: S608
            (now,),
        ).fetchone()
        return Charges(orders, charged, twice)
