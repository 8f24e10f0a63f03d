"""Entitlements: given out, revealed, revoked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.inventory.domain.entitlements import RevealRecord
from services.inventory.domain.issuing import Entitlement
from shared.database import UnitOfWork

_GIVE = """
INSERT INTO entitlements (entitlement_id, component_id, order_id, member_id, sku_id, card_id, state, masked, cost_minor,
                          expires_at, use_no, issued_at)
SELECT entitlement_id, component_id, order_id, member_id, sku_id, card_id, 'active', masked, cost_minor, expires_at,
       use_no, $11
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bigint[],
            $9::timestamptz[], $10::smallint[])
     AS given (entitlement_id, component_id, order_id, member_id, sku_id, card_id, masked, cost_minor, expires_at, use_no)
"""

_OF_COMPONENTS = """
SELECT entitlement_id, component_id, order_id, member_id, sku_id, card_id, masked, cost_minor, expires_at, use_no
FROM entitlements WHERE order_id = ANY($1::uuid[]) AND component_id = ANY($2::uuid[]) ORDER BY entitlement_id
"""

_REVOKE = """
UPDATE entitlements SET state = 'revoked', revoked_at = $2, gift_id = NULL, restocked = entitlement_id = ANY($3::uuid[])
WHERE entitlement_id = ANY($1::uuid[])
"""

# An entitlement that was revoked, given or offered to somebody meanwhile does not come back from this for the one who asked
# while it was his, and then nothing of it may be shown to him.
_REVEAL = """
WITH asked AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $9::uuid[])
    AS reveal (reveal_id, entitlement_id, role, subject, ip, device, decision_id, owner)
), counted AS (
    SELECT entitlement_id, owner, count(*)::int AS times FROM asked GROUP BY entitlement_id, owner ORDER BY entitlement_id
), seen AS (
    UPDATE entitlements SET reveals = reveals + counted.times, first_revealed_at = coalesce(first_revealed_at, $8)
    FROM counted WHERE entitlements.entitlement_id = counted.entitlement_id AND state <> 'revoked'
      AND member_id IS NOT DISTINCT FROM counted.owner AND gift_id IS NULL
    RETURNING entitlements.entitlement_id, counted.owner, reveals = counted.times AS first
), audited AS (
    INSERT INTO reveals (reveal_id, entitlement_id, role, subject, ip, device, decision_id, revealed_at)
    SELECT asked.reveal_id, asked.entitlement_id, role, subject, ip, device, decision_id, $8 FROM asked
    JOIN seen ON seen.entitlement_id = asked.entitlement_id AND seen.owner IS NOT DISTINCT FROM asked.owner
)
SELECT entitlement_id, owner, first FROM seen
"""


async def give_entitlements(uow: UnitOfWork, units: Sequence[Entitlement], *, now: datetime) -> None:
    """Write what buyers get.

    :raises asyncpg.UniqueViolationError: a use of a card was given out before (`uq_entitlements_card_use`).
    """
    await uow.raw.execute(
        _GIVE,
        [unit.entitlement_id for unit in units],
        [unit.component_id for unit in units],
        [unit.order_id for unit in units],
        [unit.member_id for unit in units],
        [unit.sku_id for unit in units],
        [unit.card_id for unit in units],
        [unit.masked for unit in units],
        [unit.cost_minor for unit in units],
        [unit.expires_at for unit in units],
        [unit.use_no for unit in units],
        now,
    )


async def find_entitlements(
    uow: UnitOfWork, *, order_ids: Sequence[UUID], component_ids: Sequence[UUID]
) -> list[Entitlement]:
    """What was given out for these components, the oldest first."""
    return [Entitlement(*row) for row in await uow.raw.fetch(_OF_COMPONENTS, order_ids, component_ids)]


async def revoke_entitlements(
    uow: UnitOfWork, entitlement_ids: Sequence[UUID], *, restocked: Sequence[UUID], now: datetime
) -> None:
    """Take them back; `restocked` are those whose cards return to the shelf. They must be locked already."""
    await uow.raw.execute(_REVOKE, entitlement_ids, now, restocked)


async def record_reveals(
    uow: UnitOfWork, reveals: Sequence[RevealRecord], *, owners: Sequence[UUID | None], now: datetime
) -> dict[tuple[UUID, UUID | None], bool]:
    """Write the audit, and whether it was the first time, by entitlement and owner. `owners` are whose they were when it was asked.

    Absent and not audited are those that were revoked, are not this owner's any more, or are being given away.
    """
    rows = await uow.raw.fetch(
        _REVEAL,
        [reveal.reveal_id for reveal in reveals],
        [reveal.entitlement_id for reveal in reveals],
        [reveal.role for reveal in reveals],
        [reveal.subject for reveal in reveals],
        [reveal.ip for reveal in reveals],
        [reveal.device for reveal in reveals],
        [reveal.decision_id for reveal in reveals],
        now,
        owners,
    )
    return {(row["entitlement_id"], row["owner"]): row["first"] for row in rows}
