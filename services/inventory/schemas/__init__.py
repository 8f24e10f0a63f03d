"""HTTP bodies, in and out."""

from services.inventory.schemas.alerts import ExpiringOut
from services.inventory.schemas.base import PRICE_MINOR_MAX
from services.inventory.schemas.batches import BatchActionOut, BatchOut, BatchPatch, BatchReasonIn
from services.inventory.schemas.cards import BatchIn, BatchResultOut, BrokenLineOut
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
from services.inventory.schemas.exports import ExportOut
from services.inventory.schemas.imports import ImportOut, PreviewOut, ShownLineOut
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
from services.inventory.schemas.rotations import RotationOut
from services.inventory.schemas.wallet import (
    CardOut,
    EntitlementOpsOut,
    EntitlementOut,
    RedeemedOut,
    RedemptionIn,
    RedemptionOut,
)

__all__ = [
    "PRICE_MINOR_MAX",
    "BatchActionOut",
    "BatchIn",
    "BatchOut",
    "BatchPatch",
    "BatchReasonIn",
    "BatchResultOut",
    "BrokenLineOut",
    "CardOut",
    "ComponentIn",
    "ComponentOut",
    "EntitlementOpsOut",
    "EntitlementOut",
    "ExpiringOut",
    "ExportOut",
    "FiguresOut",
    "HeldComponentIn",
    "HoldIn",
    "ImportOut",
    "LowStockOut",
    "PreviewOut",
    "ProductIn",
    "ProductOpsOut",
    "ProductOut",
    "ProductPatch",
    "RedeemedOut",
    "RedemptionIn",
    "RedemptionOut",
    "RotationOut",
    "ShownLineOut",
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
]
