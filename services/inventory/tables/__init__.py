"""The tables of inventory's database."""

from services.inventory.tables.base import METADATA
from services.inventory.tables.catalogue import PRODUCTS, SKU_CHOICES, SKU_COMPONENTS, SKUS
from services.inventory.tables.deliveries import DELIVERIES, ENTITLEMENTS, REDEMPTIONS, REVEALS
from services.inventory.tables.listing import CATEGORIES, FORBIDDEN_WORDS
from services.inventory.tables.stock import BUYER_FIELDS, CARD_BATCHES, CARDS, DATA_KEYS, HOLDS, SHELF, STOCK
from services.inventory.tables.supply import SUPPLIER_SKUS, SUPPLIER_TASKS, SUPPLIERS

__all__ = [
    "BUYER_FIELDS",
    "CARDS",
    "CARD_BATCHES",
    "CATEGORIES",
    "DATA_KEYS",
    "DELIVERIES",
    "ENTITLEMENTS",
    "FORBIDDEN_WORDS",
    "HOLDS",
    "METADATA",
    "PRODUCTS",
    "REDEMPTIONS",
    "REVEALS",
    "SHELF",
    "SKUS",
    "SKU_CHOICES",
    "SKU_COMPONENTS",
    "STOCK",
    "SUPPLIERS",
    "SUPPLIER_SKUS",
    "SUPPLIER_TASKS",
]
