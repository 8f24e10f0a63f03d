"""What a person sees."""

from collections.abc import Mapping
from html import escape

from shared.money import format_minor

_PAGE = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>沙箱支付</title>
<body style="font-family: sans-serif; max-width: 24rem; margin: 4rem auto; text-align: center">
<h1>沙箱支付</h1><p>订单 {subject}</p><p style="font-size: 2rem">{amount} {currency}</p>
<form method="post"><button style="font-size: 1.2rem; padding: .6rem 2rem">支付</button></form>
<p><small>This money is pretended.</small></p></body></html>
"""


def pay_page(link: Mapping[str, str]) -> str:
    """The page behind a pay link: what for, how much, one button."""
    return _PAGE.format(
        subject=escape(link["subject"]),
        amount=format_minor(int(link["amount_minor"]), link["currency"]),
        currency=escape(link["currency"]),
    )
