"""Inventory over HTTP: the shop, the wallet, partners' redemptions, operators, and the calls of other services."""

from typing import Final

from fastapi import APIRouter

from services.inventory.api import (
    batches,
    catalogue,
    figures,
    holds,
    partner,
    shop,
    supplier_health,
    supplier_pushes,
    suppliers,
    wallet,
)
from services.inventory.api.desks import HoldDesk, RevealDesk
from services.inventory.domain.catalogue import (
    BundleRefusedError,
    PriceBelowFloorError,
    ProductUnknownError,
    SkuUnknownError,
    StockCapRefusedError,
    SuppliedRefusedError,
)
from services.inventory.domain.entitlements import (
    AlreadyRedeemedError,
    CodeExpiredError,
    CodeUnknownError,
    EntitlementRevokedError,
    EntitlementUnknownError,
    NothingToRevealError,
    RedeemRevokedError,
    RevealRefusedError,
    RevealUnavailableError,
)
from services.inventory.domain.importing import (
    ImportDuplicateError,
    ImportRefusedError,
    ImportTooLargeError,
    ImportUnreadableError,
)
from services.inventory.domain.stock import BuyerFieldsMissingError, StockInsufficientError
from services.inventory.domain.supply import (
    CardsMissingError,
    SupplierNameTakenError,
    SupplierUnknownError,
    TaskNotOpenError,
    TaskUnknownError,
)
from services.inventory.domain.syncing import PushRefusedError
from services.inventory.usecases.importing import CardSealer
from shared.crypto import Keyring
from shared.http import ProblemSpec

PROBLEMS: Final[dict[type[Exception], ProblemSpec]] = {
    AlreadyRedeemedError: ProblemSpec(409, "redemption.already_redeemed", "The code was redeemed before"),
    BundleRefusedError: ProblemSpec(422, "bundle.invalid", "The components do not make a bundle"),
    BuyerFieldsMissingError: ProblemSpec(422, "buyer_fields.missing", "Something is missing that the goods need"),
    CardsMissingError: ProblemSpec(409, "task.cards_missing", "The cards of the order are not here"),
    CodeExpiredError: ProblemSpec(409, "redemption.expired", "The code has expired"),
    CodeUnknownError: ProblemSpec(404, "redemption.code_unknown", "There is no such code"),
    EntitlementRevokedError: ProblemSpec(409, "entitlement.revoked", "This was taken back"),
    EntitlementUnknownError: ProblemSpec(404, "entitlement.not_found", "There is no such entitlement"),
    ImportDuplicateError: ProblemSpec(409, "import.duplicate", "These cards are known already"),
    ImportRefusedError: ProblemSpec(422, "import.invalid", "Some lines cannot be taken"),
    ImportTooLargeError: ProblemSpec(413, "import.too_large", "There are too many cards in one import"),
    ImportUnreadableError: ProblemSpec(422, "import.unreadable", "This is not a list of cards"),
    NothingToRevealError: ProblemSpec(409, "entitlement.no_code", "There is no code to show"),
    PriceBelowFloorError: ProblemSpec(409, "price.below_floor", "The price is below the floor"),
    ProductUnknownError: ProblemSpec(404, "product.unknown", "There is no such product"),
    PushRefusedError: ProblemSpec(409, "supplier.push_stale", "Something newer is known already"),
    RedeemRevokedError: ProblemSpec(409, "redemption.revoked", "The code was taken back"),
    RevealRefusedError: ProblemSpec(403, "risk.denied", "The code is not shown"),
    RevealUnavailableError: ProblemSpec(503, "risk.unavailable", "The code cannot be shown at the moment"),
    SkuUnknownError: ProblemSpec(404, "sku.unknown", "There is no such SKU"),
    StockCapRefusedError: ProblemSpec(409, "stock.cap_refused", "The cap cannot be set"),
    StockInsufficientError: ProblemSpec(409, "stock.insufficient", "There is not enough stock"),
    SuppliedRefusedError: ProblemSpec(422, "sku.not_supplied", "Only cards are bought when they are delivered"),
    SupplierNameTakenError: ProblemSpec(409, "supplier.exists", "There is a supplier of that name"),
    SupplierUnknownError: ProblemSpec(404, "supplier.unknown", "There is no such supplier"),
    TaskNotOpenError: ProblemSpec(409, "task.ended", "The task has ended"),
    TaskUnknownError: ProblemSpec(404, "task.unknown", "There is no such task"),
}

BODY_LIMITS: Final = {"/v1/ops/skus/{sku_id}/batches": batches.BODY_BYTES_MAX, "/internal/holds": 1024 * 1024}


def routers(*, hold_desk: HoldDesk, reveal_desk: RevealDesk, sealer: CardSealer, keyring: Keyring) -> list[APIRouter]:
    """All paths of the service."""
    return [
        shop.routes,
        wallet.router(reveal_desk),
        partner.router(sealer),
        catalogue.routes,
        batches.router(sealer),
        suppliers.routes,
        suppliers.router(keyring),
        supplier_health.routes,
        supplier_pushes.router(keyring),
        holds.router(hold_desk),
        figures.routes,
    ]


__all__ = ["BODY_LIMITS", "PROBLEMS", "HoldDesk", "RevealDesk", "routers"]
