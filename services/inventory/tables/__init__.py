"""The tables of inventory's database."""

from services.inventory.tables.base import METADATA
from services.inventory.tables.catalogue import PRODUCTS, SKU_COMPONENTS, SKUS
from services.inventory.tables.deliveries import DELIVERIES, ENTITLEMENTS, REVEALS
from services.inventory.tables.links import REVEAL_LINKS
from services.inventory.tables.offline import OFFLINE_VOUCHERS, REDEMPTION_CONFLICTS
from services.inventory.tables.redemptions import REDEMPTIONS
from services.inventory.tables.reports import CARD_REPORTS
from services.inventory.tables.stock import BUYER_FIELDS, CARD_BATCHES, CARDS, DATA_KEYS, HOLDS, SHELF, STOCK
from services.inventory.tables.supply import SUPPLIER_SKUS, SUPPLIER_TASKS, SUPPLIERS

__all__ = [
    "BUYER_FIELDS",
    "CARDS",
    "CARD_BATCHES",
    "CARD_REPORTS",
    "DATA_KEYS",
    "DELIVERIES",
    "ENTITLEMENTS",
    "HOLDS",
    "METADATA",
    "OFFLINE_VOUCHERS",
    "PRODUCTS",
    "REDEMPTIONS",
    "REDEMPTION_CONFLICTS",
    "REVEALS",
    "REVEAL_LINKS",
    "SHELF",
    "SKUS",
    "SKU_COMPONENTS",
    "STOCK",
    "SUPPLIERS",
    "SUPPLIER_SKUS",
    "SUPPLIER_TASKS",
]
