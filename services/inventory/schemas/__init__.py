"""HTTP bodies, in and out."""

from services.inventory.schemas.base import PRICE_MINOR_MAX
from services.inventory.schemas.cards import BatchIn, BatchOut, BatchResultOut, BrokenLineOut
from services.inventory.schemas.catalogue import (
    ComponentIn,
    ComponentOut,
    ProductIn,
    ProductOpsOut,
    ProductOut,
    ProductPatch,
    SkuIn,
    SkuOpsOut,
    SkuOut,
    SkuPatch,
)
from services.inventory.schemas.operations import (
    FiguresOut,
    HeldComponentIn,
    HoldIn,
    LowStockOut,
    SupplierIn,
    SupplierOut,
    SupplierPatch,
    SupplierSkuIn,
    SupplierSkusIn,
    SupplierTaskOut,
    TaskResolutionIn,
)
from services.inventory.schemas.redemptions import RedeemedOut, RedemptionIn, RedemptionOut, TillIn
from services.inventory.schemas.wallet import CardOut, EntitlementOpsOut, EntitlementOut

__all__ = [
    "PRICE_MINOR_MAX",
    "BatchIn",
    "BatchOut",
    "BatchResultOut",
    "BrokenLineOut",
    "CardOut",
    "ComponentIn",
    "ComponentOut",
    "EntitlementOpsOut",
    "EntitlementOut",
    "FiguresOut",
    "HeldComponentIn",
    "HoldIn",
    "LowStockOut",
    "ProductIn",
    "ProductOpsOut",
    "ProductOut",
    "ProductPatch",
    "RedeemedOut",
    "RedemptionIn",
    "RedemptionOut",
    "SkuIn",
    "SkuOpsOut",
    "SkuOut",
    "SkuPatch",
    "SupplierIn",
    "SupplierOut",
    "SupplierPatch",
    "SupplierSkuIn",
    "SupplierSkusIn",
    "SupplierTaskOut",
    "TaskResolutionIn",
    "TillIn",
]
