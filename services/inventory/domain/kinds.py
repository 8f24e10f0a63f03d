"""Fulfilment kinds: where units of a SKU come from, what their owner is shown, and what may be taken back.

One row per kind. Whoever issues, shows, honours or takes back asks this table, so that a new kind is a new row and,
where its units come from somewhere new, one more source.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.goods import Goods, GoodsRefusedError
from services.inventory.domain.terms import ATTENDEE_NAME, ATTENDEE_PHONE, SHIPPING_ADDRESS, BuyerField


class Source(StrEnum):
    """Where units come from when they are paid for. Of one SKU it never changes.

    `shelf`: cards that lie here; stock is what was imported. `supplier`: ordered when paid for. `mint`: made by us as
    they are paid for. `hand`: sent by somebody. `parts`: a bundle's. Stock of all but the shelf is a counter, which may be without limit.
    """

    SHELF = "shelf"
    SUPPLIER = "supplier"
    MINT = "mint"
    HAND = "hand"
    PARTS = "parts"


class Shown(StrEnum):
    """What the owner gets to see of a unit: by a reveal a code or a link, else a QR code, or nothing at all."""

    CODE = "code"
    LINK = "link"
    QR = "qr"
    NOTHING = "nothing"


class TakenBack(StrEnum):
    """Until when a refund takes a unit back.

    `unseen`: until somebody saw it or, where it is honoured through us alone, until it was redeemed. What is shown as a QR
    code is never seen. `unsent`: until it was sent, and after that what came back or was lost. `never`: once it has arrived.
    """

    UNSEEN = "unseen"
    UNSENT = "unsent"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind means. `honoured_here`: partners honour it through us, always; else the SKU says so.

    `needs` and `takes` are the parts of a SKU's goods that it must and may have. `asks` is what the buyer always has to
    tell.
    """

    source: Source
    shown: Shown
    taken_back: TakenBack = TakenBack.UNSEEN
    honoured_here: bool = False
    needs: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    asks: tuple[BuyerField, ...] = ()


KINDS: Final[Mapping[SkuKind, Kind]] = {
    SkuKind.CARD_KEY: Kind(Source.SHELF, Shown.CODE),
    SkuKind.DIRECT_TOP_UP: Kind(Source.SUPPLIER, Shown.NOTHING, TakenBack.NEVER),
    SkuKind.BUNDLE: Kind(Source.PARTS, Shown.NOTHING),
    SkuKind.GENERATED_KEY: Kind(
        Source.MINT, Shown.CODE, honoured_here=True, needs=frozenset({"code"}), takes=frozenset({"validity"})
    ),
    SkuKind.REDEEM_LINK: Kind(
        Source.SHELF, Shown.LINK, needs=frozenset({"link"}), takes=frozenset({"code", "validity"})
    ),
    SkuKind.CASH_VOUCHER: Kind(
        Source.SHELF,
        Shown.CODE,
        honoured_here=True,
        needs=frozenset({"value", "validity"}),
        takes=frozenset({"code"}),
    ),
    SkuKind.OFFLINE_QR: Kind(Source.MINT, Shown.QR, honoured_here=True, takes=frozenset({"validity"})),
    SkuKind.PHYSICAL: Kind(
        Source.HAND, Shown.NOTHING, TakenBack.UNSENT, takes=frozenset({"shipping"}), asks=(SHIPPING_ADDRESS,)
    ),
    SkuKind.EVENT_SEAT: Kind(
        Source.MINT,
        Shown.QR,
        honoured_here=True,
        needs=frozenset({"event"}),
        asks=(ATTENDEE_NAME, ATTENDEE_PHONE),
    ),
}

CARD_KINDS: Final = frozenset({SkuKind.CARD_KEY, SkuKind.REDEEM_LINK, SkuKind.CASH_VOUCHER})
"""Kinds whose units can be imported as cards."""

GOODLESS_KINDS: Final = frozenset(kind for kind, row in KINDS.items() if not row.needs | row.takes)
"""Kinds that are issued without a look at the SKU's goods: there are none."""

QR_KINDS: Final = frozenset(kind for kind, row in KINDS.items() if row.shown is Shown.QR)
"""Kinds without a code: the signed QR code is all there is."""


def source_of(kind: SkuKind, *, supplied: bool, goods: Goods) -> Source:
    """Where units of a SKU come from: who names a code to be made for a kind of cards has them made."""
    if supplied:
        return Source.SUPPLIER
    return Source.MINT if goods.code is not None else KINDS[kind].source


def takes_cards(kind: SkuKind, source: Source) -> bool:
    """Whether cards are imported for such a SKU."""
    return kind in CARD_KINDS and source is not Source.MINT


def is_counted(kind: SkuKind, source: Source) -> bool:
    """Whether operators say how many can be sold; the stock of cards is what was imported."""
    return kind is not SkuKind.BUNDLE and source is not Source.SHELF


def check_goods(kind: SkuKind, goods: Goods, *, source: Source, redeemable_here: bool) -> None:
    """Whether a SKU of this kind can have these goods.

    :raises GoodsRefusedError: something is missing, of no meaning for the kind, or wrong in itself.
    """
    row = KINDS[kind]
    named = goods.named
    if missing := row.needs - named:
        raise GoodsRefusedError(f"a {kind} needs {', '.join(sorted(missing))} in its goods")
    if strange := named - row.needs - row.takes:
        raise GoodsRefusedError(f"a {kind} has no {', '.join(sorted(strange))} in its goods")
    if row.honoured_here and not redeemable_here:
        raise GoodsRefusedError(f"a {kind} is honoured through us alone: it is always redeemable_here")
    if kind is SkuKind.REDEEM_LINK:
        goods.check_link(made=source is Source.MINT)
    if goods.cost_minor and source not in {Source.MINT, Source.HAND}:
        raise GoodsRefusedError("what cards or suppliers' goods cost is told with them")
    goods.check()
