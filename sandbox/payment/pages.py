"""What a person sees: the order and its amount, one button; then a word, and the way back to the shop."""

from collections.abc import Mapping
from html import escape

from shared.money import format_minor

_FRAME = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>沙箱支付</title><style>
body {{ margin: 0; background: #eef2f6; color: #16202b; font: 16px/1.6 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif }}
main {{ max-width: 22rem; margin: 12vh auto 0; padding: 2.2rem 1.8rem; background: #fff; border-radius: 18px; text-align: center;
  box-shadow: 0 12px 40px rgba(22, 32, 43, .08) }}
h1 {{ margin: 0 0 1.4rem; font-size: 1rem; font-weight: 600; color: #51606f }}
p {{ margin: .2rem 0; color: #51606f; overflow-wrap: anywhere }}
.amount {{ margin: .6rem 0 1.8rem; font-size: 2.6rem; font-weight: 700; color: #16202b; letter-spacing: -.02em }}
button {{ width: 100%; padding: .9rem; border: 0; border-radius: 12px; background: #1f6f50; color: #fff; font: inherit; font-weight: 600; cursor: pointer }}
a {{ color: #1f6f50 }} small {{ display: block; margin-top: 1.4rem; color: #6a7885 }}
</style></head><body><main><h1>沙箱支付</h1>{content}<small>演示环境，不会真的扣款</small></main></body></html>
"""


def pay_page(link: Mapping[str, str]) -> str:
    """The page behind a pay link: what for, how much, one button."""
    return _FRAME.format(
        head="",
        content=f"<p>订单 {escape(link['subject'])}</p>{_amount(link)}"
        f'<form method="post"><button>支付</button></form>{_way_back(link, "暂不支付，返回商家")}',
    )


def paid_page(link: Mapping[str, str]) -> str:
    """The money is there; the buyer is taken back in a moment."""
    back = link.get("return_url")
    head = f'<meta http-equiv="refresh" content="1;url={escape(back)}">' if back else ""
    return _FRAME.format(head=head, content=f"<p>支付成功</p>{_amount(link)}{_way_back(link, '返回商家')}")


def refused_page(code: str) -> str:
    """Why nothing was paid."""
    told = (
        "付款链接已过期，请回到商家重新下单。" if code == "link.expired" else "这笔付款无法完成，请回到商家查看订单。"
    )
    return _FRAME.format(head="", content=f"<p>{told}</p>")


def _amount(link: Mapping[str, str]) -> str:
    amount = format_minor(int(link["amount_minor"]), link["currency"])
    sign = "¥" if link["currency"] == "CNY" else escape(link["currency"]) + " "
    return f'<p class="amount">{sign}{amount}</p>'


def _way_back(link: Mapping[str, str], words: str) -> str:
    back = link.get("return_url")
    return f'<p style="margin-top:1rem"><a href="{escape(back)}">{words}</a></p>' if back else ""
