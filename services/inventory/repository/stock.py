"""Holds and stock counters. A SKU's counter row is locked in the order of the ids, and changed last."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.stock import ACCOUNT_FIELD, HoldRequest, StockMoves
from services.inventory.repository.bundles import BUNDLES_WITH, bundle_free, bundle_version
from services.inventory.repository.sources import ASKING_KINDS
from shared.database import UnitOfWork

_LOCK_STOCK = """
SELECT sku_id, on_hand - held AS free FROM stock WHERE sku_id = ANY($1::uuid[]) ORDER BY sku_id FOR NO KEY UPDATE
"""

_NEEDING = f"SELECT sku_id, kind, buyer_fields FROM skus WHERE sku_id = ANY($1::uuid[]) AND kind IN ({ASKING_KINDS})"  # noqa: S608

_ASKING = (
    "SELECT sku_id, buyer_fields FROM skus WHERE sku_id = ANY($1::uuid[]) AND jsonb_array_length(buyer_fields) > 0"
)

_HELD_ORDERS = "SELECT DISTINCT order_id FROM holds WHERE order_id = ANY($1::uuid[])"

_ADD_HOLDS = """
WITH added AS (
    INSERT INTO holds (component_id, order_id, line_id, sku_id, quantity, member_id, expires_at)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::uuid[], $7::timestamptz[])
    RETURNING sku_id, quantity
), wanted AS (
    SELECT sku_id, sum(quantity)::int AS quantity FROM added GROUP BY sku_id
)
UPDATE stock SET held = held + wanted.quantity, version = version + 1
FROM wanted WHERE stock.sku_id = wanted.sku_id
"""

_TAKE_HOLDS = "DELETE FROM holds WHERE component_id = ANY($1::uuid[]) RETURNING component_id, sku_id, quantity"

_TAKE_HOLDS_OF_ORDERS = "DELETE FROM holds WHERE order_id = ANY($1::uuid[]) RETURNING sku_id, quantity"

_OVERDUE_ORDERS = """
SELECT order_id FROM holds WHERE expires_at <= $1 GROUP BY order_id ORDER BY min(expires_at) LIMIT $2
"""

# Asked while order was: whoever works on the row, or has made the hold longer meanwhile, is not disturbed.
_STILL_OVERDUE = """
SELECT component_id FROM holds WHERE order_id = ANY($1::uuid[]) AND expires_at <= $2 FOR UPDATE SKIP LOCKED
"""

_TAKE_OVERDUE = f"DELETE FROM holds WHERE component_id IN ({_STILL_OVERDUE}) RETURNING sku_id, quantity"  # noqa: S608

_POSTPONE_OVERDUE = f"UPDATE holds SET expires_at = $3 WHERE component_id IN ({_STILL_OVERDUE})"  # noqa: S608

_EXTEND_HOLDS = """
UPDATE holds SET expires_at = wanted.expires_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS wanted (order_id, expires_at)
WHERE holds.order_id = wanted.order_id AND holds.expires_at < wanted.expires_at
"""

# The rows are locked in the order of their ids before any is changed, so that two transactions never wait in a circle.
_MOVE = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) AS moved (sku_id, on_hand, held, sold)
), locked AS MATERIALIZED (
    SELECT sku_id FROM stock WHERE sku_id = ANY($1::uuid[]) ORDER BY sku_id FOR NO KEY UPDATE
)
UPDATE stock
SET on_hand = stock.on_hand + wanted.on_hand,
    held = stock.held + wanted.held,
    sold = stock.sold + wanted.sold,
    version = stock.version + 1
FROM wanted JOIN locked USING (sku_id) WHERE stock.sku_id = wanted.sku_id
"""

# The promises that end soonest, until enough units are free. Those of paid orders under review last the longest.
_CUT_HOLDS = """
DELETE FROM holds WHERE component_id IN (
    SELECT component_id FROM (
        SELECT component_id, sum(quantity) OVER (ORDER BY expires_at, component_id) - quantity AS before
        FROM holds WHERE sku_id = $1
    ) AS counted WHERE before < $2
) RETURNING sku_id, quantity
"""

