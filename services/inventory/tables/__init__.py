"""The tables of inventory's database."""

from services.inventory.tables.base import METADATA
from services.inventory.tables.batches import BATCH_ACTIONS, FROZEN_CARDS
from services.inventory.tables.catalogue import PRODUCTS, SKU_CHOICES, SKU_COMPONENTS, SKU_SUBSTITUTES, SKUS
from services.inventory.tables.deliveries import DELIVERIES, ENTITLEMENTS, REVEALS
from services.inventory.tables.exports import CANARIES, CARD_EXPORTS
from services.inventory.tables.gifts import GIFTS
from services.inventory.tables.health import SUPPLIER_CALLS, SUPPLIER_CIRCUITS
from services.inventory.tables.imports import IMPORT_LINES, IMPORTS
from services.inventory.tables.links import REVEAL_LINKS
from services.inventory.tables.listing import CATEGORIES, FORBIDDEN_WORDS
from services.inventory.tables.offline import OFFLINE_VOUCHERS, REDEMPTION_CONFLICTS
from services.inventory.tables.redemptions import REDEMPTIONS
from services.inventory.tables.reports import CARD_REPORTS
from services.inventory.tables.rotations import KEY_ROTATIONS
from services.inventory.tables.shipping import PERSONAL_READS, SEATS, SHIPMENTS
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
from services.inventory.tables.supply import SUPPLIER_SKUS, SUPPLIER_TASKS, SUPPLIER_TRIES, SUPPLIERS

__all__ = [
    "BATCH_ACTIONS",
    "BUYER_FIELDS",
    "CANARIES",
    "CARDS",
    "CARD_BATCHES",
    "CARD_EXPORTS",
    "CARD_REPORTS",
    "CATEGORIES",
    "DATA_KEYS",
    "DELIVERIES",
    "ENTITLEMENTS",
    "FORBIDDEN_WORDS",
    "FROZEN_CARDS",
    "GIFTS",
    "HOLDS",
    "IMPORTS",
    "IMPORT_LINES",
    "KEY_ROTATIONS",
    "METADATA",
    "OFFLINE_VOUCHERS",
    "PERSONAL_READS",
    "PRODUCTS",
    "REDEMPTIONS",
    "REDEMPTION_CONFLICTS",
    "REVEALS",
    "REVEAL_LINKS",
    "SEATS",
    "SHELF",
    "SHELF_SORTINGS",
    "SHIPMENTS",
    "SKUS",
    "SKU_CHOICES",
    "SKU_COMPONENTS",
    "SKU_SUBSTITUTES",
    "STOCK",
    "SUPPLIERS",
    "SUPPLIER_CALLS",
    "SUPPLIER_CIRCUITS",
    "SUPPLIER_SKUS",
    "SUPPLIER_TASKS",
    "SUPPLIER_TRIES",
]
