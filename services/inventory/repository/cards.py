"""Card batches, sealed cards, and the shelf they are sold from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from services.inventory.domain.issuing import ClaimedCard
from services.inventory.domain.picking import NEVER_RANK, RANDOM_BITS, PickOrder, rank_of
from shared.database import UnitOfWork

CHUNK = 10_000
"""Cards of one statement in an import: well within the statement time-out on a busy machine."""

Item = TypeVar("Item")


def rank(card: str) -> str:
    """A card's rank by the pick order of `sku`, in a statement that has its `batch`: what `rank_of` says, in SQL."""
    return f"""
        CASE sku.pick_order
            WHEN 'random' THEN floor(random() * 2::float8 ^ {RANDOM_BITS})::bigint
            WHEN 'earliest_expiry' THEN coalesce(floor(extract(epoch FROM {card}.expires_at))::bigint, {NEVER_RANK})
            WHEN 'batch_priority' THEN batch.priority
            ELSE 0
        END
    """


_ONE_IMPORT_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('inventory.import', 0))"


def known_codes(asked: str) -> str:
    """Those of an array of blind indexes, given in SQL, that a card or a canary has.

    A canary of an export is known too: whoever imports it is told what is told of any card that is here already.
    """
    return f"""
        SELECT code_index FROM cards WHERE code_index = ANY({asked})
        UNION ALL SELECT code_index FROM canaries WHERE code_index = ANY({asked})
    """  # noqa: S608  # composed of what this module and its neighbours write


_KNOWN_CODES = known_codes("$1::bytea[]")

_ADD_BATCH = """
INSERT INTO card_batches (batch_id, sku_id, key_id, imported_by, accepted, refused, cost_minor, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

_RECOUNT_BATCH = "UPDATE card_batches SET accepted = $2, refused = $3 WHERE batch_id = $1"

_CARD_COLUMNS = ("card_id", "sku_id", "batch_id", "sealed", "code_index", "masked")
_SHELF_COLUMNS = ("sku_id", "card_id", "batch_id", "masked", "cost_minor", "expires_at", "rank", "use_no")

# The next cards of each SKU that nobody else is taking, by an index that has them in their order. Rows are found by their place, because they are locked there;
# as an array, because joined with the places the whole shelf may be read (a plan seen with 30,000 cards on it).
_CLAIM = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS asked (sku_id, quantity)
), picked AS MATERIALIZED (
    SELECT free.place FROM wanted CROSS JOIN LATERAL (
        SELECT shelf.ctid AS place FROM shelf
        WHERE shelf.sku_id = wanted.sku_id AND (shelf.expires_at IS NULL OR shelf.expires_at > $3)
        ORDER BY shelf.rank, shelf.card_id LIMIT wanted.quantity FOR UPDATE {skip_locked}
    ) AS free
)
DELETE FROM shelf WHERE shelf.ctid = ANY(ARRAY(SELECT place FROM picked))
RETURNING shelf.sku_id, shelf.card_id, shelf.batch_id, shelf.masked, shelf.cost_minor, shelf.expires_at, shelf.rank,
          shelf.use_no
"""
_CLAIM_FREE = _CLAIM.format(skip_locked="SKIP LOCKED")
_CLAIM_WAITING = _CLAIM.format(skip_locked="")

# SKU by SKU in the order of sale: where none is left, the planner would else read the shelf of all others to learn it.
_ANY_LEFT = """
SELECT EXISTS (
    SELECT FROM unnest($1::uuid[]) AS asked (sku_id) CROSS JOIN LATERAL (
        SELECT FROM shelf WHERE shelf.sku_id = asked.sku_id AND (shelf.expires_at IS NULL OR shelf.expires_at > $2)
        ORDER BY shelf.rank, shelf.card_id LIMIT 1
    ) AS free
)
"""

_PUT_BACK = """
INSERT INTO shelf (sku_id, card_id, batch_id, masked, cost_minor, expires_at, rank, use_no)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[], $7::bigint[],
                     $8::smallint[])
"""


