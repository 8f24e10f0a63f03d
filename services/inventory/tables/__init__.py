"""The tables of inventory's database."""

from services.inventory.tables.base import METADATA
from services.inventory.tables.batches import BATCH_ACTIONS, FROZEN_CARDS
from services.inventory.tables.catalogue import PRODUCTS, SKU_COMPONENTS, SKUS
from services.inventory.tables.deliveries import DELIVERIES, ENTITLEMENTS, REDEMPTIONS, REVEALS
from services.inventory.tables.exports import CANARIES, CARD_EXPORTS
from services.inventory.tables.imports import IMPORT_LINES, IMPORTS
from services.inventory.tables.rotations import KEY_ROTATIONS
from services.inventory.tables.stock import (
    BUYER_FIELDS,
    CARD_BATCHES,
    CARDS,
    DATA_KEYS,
    HOLDS,
    SHELF,
    SHELF_SORTINGS,
    STOCK,
)
from services.inventory.tables.supply import SUPPLIER_SKUS, SUPPLIER_TASKS, SUPPLIERS

__all__ = [
    "BATCH_ACTIONS",
    "BUYER_FIELDS",
    "CANARIES",
    "CARDS",
    "CARD_BATCHES",
    "CARD_EXPORTS",
    "DATA_KEYS",
    "DELIVERIES",
    "ENTITLEMENTS",
    "FROZEN_CARDS",
    "HOLDS",
    "IMPORTS",
    "IMPORT_LINES",
    "KEY_ROTATIONS",
    "METADATA",
    "PRODUCTS",
    "REDEMPTIONS",
    "REVEALS",
    "SHELF",
    "SHELF_SORTINGS",
    "SKUS",
    "SKU_COMPONENTS",
    "STOCK",
    "SUPPLIERS",
    "SUPPLIER_SKUS",
    "SUPPLIER_TASKS",
]
