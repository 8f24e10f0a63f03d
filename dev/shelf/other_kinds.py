"""Goods whose codes nobody hands over: made, linked, or sent, as they are paid for."""

from dev.shelf.shapes import Goods, Sku, page

OTHER_KINDS = (
    Goods(
        "青鸟音乐节",
        "现场与周边",
        1,
        (
            Sku(
                "青鸟音乐节 座位",
                19_900,
                {
                    "kind": "event_seat",
                    "stock_cap": 100,
                    "goods": {
                        "event": {
                            "starts_at": "2030-10-01T19:30:00+08:00",
                            "ends_at": "2030-10-01T22:00:00+08:00",
                            "place": "上海·青鸟大剧院",
                            "numbered": True,
                            "seat_prefix": "A-",
                        }
                    },
                },
                imported=False,
            ),
        ),
        page(
            "2030 年 10 月 1 日，上海·青鸟大剧院，对号入座。",
            "内场座位一个",
            "凭二维码入场",
            worth_minor=26_000,
            why="现场票 260 元，会员预售 199 元。",
        ),
        "入场时向工作人员出示二维码。",
    ),
    Goods(
        "星海随行杯",
        "现场与周边",
        0,
        (
            Sku(
                "星海随行杯",
                6_900,
                {"kind": "physical", "redeemable_here": False, "stock_cap": 50, "goods": {"cost_minor": 2_500}},
                imported=False,
            ),
        ),
        page(
            "双层不锈钢，450 毫升，付款后三天内寄出。",
            "随行杯一只",
            "全国包邮",
            worth_minor=8_900,
            why="官方店价 89 元。",
        ),
        "收货后请检查杯体与密封圈。",
    ),
    Goods(
        "星海视频体验卡",
        "视频会员",
        0,
        (
            Sku(
                "星海视频 7 天激活码",
                900,
                {"kind": "generated_key", "goods": {"code": {"prefix": "XH7"}, "validity": {"days": 365}}},
                imported=False,
            ),
        ),
        page(
            "先看七天，再决定要不要开通。",
            "7 天星海视频 VIP",
            worth_minor=1_200,
            why="折合每天 1.3 元，一年内随时激活。",
        ),
        "打开星海视频 → 我的 → 兑换中心，输入激活码。",
    ),
    Goods(
        "青鸟音乐领取链接",
        "音乐会员",
        1,
        (
            Sku(
                "青鸟音乐 月卡领取链接",
                1_300,
                {
                    "kind": "redeem_link",
                    "redeemable_here": False,
                    "goods": {
                        "code": {},
                        "link": {"hosts": ["music.example.com"], "template": "https://music.example.com/r?c={code}"},
                    },
                },
                imported=False,
            ),
        ),
        page(
            "不用抄码，点开链接即可领取一个月会员。",
            "青鸟音乐 VIP 一个月",
            worth_minor=1_800,
            why="官方月卡 18 元，一键领取。",
        ),
        "点“去使用”，在打开的页面登录青鸟音乐账号即可。",
    ),
    Goods(
        "拾光咖啡代金券",
        "餐饮卡券",
        2,
        (
            Sku(
                "拾光咖啡 满 100 减 20 代金券",
                1_500,
                {
                    "kind": "cash_voucher",
                    "stock_cap": 500,
                    "goods": {
                        "code": {"prefix": "SG"},
                        "value": {"face_minor": 2_000, "threshold_minor": 10_000},
                        "validity": {"days": 90},
                    },
                },
                imported=False,
            ),
        ),
        page(
            "全国门店堂食与自取可用，满 100 元减 20 元。",
            "20 元代金券一张",
            "90 天内有效",
            worth_minor=2_000,
            why="15 元买 20 元。",
        ),
        "结账前出示券码或二维码，由店员核销。",
    ),
    Goods(
        "拾光咖啡品鉴",
        "餐饮卡券",
        2,
        (Sku("拾光咖啡 到店品鉴", 3_900, {"kind": "offline_qr", "stock_cap": 200}, imported=False),),
        page(
            "三款手冲咖啡与一位咖啡师的四十分钟。",
            "手冲品鉴三杯",
            "咖啡师讲解",
            worth_minor=6_000,
            why="门店价 60 元。",
        ),
        "到店出示二维码，由店员核销。",
    ),
)
"""One of each kind that needs no cards."""
