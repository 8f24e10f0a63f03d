"""Bodies as the published API shows them."""

from typing import Any, Final

from services.inventory.schemas.goods import GOODS_EXAMPLE
from services.inventory.schemas.terms import TERMS_EXAMPLE

PRODUCT_EXAMPLE: Final[dict[str, Any]] = {
    "name": "周末畅享礼包",
    "category": "bundles",
    "description": "视频 + 音乐 + 咖啡,一次开通。",
    "included": ["星海视频 VIP 月卡 1 张", "青鸟音乐 VIP 季卡 1 张", "星海咖啡中杯兑换券 1 张"],
    "worth_minor": 10_700,
    "why": "单买合计 107 元,打包立省 8 元。",
    "instructions": "付款后在权益中心查看卡密,按各品牌页面提示兑换。",
    "images": ["https://img.example.com/weekend.png"],
    "on_shelf": True,
    "on_shelf_from": "2026-12-01T00:00:00+08:00",
    "on_shelf_until": "2027-01-01T00:00:00+08:00",
}

SKU_EXAMPLE: Final[dict[str, Any]] = {
    "product_id": "01939f6c-2a06-7b3e-9c51-5d10c0a8b99a",
    "name": "星海视频 VIP 月卡",
    "kind": "card_key",
    "price_minor": 1_900,
    "price_floor_minor": 1_500,
    "max_per_order": 200,
    **TERMS_EXAMPLE,
}

CASH_VOUCHER_EXAMPLE: Final[dict[str, Any]] = {
    "product_id": "01939f6c-2a06-7b3e-9c51-5d10c0a8b99a",
    "name": "星海咖啡满 100 减 20 代金券",
    "kind": "cash_voucher",
    "price_minor": 990,
    "partner_id": "01939f6c-2a10-7b3e-9c51-5d10c0a9aeee",
    "stock_cap": 1_000,
    "goods": GOODS_EXAMPLE,
}

BUNDLE_EXAMPLE: Final[dict[str, Any]] = {
    "product_id": "01939f6c-2a06-7b3e-9c51-5d10c0a8b99a",
    "name": "视频 + 任选两项",
    "kind": "bundle",
    "price_minor": 5_900,
    "stock_cap": 500,
    "components": [{"sku_id": "01939f6c-2a08-7b3e-9c51-5d10c0a8f778", "quantity": 1, "weight": 3}],
    "choices": [
        {
            "name": "任选两项",
            "pick": 2,
            "options": [
                {"sku_id": "01939f6c-2a09-7b3e-9c51-5d10c0a91667", "weight": 2},
                {"sku_id": "01939f6c-2a0a-7b3e-9c51-5d10c0a93556", "weight": 1},
                {"sku_id": "01939f6c-2a0b-7b3e-9c51-5d10c0a95445", "weight": 4, "extra_minor": 500},
            ],
        }
    ],
}

PRODUCT_SEEN_EXAMPLE: Final[dict[str, Any]] = {
    "product_id": "01939f6c-2a06-7b3e-9c51-5d10c0a8b99a",
    **{name: value for name, value in PRODUCT_EXAMPLE.items() if name != "on_shelf"},
    "skus": [
        {
            "sku_id": "01939f6c-2a07-7b3e-9c51-5d10c0a8d889",
            "name": "周末畅享礼包",
            "kind": "card_key",
            "price_minor": 9_900,
            "currency": "CNY",
            "max_per_order": 10,
            "stock": 200,
            "stock_unlimited": False,
            **TERMS_EXAMPLE,
        }
    ],
}
