"""Batches frozen, thawed and voided: their cards between the shelf and the cold room, and the audit of it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.inventory.domain.batches import BatchAction, BatchFacts, BatchState
from services.inventory.repository.cards import CHUNK, rank
from shared.database import UnitOfWork

_BEING_IMPORTED = "SELECT EXISTS (SELECT FROM imports WHERE ended_at IS NULL AND batch_id = $1)"

_SKU_OF = "SELECT sku_id FROM card_batches WHERE batch_id = $1"

_LOCK_HOLDS = "SELECT component_id FROM holds WHERE sku_id = $1 ORDER BY component_id FOR UPDATE"

_LOCK = """
SELECT batch_id, sku_id, state,
       coalesce((SELECT card_id FROM cards WHERE cards.batch_id = $1 ORDER BY card_id DESC LIMIT 1), batch_id) AS last_card_id
FROM card_batches WHERE batch_id = $1 FOR UPDATE
"""

# A batch's cards have ids between its own and its last card's: the shelf is read in that range alone.
_SHELVED = """
FROM shelf WHERE shelf.sku_id = $1 AND shelf.card_id > $2 AND shelf.card_id <= $3 AND shelf.batch_id = $2
"""

_ANY_SHELVED = f"SELECT EXISTS (SELECT {_SHELVED})"

_FREEZE_SOME = f"""
WITH taken AS (
    DELETE FROM shelf WHERE shelf.ctid = ANY(ARRAY(
        SELECT shelf.ctid {_SHELVED} ORDER BY shelf.card_id, shelf.use_no LIMIT $4 FOR UPDATE
    )) RETURNING *
), frozen AS (
    INSERT INTO frozen_cards (batch_id, card_id, use_no, sku_id, masked, cost_minor, expires_at)
    SELECT batch_id, card_id, use_no, sku_id, masked, cost_minor, expires_at FROM taken
)
SELECT count(*) AS units, coalesce(sum(cost_minor), 0)::bigint AS cost_minor FROM taken
"""  # noqa: S608  # composed of the constants above

_THAW_SOME = f"""
WITH taken AS (
    DELETE FROM frozen_cards WHERE frozen_cards.ctid = ANY(ARRAY(
        SELECT frozen_cards.ctid FROM frozen_cards WHERE batch_id = $1 ORDER BY card_id, use_no LIMIT $2 FOR UPDATE
    )) RETURNING *
), shelved AS (
    INSERT INTO shelf (sku_id, card_id, batch_id, masked, cost_minor, expires_at, rank, use_no)
    SELECT taken.sku_id, taken.card_id, taken.batch_id, taken.masked, taken.cost_minor, taken.expires_at,
           {rank("taken")}, taken.use_no
    FROM taken JOIN card_batches batch ON batch.batch_id = taken.batch_id JOIN skus sku ON sku.sku_id = taken.sku_id
)
SELECT count(*) AS units, coalesce(sum(cost_minor), 0)::bigint AS cost_minor FROM taken
"""  # noqa: S608  # composed of the constants above

_DROP_FROZEN = """
WITH dropped AS (DELETE FROM frozen_cards WHERE batch_id = $1 RETURNING cost_minor)
SELECT count(*) AS units, coalesce(sum(cost_minor), 0)::bigint AS cost_minor FROM dropped
"""

_SET_STATE = "UPDATE card_batches SET state = $2 WHERE batch_id = $1"
_SET_PRIORITY = "UPDATE card_batches SET priority = $2 WHERE batch_id = $1"

_ADD_ACTION = """
INSERT INTO batch_actions (action_id, batch_id, action, operator, reason, units, cost_minor, acted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


@dataclass(frozen=True, slots=True)
class Moved:
    """How many uses of cards went somewhere, and what they cost us."""

    units: int = 0
    cost_minor: int = 0

    def __add__(self, other: "Moved") -> "Moved":
        return Moved(self.units + other.units, self.cost_minor + other.cost_minor)


@dataclass(frozen=True, slots=True)
class Action:
    """One line of the audit."""

    action_id: UUID
    batch_id: UUID
    action: BatchAction
    operator: str
    reason: str
    moved: Moved


async def lock_batch(uow: UnitOfWork, batch_id: UUID) -> BatchFacts | None:
    """The batch; nobody else decides about it, and nobody pays for a hold on its SKU, until this transaction ends."""
    sku_id = await uow.raw.fetchval(_SKU_OF, batch_id)
    if sku_id is None:
        return None
    await uow.raw.execute(_LOCK_HOLDS, sku_id)
    row = await uow.raw.fetchrow(_LOCK, batch_id)
    if row is None:
        return None
    return BatchFacts(row["batch_id"], row["sku_id"], BatchState(row["state"]), row["last_card_id"])


async def is_being_imported(uow: UnitOfWork, batch_id: UUID) -> bool:
    """Whether cards are still being added to the batch."""
    being: bool = await uow.raw.fetchval(_BEING_IMPORTED, batch_id)
    return being


async def freeze(uow: UnitOfWork, batch: BatchFacts) -> Moved:
    """Take all cards of the batch off the shelf.

    One that somebody is just taking is waited for: it is sold, or it comes back. So we look until a look finds none,
    and a look sees also what others have taken and not committed.
    """
    moved = Moved()
    place = (batch.sku_id, batch.batch_id, batch.last_card_id)
    while await uow.raw.fetchval(_ANY_SHELVED, *place):
        moved += _moved(await uow.raw.fetchrow(_FREEZE_SOME, *place, CHUNK))
    return moved


async def thaw(uow: UnitOfWork, batch: BatchFacts) -> Moved:
    """Lay all frozen cards of the batch back on the shelf."""
    moved = some = _moved(await uow.raw.fetchrow(_THAW_SOME, batch.batch_id, CHUNK))
    while some.units:
        some = _moved(await uow.raw.fetchrow(_THAW_SOME, batch.batch_id, CHUNK))
        moved += some
    return moved


async def drop_frozen(uow: UnitOfWork, batch_id: UUID) -> Moved:
    """The frozen cards of the batch are gone for good."""
    return _moved(await uow.raw.fetchrow(_DROP_FROZEN, batch_id))


async def set_state(uow: UnitOfWork, batch_id: UUID, state: BatchState) -> None:
    await uow.raw.execute(_SET_STATE, batch_id, state.value)


async def set_priority(uow: UnitOfWork, batch_id: UUID, priority: int) -> None:
    await uow.raw.execute(_SET_PRIORITY, batch_id, priority)


async def add_action(uow: UnitOfWork, action: Action, *, now: datetime) -> None:
    """Write down who did what and why. What is written cannot be changed."""
    await uow.raw.execute(
        _ADD_ACTION,
        action.action_id,
        action.batch_id,
        action.action.value,
        action.operator,
        action.reason,
        action.moved.units,
        action.moved.cost_minor,
        now,
    )


def _moved(row: asyncpg.Record | None) -> Moved:
    return Moved() if row is None else Moved(row["units"], row["cost_minor"])