_OPEN_STOCK = "INSERT INTO stock (sku_id, on_hand) VALUES ($1, $2)"

_SET_CAP = """
UPDATE stock SET on_hand = $2, version = version + 1 WHERE sku_id = $1 AND ($2::int IS NULL OR held <= $2) RETURNING true
"""

_OPEN_CAP = "INSERT INTO stock (sku_id, on_hand) VALUES ($1, $2) ON CONFLICT (sku_id) DO NOTHING RETURNING true"

_STOCK_TO_ANNOUNCE = """
WITH changed AS (
    SELECT sku_id FROM stock WHERE version > announced_version ORDER BY sku_id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE stock SET announced_version = stock.version FROM changed WHERE stock.sku_id = changed.sku_id
RETURNING stock.sku_id, stock.on_hand - stock.held AS free, stock.version
"""

_BUNDLE_STOCK = f"""
SELECT sku.sku_id, {bundle_free("sku.sku_id")} AS free, {bundle_version("sku.sku_id")} AS version
FROM skus sku WHERE sku.kind = 'bundle' AND sku.sku_id IN ({BUNDLES_WITH})
"""  # noqa: S608  # composed of constants


class _PendingMoves:
    """Moves of one unit of work, written by one statement just before its commit."""

    def __init__(self) -> None:
        self.moves = StockMoves()

    async def __call__(self, uow: UnitOfWork) -> None:
        rows = self.moves.rows()
        if rows:
            await uow.raw.execute(_MOVE, *(list(column) for column in zip(*rows, strict=True)))


def stock_moves(uow: UnitOfWork) -> StockMoves:
    """Where this unit of work notes what it changes in the counters.

    They are written last, by SKU, whatever else the transaction does: everybody wants these rows. A counter that would
    leave its bounds fails the commit, and nothing stands.
    """
    return uow.before_commit(_PendingMoves(), once_key="stock").moves


async def lock_stock(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, int | None]:
    """How much of each SKU is free, None for unlimited, with the counters locked. Unknown SKUs are absent.

    What this unit of work has noted to change is counted in.
    """
    moves = stock_moves(uow)
    return {
        row["sku_id"]: None if row["free"] is None else row["free"] + moves.freed(row["sku_id"])
        for row in await uow.raw.fetch(_LOCK_STOCK, sorted(sku_ids))
    }


