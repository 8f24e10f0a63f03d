"""Numbered seats: one row each, taken from the front, free again when they are taken back."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.database import UnitOfWork

_CLAIM = """
SELECT free.sku_id, free.number FROM unnest($1::uuid[], $2::int[]) AS asked (sku_id, quantity)
CROSS JOIN LATERAL (
    SELECT seat.sku_id, seat.number FROM seats seat
    WHERE seat.sku_id = asked.sku_id AND seat.entitlement_id IS NULL
    ORDER BY seat.number LIMIT asked.quantity FOR UPDATE {skip_locked}
) AS free
"""
_CLAIM_FREE = _CLAIM.format(skip_locked="SKIP LOCKED")
_CLAIM_WAITING = _CLAIM.format(skip_locked="")

_SIT = """
UPDATE seats SET entitlement_id = given.entitlement_id
FROM unnest($1::uuid[], $2::int[], $3::uuid[]) AS given (sku_id, number, entitlement_id)
WHERE seats.sku_id = given.sku_id AND seats.number = given.number
"""

_FREE = "UPDATE seats SET entitlement_id = NULL WHERE entitlement_id = ANY($1::uuid[])"

_ADD = """
INSERT INTO seats (sku_id, number)
SELECT $1, taken.last + place FROM (SELECT coalesce(max(number), 0) AS last FROM seats WHERE sku_id = $1) AS taken,
    generate_series(1, $2) AS place
"""

_DROP = """
DELETE FROM seats WHERE sku_id = $1 AND number IN (
    SELECT number FROM seats WHERE sku_id = $1 AND entitlement_id IS NULL ORDER BY number DESC LIMIT $2
    FOR UPDATE SKIP LOCKED
) RETURNING number
"""

_COUNT_FREE = "SELECT count(*) FROM seats WHERE sku_id = $1 AND entitlement_id IS NULL"


async def claim_seats(uow: UnitOfWork, wanted: Mapping[UUID, int]) -> dict[UUID, list[int]]:
    """The next free numbers of each SKU, locked.

    Those that another transaction is just taking are passed over at first; where too few are left they are waited for.
    """
    found: defaultdict[UUID, list[int]] = defaultdict(list)
    missing = dict(sorted(wanted.items()))
    for statement in (_CLAIM_FREE, _CLAIM_WAITING):
        for row in await uow.raw.fetch(statement, list(missing.keys()), [wanted[sku_id] for sku_id in missing]):
            if row["number"] not in found[row["sku_id"]]:
                found[row["sku_id"]].append(row["number"])
        missing = {sku_id: quantity for sku_id, quantity in missing.items() if len(found[sku_id]) < quantity}
        if not missing:
            break
    return dict(found)


async def take_seats(uow: UnitOfWork, taken: Sequence[tuple[UUID, int, UUID]]) -> None:
    """Give locked seats to entitlements, as `(sku_id, number, entitlement_id)`."""
    await uow.raw.execute(_SIT, *(list(column) for column in zip(*taken, strict=True)))


async def free_seats(uow: UnitOfWork, entitlement_ids: Sequence[UUID]) -> None:
    """Seats of entitlements that were taken back can be given out again."""
    await uow.raw.execute(_FREE, entitlement_ids)


async def set_free_seats(uow: UnitOfWork, sku_id: UUID, *, free: int) -> bool:
    """Have as many free seats as may be sold: new ones behind the last, or fewer from the end; False: some are being taken.

    The counter of the SKU must be locked.
    """
    missing = free - int(await uow.raw.fetchval(_COUNT_FREE, sku_id))
    if missing > 0:
        await uow.raw.execute(_ADD, sku_id, missing)
    return missing >= 0 or len(await uow.raw.fetch(_DROP, sku_id, -missing)) == -missing
