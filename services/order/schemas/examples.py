"""Bodies as the published API shows them."""

from typing import Any, Final

_SKU_ID = "01939f6c-2a07-7b3e-9c51-5d10c0a8d889"

_LADDER: Final[dict[str, Any]] = {
    "kind": "ladder",
    "label": "星海视频 VIP 月卡 满 10 件批发价",
    "amount_minor": 1_000,
    "rule": f"ladder:{_SKU_ID}:10:1800",
}
_TIER: Final[dict[str, Any]] = {
    "kind": "tier",
    "label": "gold 会员价 9 折",
    "amount_minor": 1_800,
    "rule": "tier:gold:9000",
}

BASKET_EXAMPLE: Final[dict[str, Any]] = {
    "lines": [{"sku_id": _SKU_ID, "quantity": 10, "buyer_fields": {"account": "13800138000"}}]
}

ADDRESS_EXAMPLE: Final[dict[str, Any]] = {
    "recipient": "李雷",
    "phone": "13800138000",
    "province": "上海市",
    "city": "上海市",
    "district": "静安区",
    "detail": "南京西路 1 号 2 室",
}

CHECKOUT_EXAMPLE: Final[dict[str, Any]] = {
    **BASKET_EXAMPLE,
    "contact": {"email": "li@example.com"},
    "expected_total_minor": 16_200,
}

QUOTE_EXAMPLE: Final[dict[str, Any]] = {
    "currency": "CNY",
    "list_minor": 19_000,
    "total_minor": 16_200,
    "lines": [
        {
            "sku_id": _SKU_ID,
            "name": "星海视频 VIP 月卡",
            "quantity": 10,
            "unit_minor": 1_900,
            "list_minor": 19_000,
            "total_minor": 16_200,
            "period": "month",
            "adjustments": [_LADDER, _TIER],
        }
    ],
    "adjustments": [_LADDER, _TIER],
}