async def find_needs(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The buyer fields without which those of the SKUs cannot be delivered that go to an account, a place or a person."""
    return {row["sku_id"]: _needed(row) for row in await uow.raw.fetch(_NEEDING, sku_ids)}


async def find_asked(uow: UnitOfWork, sku_ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """The names of the buyer fields that each of these SKUs asks for; those that ask for none in particular are absent."""
    return {
        row["sku_id"]: frozenset(field["name"] for field in row["buyer_fields"])
        for row in await uow.raw.fetch(_ASKING, sku_ids)
    }


async def find_held_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the orders that hold something."""
    return {row["order_id"] for row in await uow.raw.fetch(_HELD_ORDERS, order_ids)}


async def add_holds(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> None:
    """Write the holds and count them. The counters must be locked already.

    :raises asyncpg.CheckViolationError: more would be held than there is (`ck_stock_held_within_on_hand`).
    """
    rows = [(request, component) for request in requests for component in request.components]
    await uow.raw.execute(
        _ADD_HOLDS,
        [component.component_id for _, component in rows],
        [request.order_id for request, _ in rows],
        [component.line_id for _, component in rows],
        [component.sku_id for _, component in rows],
        [component.quantity for _, component in rows],
        [request.member_id for request, _ in rows],
        [request.expires_at for request, _ in rows],
    )


async def take_holds(uow: UnitOfWork, component_ids: Sequence[UUID], *, line_ids: Collection[UUID] = ()) -> set[UUID]:
    """End the holds of these components; answers which of them had one.

    A bundle with a cap is held under its line's id: what is held so is sold of the cap.
    """
    taken = await uow.raw.fetch(_TAKE_HOLDS, [*component_ids, *line_ids])
    _unhold(uow, taken)
    moves = stock_moves(uow)
    for row in taken:
        if row["component_id"] in line_ids:
            moves.sell(row["sku_id"], row["quantity"])
    return {row["component_id"] for row in taken}


async def take_holds_of_orders(uow: UnitOfWork, order_ids: Sequence[UUID]) -> int:
    """End all holds of these orders; answers how many there were."""
    return _unhold(uow, await uow.raw.fetch(_TAKE_HOLDS_OF_ORDERS, order_ids))


async def find_overdue_orders(uow: UnitOfWork, *, now: datetime, limit: int) -> list[UUID]:
    """Orders with a hold whose time is over, the oldest first."""
    return [row["order_id"] for row in await uow.raw.fetch(_OVERDUE_ORDERS, now, limit)]


async def take_overdue_holds(uow: UnitOfWork, order_ids: Sequence[UUID], *, now: datetime) -> int:
    """End the holds of these orders whose time is over; answers how many. Those that somebody works on are left alone."""
    return _unhold(uow, await uow.raw.fetch(_TAKE_OVERDUE, order_ids, now))


async def postpone_overdue_holds(uow: UnitOfWork, order_ids: Sequence[UUID], *, now: datetime, until: datetime) -> None:
    """Keep the holds of these orders whose time is over until then."""
    await uow.raw.execute(_POSTPONE_OVERDUE, order_ids, now, until)


async def extend_holds(uow: UnitOfWork, requests: Sequence[HoldRequest]) -> None:
    """Keep the holds of these orders for as long as they are wanted now, never shorter than before."""
    await uow.raw.execute(
        _EXTEND_HOLDS, [request.order_id for request in requests], [request.expires_at for request in requests]
    )


async def cut_holds(uow: UnitOfWork, sku_id: UUID, *, units: int) -> int:
    """End promises on a SKU until so many units are free, as far as there are any; answers how many became free."""
    cut = await uow.raw.fetch(_CUT_HOLDS, sku_id, units)
    _unhold(uow, cut)
    return sum(row["quantity"] for row in cut)


async def open_stock(uow: UnitOfWork, sku_id: UUID, *, on_hand: int | None) -> None:
    """Counters for a new plain SKU; `on_hand` None: unlimited."""
    await uow.raw.execute(_OPEN_STOCK, sku_id, on_hand)


async def open_cap(uow: UnitOfWork, sku_id: UUID, *, on_hand: int | None) -> bool:
    """Give a bundle a stock of its own; False: it has one."""
    return bool(await uow.raw.fetchval(_OPEN_CAP, sku_id, on_hand))


async def set_cap(uow: UnitOfWork, sku_id: UUID, *, on_hand: int | None) -> bool:
    """Set how many of a top-up may still be sold; False: more than that are held."""
    return bool(await uow.raw.fetchval(_SET_CAP, sku_id, on_hand))


async def take_stock_to_announce(uow: UnitOfWork, *, limit: int) -> list[tuple[UUID, int | None, int]]:
    """SKUs whose stock changed since it was last announced, as `(sku_id, free, version)`, marked as announced.

    Bundles that contain one of them follow, with the sum of all versions that count for them, which only grows.
    """
    changed = await uow.raw.fetch(_STOCK_TO_ANNOUNCE, limit)
    if not changed:
        return []
    bundles = {row["sku_id"]: row for row in await uow.raw.fetch(_BUNDLE_STOCK, [row["sku_id"] for row in changed])}
    plain = [row for row in changed if row["sku_id"] not in bundles]
    return [(row["sku_id"], row["free"], row["version"]) for row in (*plain, *bundles.values())]


def _needed(row: asyncpg.Record) -> frozenset[str]:
    if row["kind"] == SkuKind.DIRECT_TOP_UP:
        return frozenset({ACCOUNT_FIELD})
    return frozenset(field["name"] for field in row["buyer_fields"] if field["required"])


def _unhold(uow: UnitOfWork, rows: Sequence[asyncpg.Record]) -> int:
    moves = stock_moves(uow)
    for row in rows:
        moves.unhold(row["sku_id"], row["quantity"])
    return len(rows)
