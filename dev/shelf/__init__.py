"""What stands on a new stack's shelf: invented brands, real shapes of goods."""

from dev.shelf.bundles import BUNDLES
from dev.shelf.cards import GOODS
from dev.shelf.other_kinds import OTHER_KINDS
from dev.shelf.shapes import BRANDS, CATEGORIES, Bundle, Goods, Sku, TopUp
from dev.shelf.top_ups import TOP_UPS

__all__ = ["BRANDS", "BUNDLES", "CATEGORIES", "GOODS", "OTHER_KINDS", "TOP_UPS", "Bundle", "Goods", "Sku", "TopUp"]
