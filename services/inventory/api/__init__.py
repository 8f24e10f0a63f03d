"""Inventory over HTTP: the shop, the wallet, partners' redemptions, operators, and the calls of other services."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter

from services.inventory.api import (
    after_sale,
    alerts,
    attendance,
    batch_life,
    batches,
    catalogue,
    channel_reveals,
    exports,
    figures,
    gifts,
    holds,
    imports,
    links,
    listing,
    partner,
    partner_batches,
    redemptions,
    reports,
    rotations,
    shipping,
    shop,
    supplier_health,
    supplier_pushes,
    suppliers,
    undoing,
    vouchers,
    wallet,
)
from services.inventory.api.desks import HoldDesk, RevealDesk
from services.inventory.api.redemption_problems import REDEMPTION_PROBLEMS
from services.inventory.api.uploads import BODY_BYTES_MAX
from services.inventory.domain.attendance import AttendeesTooManyError
from services.inventory.domain.batches import BatchBusyError, BatchMoveError, BatchUnknownError
from services.inventory.domain.catalogue import (
    BundleRefusedError,
    PriceBelowFloorError,
    ProductUnknownError,
    SkuUnknownError,
    StockCapRefusedError,
    SuppliedRefusedError,
)
from services.inventory.domain.entitlements import (
    EntitlementRevokedError,
    EntitlementUnknownError,
    GiftPendingError,
    NothingToRevealError,
    RevealRefusedError,
    RevealUnavailableError,
)
from services.inventory.domain.exports import (
    ExportStateError,
    ExportTooLargeError,
    ExportUnknownError,
    FourEyesError,
)
from services.inventory.domain.gifting import (
    GiftNotAllowedError,
    GiftOverError,
    GiftRules,
    GiftToSelfError,
    GiftUnknownError,
    TooManyGiftsError,
)
from services.inventory.domain.goods import GoodsRefusedError
from services.inventory.domain.importing import (
    ImportDuplicateError,
    ImportRefusedError,
    ImportTooLargeError,
    ImportUnknownError,
    ImportUnreadableError,
)
from services.inventory.domain.links import LinkInvalidError
from services.inventory.domain.listing import (
    CategoryRefusedError,
    CategoryUnknownError,
    ForbiddenWordError,
    ListingForbiddenError,
    ShelfTimesRefusedError,
)
from services.inventory.domain.offers import TermsRefusedError
from services.inventory.domain.reports import (
    ReportDecidedError,
    ReportNotAllowedError,
    ReportUnknownError,
    TooManyReportsError,
)
from services.inventory.domain.rotations import RotationUnderWayError
from services.inventory.domain.shipment_files import ShipmentFileError
from services.inventory.domain.shipping import ShipmentStateError, ShipmentsTooManyError, ShipmentUnknownError
from services.inventory.domain.stock import BuyerFieldsMissingError, StockInsufficientError
from services.inventory.domain.substitutes import SubstituteRefusedError
from services.inventory.domain.supply import (
    CardsMissingError,
    SupplierNameTakenError,
    SupplierUnknownError,
    TaskNotOpenError,
    TaskUnknownError,
)
from services.inventory.domain.syncing import PushRefusedError
from services.inventory.usecases.importing import CardSealer
from services.inventory.usecases.redeeming import Reader
from shared.crypto import Keyring
from shared.http import ProblemSpec

PROBLEMS: Final[dict[type[Exception], ProblemSpec]] = {
    AttendeesTooManyError: ProblemSpec(413, "attendees.too_many", "There are too many attendees in one file"),
    BatchBusyError: ProblemSpec(409, "batch.busy", "Its cards are coming or going at this moment"),
    BatchMoveError: ProblemSpec(409, "batch.state", "The batch is in another state"),
    BatchUnknownError: ProblemSpec(404, "batch.unknown", "There is no such batch"),
    BundleRefusedError: ProblemSpec(422, "bundle.invalid", "The components do not make a bundle"),
    BuyerFieldsMissingError: ProblemSpec(422, "buyer_fields.missing", "Something is missing that the goods need"),
    CardsMissingError: ProblemSpec(409, "task.cards_missing", "The cards of the order are not here"),
    EntitlementRevokedError: ProblemSpec(409, "entitlement.revoked", "This was taken back"),
    EntitlementUnknownError: ProblemSpec(404, "entitlement.not_found", "There is no such entitlement"),
    ExportStateError: ProblemSpec(409, "export.state", "The export is in another state"),
    ExportTooLargeError: ProblemSpec(413, "export.too_large", "There are too many cards in one export"),
    ExportUnknownError: ProblemSpec(404, "export.unknown", "There is no such export"),
    FourEyesError: ProblemSpec(403, "export.four_eyes", "Two operators are needed"),
    GoodsRefusedError: ProblemSpec(422, "sku_goods.invalid", "The goods are not what the kind of the SKU needs"),
    CategoryRefusedError: ProblemSpec(409, "category.refused", "The list of categories does not allow it"),
    CategoryUnknownError: ProblemSpec(422, "category.unknown", "There is no such category"),
    ForbiddenWordError: ProblemSpec(422, "forbidden_word.invalid", "That is no such word"),
    ImportDuplicateError: ProblemSpec(409, "import.duplicate", "These cards are known already"),
    ImportRefusedError: ProblemSpec(422, "import.invalid", "Some lines cannot be taken"),
    ImportTooLargeError: ProblemSpec(413, "import.too_large", "There are too many cards in one import"),
    ImportUnknownError: ProblemSpec(404, "import.unknown", "There is no such import"),
    ImportUnreadableError: ProblemSpec(422, "import.unreadable", "This is not a list of cards"),
    LinkInvalidError: ProblemSpec(410, "link.invalid", "This link is not good"),
    ListingForbiddenError: ProblemSpec(422, "listing.forbidden", "Goods of that kind cannot be listed"),
    NothingToRevealError: ProblemSpec(409, "entitlement.no_code", "There is no code to show"),
    PriceBelowFloorError: ProblemSpec(409, "price.below_floor", "The price is below the floor"),
    ProductUnknownError: ProblemSpec(404, "product.unknown", "There is no such product"),
    PushRefusedError: ProblemSpec(409, "supplier.push_stale", "Something newer is known already"),
    ReportDecidedError: ProblemSpec(409, "report.decided", "The report was decided"),
    ReportNotAllowedError: ProblemSpec(409, "report.not_allowed", "This cannot be reported"),
    ReportUnknownError: ProblemSpec(404, "report.unknown", "There is no such report"),
    RevealRefusedError: ProblemSpec(403, "risk.denied", "The code is not shown"),
    RevealUnavailableError: ProblemSpec(503, "risk.unavailable", "The code cannot be shown at the moment"),
    RotationUnderWayError: ProblemSpec(409, "rotation.under_way", "The batch is moving to a new key already"),
    ShipmentFileError: ProblemSpec(422, "shipments.unreadable", "That is no list of shipments"),
    ShipmentStateError: ProblemSpec(409, "shipment.state", "The shipment is somewhere else"),
    ShipmentsTooManyError: ProblemSpec(413, "shipments.too_many", "There are too many shipments in one file"),
    ShipmentUnknownError: ProblemSpec(404, "shipment.unknown", "There is no such shipment"),
    ShelfTimesRefusedError: ProblemSpec(422, "shelf_times.invalid", "The times on the shelf are out of order"),
    SkuUnknownError: ProblemSpec(404, "sku.unknown", "There is no such SKU"),
    StockCapRefusedError: ProblemSpec(409, "stock.cap_refused", "The cap cannot be set"),
    StockInsufficientError: ProblemSpec(409, "stock.insufficient", "There is not enough stock"),
    SubstituteRefusedError: ProblemSpec(422, "substitute.refused", "The one cannot stand in for the other"),
    SuppliedRefusedError: ProblemSpec(422, "sku.not_supplied", "Only cards are bought when they are delivered"),
    SupplierNameTakenError: ProblemSpec(409, "supplier.exists", "There is a supplier of that name"),
    SupplierUnknownError: ProblemSpec(404, "supplier.unknown", "There is no such supplier"),
    TermsRefusedError: ProblemSpec(422, "sku_terms.invalid", "The terms of the SKU contradict each other"),
    TaskNotOpenError: ProblemSpec(409, "task.ended", "The task has ended"),
    TaskUnknownError: ProblemSpec(404, "task.unknown", "There is no such task"),
    TooManyReportsError: ProblemSpec(429, "report.too_many", "There were too many reports"),
    GiftNotAllowedError: ProblemSpec(409, "gift.not_allowed", "This cannot be given away"),
    GiftOverError: ProblemSpec(409, "gift.over", "The gift is not there to be had any more"),
    GiftPendingError: ProblemSpec(409, "gift.pending", "This is being given away"),
    GiftToSelfError: ProblemSpec(409, "gift.to_self", "This is your own gift"),
    GiftUnknownError: ProblemSpec(404, "gift.unknown", "There is no such gift"),
    TooManyGiftsError: ProblemSpec(429, "gift.too_many", "There were too many gifts"),
    **REDEMPTION_PROBLEMS,
}

BODY_LIMITS: Final = {
    "/v1/ops/skus/{sku_id}/batches": BODY_BYTES_MAX,
    "/v1/ops/skus/{sku_id}/imports": BODY_BYTES_MAX,
    "/internal/holds": 1024 * 1024,
    "/v1/ops/shipments/ship": 2 * 1024 * 1024,
    partner_batches.PATH: partner_batches.BODY_BYTES_MAX,
    partner_batches.OFFLINE_PATH: partner_batches.BODY_BYTES_MAX,
}


def routers(
    *,
    hold_desk: HoldDesk,
    reveal_desk: RevealDesk,
    sealer: CardSealer,
    keyring: Keyring,
    undo_within: timedelta,
    gift_rules: GiftRules,
) -> list[APIRouter]:
    """All paths of the service."""
    reader = Reader(sealer, keyring)
    return [
        shop.routes,
        wallet.router(reveal_desk),
        channel_reveals.router(keyring),
        after_sale.routes,
        vouchers.router(keyring),
        attendance.router(keyring),
        shipping.routes,
        shipping.router(keyring),
        links.router(reveal_desk, keyring),
        partner.router(reader),
        partner_batches.router(reader),
        redemptions.routes,
        undoing.router(undo_within),
        gifts.routes,
        gifts.router(gift_rules),
        reports.routes,
        catalogue.routes,
        listing.routes,
        batches.router(sealer),
        batch_life.routes,
        alerts.routes,
        exports.routes,
        exports.router(sealer, keyring),
        rotations.router(keyring),
        imports.router(sealer, keyring),
        suppliers.routes,
        suppliers.router(keyring, sealer),
        supplier_health.routes,
        supplier_pushes.router(keyring),
        holds.router(hold_desk),
        figures.routes,
    ]


__all__ = ["BODY_LIMITS", "PROBLEMS", "HoldDesk", "RevealDesk", "routers"]
