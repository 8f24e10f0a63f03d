"""What a supplier delivers to an account."""

from dev.shelf.shapes import TopUp, page

_MOBILE = {
    "name": "account",
    "label_zh": "充值手机号",
    "label_en": "Mobile number",
    "kind": "phone",
    "pattern": "cn_mobile",
}

TOP_UPS = (
    TopUp(
        "全国话费充值",
        "话费充值",
        "话费 50 元",
        4_980,
        4_900,
        "TOPUP-50",
        (_MOBILE,),
        page(
            "三大运营商全国通用，直接充到您填写的手机号，一般一分钟内到账。",
            "50 元话费，直充到账",
            "移动、联通、电信通用",
            worth_minor=5_000,
            why="比营业厅省 0.2 元，充值失败自动全额退款。",
        ),
    ),
)
