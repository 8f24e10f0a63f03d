"""SQL: what the table of kinds says of a SKU in a statement. Made of that table, so that nothing is said twice."""

from typing import Final

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.kinds import KINDS, QR_KINDS, Source


def source(sku: str) -> str:
    """Where units of the SKU come from, as `source_of` says; `sku` is its alias in the statement."""
    by_kind = " ".join(f"WHEN '{kind}' THEN '{row.source}'" for kind, row in KINDS.items())
    return (
        f"CASE WHEN {sku}.supplied THEN '{Source.SUPPLIER}' WHEN {sku}.goods ? 'code' THEN '{Source.MINT}'"
        f" ELSE CASE {sku}.kind {by_kind} END END"
    )


def has_claim(unit: str, sku: str) -> str:
    """Whether a partner can be shown something for the entitlement: a card's code, or a QR code."""
    return f"({unit}.card_id IS NOT NULL OR {sku}.kind IN ({_listed(QR_KINDS)}))"


def seen_by_somebody(unit: str) -> str:
    """Whether anybody has seen the entitlement's code: its owner, or a till where it was typed and that was undone."""
    return (
        f"({unit}.reveals > 0 OR EXISTS (SELECT FROM redemptions undone WHERE undone.entitlement_id = {unit}.entitlement_id"
        f" AND undone.undone_at IS NOT NULL AND undone.voucher_nonce IS NULL AND {unit}.card_id IS NOT NULL))"
    )


def _listed(kinds: frozenset[SkuKind]) -> str:
    return ", ".join(sorted(f"'{kind}'" for kind in kinds))


ASKING_KINDS: Final = _listed(frozenset({SkuKind.DIRECT_TOP_UP, *(kind for kind, row in KINDS.items() if row.asks)}))
"""Kinds that cannot be delivered without a word from the buyer."""
