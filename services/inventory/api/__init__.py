"""Inventory over HTTP: the shop, the wallet, partners' redemptions, operators, and the calls of other services."""

from typing import Final

from fastapi import APIRouter

from services.inventory.api import batches, catalogue, figures, holds, listing, partner, shop, suppliers, wallet
from services.inventory.api.desks import HoldDesk, RevealDesk
from services.inventory.domain.catalogue import (
    BundleRefusedError,
    PriceBelowFloorError,
    ProductUnknownError,
    SkuUnknownError,
    StockCapRefusedError,
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
from services.inventory.domain.listing import (
    CategoryRefusedError,
    CategoryUnknownError,
    ForbiddenWordError,
    ListingForbiddenError,
    ShelfTimesRefusedError,
)
from services.inventory.domain.offers import TermsRefusedError
from services.inventory.domain.stock import BuyerFieldsMissingError, StockInsufficientError
from services.inventory.domain.supply import (
    SupplierNameTakenError,
    SupplierUnknownError,
    TaskNotOpenError,
    TaskUnknownError,
)
from services.inventory.usecases.importing import CardSealer
from shared.crypto import Keyring
from shared.http import ProblemSpec

PROBLEMS: Final[dict[type[Exception], ProblemSpec]] = {
    AlreadyRedeemedError: ProblemSpec(409, "redemption.already_redeemed", "The code was redeemed before"),
    BundleRefusedError: ProblemSpec(422, "bundle.invalid", "The components do not make a bundle"),
    BuyerFieldsMissingError: ProblemSpec(422, "buyer_fields.missing", "Something is missing that the goods need"),
    CategoryRefusedError: ProblemSpec(409, "category.refused", "The list of categories does not allow it"),
    CategoryUnknownError: ProblemSpec(422, "category.unknown", "There is no such category"),
    CodeExpiredError: ProblemSpec(409, "redemption.expired", "The code has expired"),
    CodeUnknownError: ProblemSpec(404, "redemption.code_unknown", "There is no such code"),
    EntitlementRevokedError: ProblemSpec(409, "entitlement.revoked", "This was taken back"),
    EntitlementUnknownError: ProblemSpec(404, "entitlement.not_found", "There is no such entitlement"),
    ForbiddenWordError: ProblemSpec(422, "forbidden_word.invalid", "That is no such word"),
    ImportDuplicateError: ProblemSpec(409, "import.duplicate", "These cards are known already"),
    ImportRefusedError: ProblemSpec(422, "import.invalid", "Some lines cannot be taken"),
    ImportTooLargeError: ProblemSpec(413, "import.too_large", "There are too many cards in one import"),
    ImportUnreadableError: ProblemSpec(422, "import.unreadable", "This is not a list of cards"),
    ListingForbiddenError: ProblemSpec(422, "listing.forbidden", "Goods of that kind cannot be listed"),
    NothingToRevealError: ProblemSpec(409, "entitlement.no_code", "There is no code to show"),
    PriceBelowFloorError: ProblemSpec(409, "price.below_floor", "The price is below the floor"),
    ProductUnknownError: ProblemSpec(404, "product.unknown", "There is no such product"),
    RedeemRevokedError: ProblemSpec(409, "redemption.revoked", "The code was taken back"),
    RevealRefusedError: ProblemSpec(403, "risk.denied", "The code is not shown"),
    RevealUnavailableError: ProblemSpec(503, "risk.unavailable", "The code cannot be shown at the moment"),
    ShelfTimesRefusedError: ProblemSpec(422, "shelf_times.invalid", "The times on the shelf are out of order"),
    SkuUnknownError: ProblemSpec(404, "sku.unknown", "There is no such SKU"),
    StockCapRefusedError: ProblemSpec(409, "stock.cap_refused", "The cap cannot be set"),
    StockInsufficientError: ProblemSpec(409, "stock.insufficient", "There is not enough stock"),
    SupplierNameTakenError: ProblemSpec(409, "supplier.exists", "There is a supplier of that name"),
    SupplierUnknownError: ProblemSpec(404, "supplier.unknown", "There is no such supplier"),
    TermsRefusedError: ProblemSpec(422, "sku_terms.invalid", "The terms of the SKU contradict each other"),
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
        listing.routes,
        batches.router(sealer),
        suppliers.routes,
        suppliers.router(keyring),
        holds.router(hold_desk),
        figures.routes,
    ]


__all__ = ["BODY_LIMITS", "PROBLEMS", "HoldDesk", "RevealDesk", "routers"]
