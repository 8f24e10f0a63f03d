"""A card's secret, its masked form, and what makes a line of an import acceptable."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from uuid import UUID

from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.goods import link_host
from shared.clock import business_day_bounds
from shared.crypto import WrappedKey

CODE_LENGTH_MAX = 512
"""Long enough for a redeem link."""

SERIAL_LENGTH_MAX = 128

COST_MINOR_MAX = 100_000_000
"""A million in the currency's major unit: more is a slip of the keyboard."""

_MASK = "****"
_SHOW_FOUR_FROM = 12
_SHOW_TWO_FROM = 8
_DATE_LENGTH = len("2026-12-31")


USES_MAX = 1_000
"""How often one card may be sold, such as a licence key for several machines. Each use is a row of the shelf."""


class LineFault(StrEnum):
    """Why a line of an import was not taken."""

    NOT_A_CARD = "not_a_card"
    UNKNOWN_FIELD = "unknown_field"
    TOO_MANY_FIELDS = "too_many_fields"
    CODE_MISSING = "code_missing"
    CODE_TOO_LONG = "code_too_long"
    CODE_NOT_TEXT = "code_not_text"
    PASSWORD_TOO_LONG = "password_too_long"  # noqa: S105  # the name of a fault
    SERIAL_TOO_LONG = "serial_too_long"
    EXPIRES_AT_INVALID = "expires_at_invalid"
    EXPIRED = "expired"
    USES_INVALID = "uses_invalid"
    COST_INVALID = "cost_minor_invalid"
    LINK_INVALID = "link_invalid"
    LINK_HOST_NOT_ALLOWED = "link_host_not_allowed"
    DUPLICATE_IN_FILE = "duplicate_in_file"
    DUPLICATE_IN_STOCK = "duplicate_in_stock"


DUPLICATES = frozenset({LineFault.DUPLICATE_IN_FILE, LineFault.DUPLICATE_IN_STOCK})


class LineFaultError(Exception):
    """A line cannot be taken. It carries the reason and never the line's content."""

    def __init__(self, fault: LineFault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class CardSecret:
    """What the buyer pays for. `repr` shows nothing of it."""

    code: str
    password: str | None = None
    serial: str | None = None
    expires_at: datetime | None = None
    cost_minor: int | None = None
    """What one use of this card cost; None: what the import says of all its cards."""
    uses: int = 1
    """How many buyers it is issued to."""
    link_host: str | None = None
    """Where a redeem link leads: a host that its SKU names, which is no secret."""

    @property
    def masked(self) -> str:
        """What may be shown of it to anybody."""
        return f"{self.link_host}/{_MASK}" if self.link_host else mask(self.code)

    def __repr__(self) -> str:
        return "CardSecret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class SealedEntitlement:
    """An entitlement of the caller, with its card still sealed."""

    entitlement_id: UUID
    component_id: UUID
    order_id: UUID
    member_id: UUID | None
    sku_id: UUID
    kind: SkuKind
    card_id: UUID
    batch_id: UUID
    expires_at: datetime | None
    sealed: bytes = field(repr=False)
    key: WrappedKey


FIELDS = frozenset({"code", "password", "serial", "expires_at", "cost_minor", "uses"})


def read_card(
    fields: Mapping[str, object], *, now: datetime | None, link_hosts: Collection[str] | None = None
) -> CardSecret:
    """Make a card of a line's fields, as text. Without `now` it may have expired.

    With `link_hosts` its content is an https address of one of these hosts.

    :raises LineFaultError: with the first thing that is wrong.
    """
    if not fields.keys() <= FIELDS:
        raise LineFaultError(LineFault.UNKNOWN_FIELD)
    code = _text(fields.get("code"))
    if not code:
        raise LineFaultError(LineFault.CODE_MISSING)
    if len(code) > CODE_LENGTH_MAX:
        raise LineFaultError(LineFault.CODE_TOO_LONG)
    expires_at = _moment(_text(fields.get("expires_at")))
    if expires_at is not None and now is not None and expires_at <= now:
        raise LineFaultError(LineFault.EXPIRED)
    return CardSecret(
        code=code,
        password=_optional(fields.get("password"), CODE_LENGTH_MAX, LineFault.PASSWORD_TOO_LONG),
        serial=_optional(fields.get("serial"), SERIAL_LENGTH_MAX, LineFault.SERIAL_TOO_LONG),
        expires_at=expires_at,
        cost_minor=_number(fields.get("cost_minor"), range(COST_MINOR_MAX + 1), LineFault.COST_INVALID),
        uses=_number(fields.get("uses"), range(1, USES_MAX + 1), LineFault.USES_INVALID) or 1,
        link_host=None if link_hosts is None else _host(code, link_hosts),
    )


def is_link(code: str) -> bool:
    """A redeem link is told from a code because upper and lower case differ in it."""
    return "://" in code


def mask(code: str) -> str:
    """What may be shown of a code to anybody: its last signs where enough others stay hidden.

    A link shows nothing: its end may be the whole secret.
    """
    if is_link(code):
        return _MASK
    if len(code) >= _SHOW_FOUR_FROM:
        return _MASK + code[-4:]
    if len(code) >= _SHOW_TWO_FROM:
        return _MASK + code[-2:]
    return _MASK


def mask_account(account: str) -> str:
    """A buyer's account as it may be shown: its last two signs."""
    return _MASK + account[-2:] if len(account) >= _SHOW_TWO_FROM else _MASK


def _host(link: str, allowed: Collection[str]) -> str:
    host = link_host(link)
    if host is None:
        raise LineFaultError(LineFault.LINK_INVALID)
    if host not in allowed:
        raise LineFaultError(LineFault.LINK_HOST_NOT_ALLOWED)
    return host


def _text(value: object) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise LineFaultError(LineFault.CODE_NOT_TEXT)
    text = value.strip()
    if not text.isprintable():
        raise LineFaultError(LineFault.CODE_NOT_TEXT)
    return text


def _optional(value: object, length_max: int, fault: LineFault) -> str | None:
    text = _text(value)
    if len(text) > length_max:
        raise LineFaultError(fault)
    return text or None


def _number(value: object, allowed: range, fault: LineFault) -> int | None:
    """A whole number, as JSON or as text; nothing at all is None."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    else:
        text = _text(value)
        if not text:
            return None
        if not text.isdecimal() or len(text) > len(str(allowed[-1])):
            raise LineFaultError(fault)
        number = int(text)
    if number not in allowed:
        raise LineFaultError(fault)
    return number


@lru_cache(maxsize=1_000)  # the cards of an import end on few days
def _moment(text: str) -> datetime | None:
    """A date stands for its end in Shanghai; a moment without an offset is refused."""
    if not text:
        return None
    try:
        if len(text) == _DATE_LENGTH:
            return business_day_bounds(date.fromisoformat(text))[1]
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LineFaultError(LineFault.EXPIRES_AT_INVALID) from None
    if moment.tzinfo is None:
        raise LineFaultError(LineFault.EXPIRES_AT_INVALID)
    return moment.astimezone(UTC)
