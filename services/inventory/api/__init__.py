"""Inventory over HTTP: the shop, the wallet, partners' redemptions, operators, and the calls of other services."""

from typing import Final

from fastapi import APIRouter

from services.inventory.api import (
    batches,
    catalogue,
    figures,
    holds,
    links,
    partner,
    partner_batches,
    redemptions,
    reports,
    shop,
    suppliers,
    vouchers,
    wallet,
)
from services.inventory.api.desks import HoldDesk, RevealDesk
from services.inventory.api.redemption_problems import REDEMPTION_PROBLEMS
from services.inventory.domain.catalogue import (
    BundleRefusedError,
    PriceBelowFloorError,
    ProductUnknownError,
    SkuUnknownError,
    StockCapRefusedError,
)
from services.inventory.domain.entitlements import (
    EntitlementRevokedError,
    EntitlementUnknownError,
    NothingToRevealError,
    RevealRefusedError,
    RevealUnavailableError,
)
from services.inventory.domain.importing import (
    ImportDuplicateError,
    ImportRefusedError,
    ImportTooLargeError,
    ImportUnreadableError,
)
from services.inventory.domain.links import LinkInvalidError
from services.inventory.domain.reports import (
    ReportDecidedError,
    ReportNotAllowedError,
    ReportUnknownError,
    TooManyReportsError,
)
from services.inventory.domain.stock import BuyerFieldsMissingError, StockInsufficientError
from services.inventory.domain.supply import (
    SupplierNameTakenError,
    SupplierUnknownError,
    TaskNotOpenError,
    TaskUnknownError,
)
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.redeeming import Reader
from shared.crypto import Keyring
from shared.http import ProblemSpec

PROBLEMS: Final[dict[type[Exception], ProblemSpec]] = {
    BundleRefusedError: ProblemSpec(422, "bundle.invalid", "The components do not make a bundle"),
    BuyerFieldsMissingError: ProblemSpec(422, "buyer_fields.missing", "Something is missing that the goods need"),
    EntitlementRevokedError: ProblemSpec(409, "entitlement.revoked", "This was taken back"),
    EntitlementUnknownError: ProblemSpec(404, "entitlement.not_found", "There is no such entitlement"),
    ImportDuplicateError: ProblemSpec(409, "import.duplicate", "These cards are known already"),
    ImportRefusedError: ProblemSpec(422, "import.invalid", "Some lines cannot be taken"),
    ImportTooLargeError: ProblemSpec(413, "import.too_large", "There are too many cards in one import"),
    ImportUnreadableError: ProblemSpec(422, "import.unreadable", "This is not a list of cards"),
    LinkInvalidError: ProblemSpec(410, "link.invalid", "This link is not good"),
    NothingToRevealError: ProblemSpec(409, "entitlement.no_code", "There is no code to show"),
    PriceBelowFloorError: ProblemSpec(409, "price.below_floor", "The price is below the floor"),
    ProductUnknownError: ProblemSpec(404, "product.unknown", "There is no such product"),
    ReportDecidedError: ProblemSpec(409, "report.decided", "The report was decided"),
    ReportNotAllowedError: ProblemSpec(409, "report.not_allowed", "This cannot be reported"),
    ReportUnknownError: ProblemSpec(404, "report.unknown", "There is no such report"),
    RevealRefusedError: ProblemSpec(403, "risk.denied", "The code is not shown"),
    RevealUnavailableError: ProblemSpec(503, "risk.unavailable", "The code cannot be shown at the moment"),
    SkuUnknownError: ProblemSpec(404, "sku.unknown", "There is no such SKU"),
    StockCapRefusedError: ProblemSpec(409, "stock.cap_refused", "The cap cannot be set"),
    StockInsufficientError: ProblemSpec(409, "stock.insufficient", "There is not enough stock"),
    SupplierNameTakenError: ProblemSpec(409, "supplier.exists", "There is a supplier of that name"),
    SupplierUnknownError: ProblemSpec(404, "supplier.unknown", "There is no such supplier"),
    TaskNotOpenError: ProblemSpec(409, "task.ended", "The task has ended"),
    TaskUnknownError: ProblemSpec(404, "task.unknown", "There is no such task"),
    TooManyReportsError: ProblemSpec(429, "report.too_many", "There were too many reports"),
    **REDEMPTION_PROBLEMS,
}

BODY_LIMITS: Final = {
    "/v1/ops/skus/{sku_id}/batches": batches.BODY_BYTES_MAX,
    "/internal/holds": 1024 * 1024,
    partner_batches.PATH: partner_batches.BODY_BYTES_MAX,
    partner_batches.OFFLINE_PATH: partner_batches.BODY_BYTES_MAX,
}


def routers(*, hold_desk: HoldDesk, reveal_desk: RevealDesk, sealer: CardSealer, keyring: Keyring) -> list[APIRouter]:
    """All paths of the service."""
    reader = Reader(sealer, keyring)
    return [
        shop.routes,
        wallet.router(reveal_desk),
        vouchers.router(keyring),
        links.router(reveal_desk, keyring),
        partner.router(reader),
        partner_batches.router(reader),
        redemptions.routes,
        reports.routes,
        catalogue.routes,
        batches.router(sealer),
        suppliers.routes,
        suppliers.router(keyring),
        holds.router(hold_desk),
        figures.routes,
    ]


__all__ = ["BODY_LIMITS", "PROBLEMS", "HoldDesk", "RevealDesk", "routers"]