@dataclass(frozen=True, slots=True)
class SealedCard:
    """A card as it is stored. Nothing of its secret is in clear but the masked form."""

    card_id: UUID
    sealed: bytes = field(repr=False)
    code_index: bytes = field(repr=False)
    masked: str
    expires_at: datetime | None
    cost_minor: int | None = None
    uses: int = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """An import that was taken. `cost_minor` is the cost of a card that has none of its own."""

    batch_id: UUID
    sku_id: UUID
    key_id: UUID
    imported_by: str
    refused: int
    cost_minor: int


async def wait_for_other_imports(uow: UnitOfWork) -> None:
    """Imports follow one another: what is new is decided against everything that was imported before."""
    await uow.raw.execute(_ONE_IMPORT_AT_A_TIME)


async def find_known_codes(uow: UnitOfWork, indexes: Sequence[bytes]) -> set[bytes]:
    """Those of the blind indexes that a card of any SKU has, or a canary."""
    return {row["code_index"] for some in _in_chunks(indexes) for row in await uow.raw.fetch(_KNOWN_CODES, some)}


async def open_batch(uow: UnitOfWork, batch: Batch, *, accepted: int, now: datetime) -> None:
    """Write a batch of so many cards; the cards are the caller's to add."""
    await uow.raw.execute(
        _ADD_BATCH,
        batch.batch_id,
        batch.sku_id,
        batch.key_id,
        batch.imported_by,
        accepted,
        batch.refused,
        batch.cost_minor,
        now,
    )


async def recount_batch(uow: UnitOfWork, batch_id: UUID, *, accepted: int, refused: int) -> None:
    """How many lines of the import became cards after all."""
    await uow.raw.execute(_RECOUNT_BATCH, batch_id, accepted, refused)


async def add_batch(
    uow: UnitOfWork, batch: Batch, cards: Sequence[SealedCard], *, order: PickOrder, now: datetime
) -> None:
    """Write a batch with its cards and put them on the shelf. The counters are the caller's to move.

    :raises asyncpg.UniqueViolationError: a card is known already (`uq_cards_code_index`).
    """
    await open_batch(uow, batch, accepted=len(cards), now=now)
    for some in _in_chunks(cards):
        sealed = [
            (card.card_id, batch.sku_id, batch.batch_id, card.sealed, card.code_index, card.masked) for card in some
        ]
        await uow.raw.copy_records_to_table("cards", columns=_CARD_COLUMNS, records=sealed)
        shelved = [
            (
                batch.sku_id,
                card.card_id,
                batch.batch_id,
                card.masked,
                _cost(card, batch),
                card.expires_at,
                rank_of(order, expires_at=card.expires_at),
                use_no,
            )
            for card in some
            for use_no in range(1, card.uses + 1)
        ]
        await uow.raw.copy_records_to_table("shelf", columns=_SHELF_COLUMNS, records=shelved)


async def claim_cards(
    uow: UnitOfWork, wanted: Mapping[UUID, int], *, now: datetime, wait: bool = False
) -> list[ClaimedCard]:
    """Take cards off the shelf in their order: as many as are wanted of each SKU, or all there are.

    Cards that another transaction is just taking are passed over; with `wait` they are waited for, because that
    transaction may yet roll back.
    """
    rows = await uow.raw.fetch(_CLAIM_WAITING if wait else _CLAIM_FREE, list(wanted.keys()), list(wanted.values()), now)
    cards = [ClaimedCard(*row) for row in rows]
    cards.sort(key=lambda card: (card.rank, card.card_id))
    return cards


async def put_back(uow: UnitOfWork, cards: Sequence[ClaimedCard]) -> None:
    """Lay cards back that this transaction took and nobody needed."""
    await uow.raw.execute(
        _PUT_BACK,
        [card.sku_id for card in cards],
        [card.card_id for card in cards],
        [card.batch_id for card in cards],
        [card.masked for card in cards],
        [card.cost_minor for card in cards],
        [card.expires_at for card in cards],
        [card.rank for card in cards],
        [card.use_no for card in cards],
    )


async def any_left(uow: UnitOfWork, sku_ids: Sequence[UUID], *, now: datetime) -> bool:
    """Whether a card of one of these SKUs is on the shelf, one that another transaction is just taking included."""
    left: bool = await uow.raw.fetchval(_ANY_LEFT, sku_ids, now)
    return left


def _cost(card: SealedCard, batch: Batch) -> int:
    return batch.cost_minor if card.cost_minor is None else card.cost_minor


def _in_chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
