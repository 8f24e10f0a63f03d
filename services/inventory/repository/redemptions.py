"""Redemptions: entitlements found by what was presented, locked in one order, honoured in sets."""

from collections.abc import Sequence
from uuid import UUID

from services.inventory.domain.entitlements import EntitlementState
from services.inventory.domain.goods import read_goods
from services.inventory.domain.redeeming import Redeemable, RedeemFacts, Redemption
from shared.database import UnitOfWork

# Locked in the order of their ids: two tills with the same codes in another order do not wait for each other in a ring.
_LOCK = """
SELECT card.code_index, unit.entitlement_id, unit.component_id, unit.order_id, unit.member_id, unit.sku_id, unit.masked,
       delivery.quantity, unit.restocked, unit.state, unit.expires_at, sku.goods, unit.gift_id IS NOT NULL AS is_pending,
       unit.given_at
FROM entitlements unit
LEFT JOIN cards card ON card.card_id = unit.card_id
JOIN deliveries delivery ON delivery.component_id = unit.component_id
JOIN skus sku ON sku.sku_id = unit.sku_id
WHERE unit.entitlement_id = ANY(ARRAY(
    SELECT given.entitlement_id FROM cards presented
    JOIN entitlements given ON given.card_id = presented.card_id AND NOT given.restocked
    WHERE presented.code_index = ANY($1::bytea[])
    UNION SELECT * FROM unnest($2::uuid[])
)) AND sku.partner_id = $3
ORDER BY unit.entitlement_id
FOR UPDATE OF unit
"""

_LOCK_UNIT = "SELECT FROM entitlements WHERE entitlement_id = $1 FOR UPDATE"

_USED_NONCES = "SELECT voucher_nonce FROM redemptions WHERE voucher_nonce = ANY($1::uuid[])"

_REDEEM = """
UPDATE entitlements SET state = 'redeemed', redeemed_at = honoured.redeemed_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS honoured (entitlement_id, redeemed_at)
WHERE entitlements.entitlement_id = honoured.entitlement_id
"""

_ADD = """
INSERT INTO redemptions (redemption_id, entitlement_id, partner_id, sku_id, order_id, store, terminal, cashier, channel,
                         masked, redeemed_at, voucher_nonce)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                     $9::text[], $10::text[], $11::timestamptz[], $12::uuid[])
"""


async def lock_unit(uow: UnitOfWork, entitlement_id: UUID) -> None:
    """Nobody redeems, undoes or refunds the entitlement until this transaction ends. What is read after this stays true."""
    await uow.raw.execute(_LOCK_UNIT, entitlement_id)


async def lock_presented(
    uow: UnitOfWork, *, code_indexes: Sequence[bytes], entitlement_ids: Sequence[UUID], partner_id: UUID
) -> list[Redeemable]:
    """The issued entitlements whose cards have these codes, and those named, as far as they are of this partner's brand."""
    rows = await uow.raw.fetch(_LOCK, code_indexes, entitlement_ids, partner_id)
    return [
        Redeemable(
            entitlement_id=row["entitlement_id"],
            code_index=row["code_index"],
            component_id=row["component_id"],
            order_id=row["order_id"],
            member_id=row["member_id"],
            sku_id=row["sku_id"],
            masked=row["masked"],
            quantity=row["quantity"],
            restocked=row["restocked"],
            facts=RedeemFacts(
                state=EntitlementState(row["state"]),
                expires_at=row["expires_at"],
                is_pending=row["is_pending"],
                given_at=row["given_at"],
            ),
            value=read_goods(row["goods"]).value,
        )
        for row in rows
    ]


async def find_used_nonces(uow: UnitOfWork, nonces: Sequence[UUID]) -> set[UUID]:
    """Those of the vouchers that were honoured, undone or not. Ask with their entitlements locked, so that it stays true."""
    return {row["voucher_nonce"] for row in await uow.raw.fetch(_USED_NONCES, nonces)}


async def redeem(uow: UnitOfWork, honoured: Sequence[tuple[Redeemable, Redemption]]) -> None:
    """Honour locked entitlements.

    :raises asyncpg.UniqueViolationError: one was honoured before and not undone (`uq_redemptions_entitlement_id`).
    """
    units = [unit for unit, _ in honoured]
    redemptions = [redemption for _, redemption in honoured]
    entitlement_ids = [unit.entitlement_id for unit in units]
    moments = [redemption.redeemed_at for redemption in redemptions]
    await uow.raw.execute(_REDEEM, entitlement_ids, moments)
    await uow.raw.execute(
        _ADD,
        [redemption.redemption_id for redemption in redemptions],
        entitlement_ids,
        [redemption.partner_id for redemption in redemptions],
        [unit.sku_id for unit in units],
        [unit.order_id for unit in units],
        [redemption.till.store for redemption in redemptions],
        [redemption.till.terminal for redemption in redemptions],
        [redemption.till.cashier for redemption in redemptions],
        [redemption.channel.value for redemption in redemptions],
        [unit.masked for unit in units],
        moments,
        [redemption.voucher_nonce for redemption in redemptions],
    )
