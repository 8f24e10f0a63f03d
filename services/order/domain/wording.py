"""The words of messages: Chinese first, English second. A link, never a code, a password or a contact."""

import html
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.order.domain.messages import Letter, Occasion

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_GOODS_NAMED_MAX = 3
_SIGNS = {"CNY": "¥"}


@dataclass(frozen=True, slots=True)
class Text:
    """A title and a paragraph in both languages."""

    title: str
    body: str
    title_en: str
    body_en: str


def text_of(letter: Letter) -> Text:
    """What the inbox shows."""
    return _TEXTS[letter.notice.occasion](letter)


def values_of(letter: Letter, *, link: str) -> dict[str, str]:
    """What a provider's template may be filled with: `order_no`, `goods`, `amount`, `date`, `link`."""
    notice = letter.notice
    values = {"order_no": letter.order_no, "goods": _goods(letter, "等"), "amount": _money(letter), "link": link}
    if notice.expires_at is not None:
        values["date"] = f"{notice.expires_at.astimezone(_SHANGHAI):%Y-%m-%d}"
    return values


def plain(text: Text, *, link: str) -> str:
    """The body of a mail as plain text."""
    return f"{text.body}\n{link}\n\n{text.body_en}\n{link}\n\n这是系统自动发送的邮件，请勿回复。卡密只在您打开订单后显示，我们不会在邮件或短信里发送卡密。\n"


def page(text: Text, *, link: str) -> str:
    """The same as simple HTML. Everything that comes from elsewhere is escaped."""
    address = html.escape(link, quote=True)
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"></head>'
        '<body style="font-family:sans-serif;line-height:1.6;max-width:36em;margin:2em auto">'
        f"<h2>{html.escape(text.title)}</h2><p>{html.escape(text.body)}</p>"
        f'<p><a href="{address}">查看订单 / View order</a></p>'
        f'<p style="color:#666">{html.escape(text.title_en)}. {html.escape(text.body_en)}</p>'
        '<p style="color:#999;font-size:small">这是系统自动发送的邮件，请勿回复。'
        "卡密只在您打开订单后显示，我们不会在邮件或短信里发送卡密。</p></body></html>"
    )


def _fulfilled(letter: Letter) -> Text:
    return Text(
        "您的订单已发货",
        f"您购买的{_goods(letter, '等')}已经到账（订单 {letter.order_no}），请打开订单查看和使用。",
        "Your order is ready",
        f"{_goods(letter, ' and more')} of order {letter.order_no} is ready. Open the order to see and use it.",
    )


def _unavailable(letter: Letter) -> Text:
    return Text(
        "部分商品未能发货，款项将退回",
        f"很抱歉，订单 {letter.order_no} 中的{_goods(letter, '等')}未能发货，{_money(letter)}正在原路退回，其余商品不受影响。",
        "Something could not be delivered",
        f"We are sorry: {_goods(letter, ' and more')} of order {letter.order_no} could not be delivered. "
        f"{_money(letter)} is on its way back to you; everything else is not affected.",
    )


def _refunded(letter: Letter) -> Text:
    return Text(
        "退款已完成",
        f"订单 {letter.order_no} 的退款 {_money(letter)} 已原路退回，到账时间以支付渠道为准。",
        "Your refund is done",
        f"{_money(letter)} of order {letter.order_no} was sent back the way it was paid.",
    )


def _expiring(letter: Letter) -> Text:
    end = letter.notice.expires_at
    day = "" if end is None else f"{end.astimezone(_SHANGHAI):%Y-%m-%d}"
    return Text(
        "您的权益即将到期",
        f"您的{_goods(letter, '等')}将于 {day} 到期，尚未使用，请尽快使用（订单 {letter.order_no}）。",
        "Something of yours ends soon",
        f"{_goods(letter, ' and more')} of order {letter.order_no} ends on {day} and was not used yet.",
    )


def _ticket_answered(letter: Letter) -> Text:
    return Text(
        "您的售后申请有新回复",
        f"商家回复了您关于{_goods(letter, '等')}的售后申请（订单 {letter.order_no}），请打开订单查看并回复。",
        "The shop has answered you",
        f"There is an answer about {_goods(letter, ' and more')} of order {letter.order_no}. Open the order to read it.",
    )


def _ticket_resolved(letter: Letter) -> Text:
    return Text(
        "您的售后申请已处理",
        f"您关于{_goods(letter, '等')}的售后申请已有处理结果（订单 {letter.order_no}），请打开订单查看，并为本次服务评分。",
        "Your request was decided",
        f"Your request about {_goods(letter, ' and more')} of order {letter.order_no} was decided. "
        "Open the order to see how, and tell us how it was.",
    )


_TEXTS = {
    Occasion.FULFILLED: _fulfilled,
    Occasion.UNAVAILABLE: _unavailable,
    Occasion.REFUNDED: _refunded,
    Occasion.EXPIRING: _expiring,
    Occasion.TICKET_ANSWERED: _ticket_answered,
    Occasion.TICKET_RESOLVED: _ticket_resolved,
}


def _goods(letter: Letter, and_more: str) -> str:
    names = list(dict.fromkeys(letter.notice.goods))
    named = "、".join(names[:_GOODS_NAMED_MAX])
    return named + and_more if len(names) > _GOODS_NAMED_MAX else named


def _money(letter: Letter) -> str:
    notice = letter.notice
    amount = f"{notice.amount_minor // 100}.{notice.amount_minor % 100:02}"
    return f"{_SIGNS[notice.currency]}{amount}" if notice.currency in _SIGNS else f"{amount} {notice.currency}"
