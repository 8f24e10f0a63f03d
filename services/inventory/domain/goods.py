"""What the kind of a SKU has to know of it: how its codes are made, where its links lead, what a cash voucher is worth."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from services.inventory.domain.codes import ENTROPY_BITS_MIN, LENGTH_MAX, Alphabet, CodePattern

LINK_HOSTS_MAX = 20
CODE_PLACE = "{code}"
"""Where a link's template has the code."""


class GoodsRefusedError(Exception):
    """A SKU of this kind cannot be so."""


@dataclass(frozen=True, slots=True)
class LinkRule:
    """Where redeem links may lead: these hosts, exactly. `template` makes a link of a code."""

    hosts: tuple[str, ...]
    template: str | None = None


@dataclass(frozen=True, slots=True)
class FaceValue:
    """What a cash voucher takes off a bill of at least `threshold_minor`."""

    face_minor: int
    threshold_minor: int = 0


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a unit is good: until a moment, for some days from its issue, or whichever is over first."""

    until: datetime | None = None
    days: int | None = None

    def end(self, *, issued_at: datetime) -> datetime | None:
        """The end of a unit issued then."""
        ends = [self.until] if self.until is not None else []
        if self.days is not None:
            ends.append(issued_at + timedelta(days=self.days))
        return min(ends, default=None)


@dataclass(frozen=True, slots=True)
class SeatedEvent:
    """Where and when one has a seat. `numbered` seats are given out in order, from 1, with the prefix before the number.

    Whoever has one is let in until `ends_at`; none is sold after the beginning.
    """

    starts_at: datetime
    ends_at: datetime
    place: str
    numbered: bool = False
    seat_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Shipping:
    """How soon what is sent by hand leaves."""

    within_days: int = 3


@dataclass(frozen=True, slots=True)
class Goods:
    """The parts that kinds need; most SKUs have none. `cost_minor`: what one unit costs us that we make or send ourselves."""

    code: CodePattern | None = None
    link: LinkRule | None = None
    value: FaceValue | None = None
    validity: Validity | None = None
    event: SeatedEvent | None = None
    shipping: Shipping | None = None
    cost_minor: int = 0

    @property
    def named(self) -> frozenset[str]:
        """The names of the parts that are there."""
        return frozenset(part.name for part in fields(self) if part.name != "cost_minor" and getattr(self, part.name))

    @property
    def ends_at(self) -> datetime | None:
        """When units that are issued would be good for nothing: from then on none is sold."""
        if self.event:
            return self.event.starts_at
        return self.validity.until if self.validity else None

    @property
    def ship_within(self) -> timedelta:
        """How soon a unit that is paid for leaves."""
        return timedelta(days=(self.shipping or Shipping()).within_days)

    @property
    def link_hosts(self) -> frozenset[str] | None:
        """The hosts that imported links may have; None: these are no links."""
        return frozenset(self.link.hosts) if self.link else None

    def unit_end(self, own: datetime | None, *, issued_at: datetime) -> datetime | None:
        """When a unit ends: at its card's own end, or earlier as the goods say."""
        by_rule = self.validity.end(issued_at=issued_at) if self.validity else None
        if self.event:
            by_rule = self.event.ends_at
        return min((end for end in (own, by_rule) if end is not None), default=None)

    def over(self, now: datetime) -> bool:
        """Whether a unit that is issued now would be good for nothing."""
        return self.ends_at is not None and self.ends_at <= now

    def check(self) -> None:
        """:raises GoodsRefusedError: a part is wrong in itself."""
        if self.code:
            self._check_code(self.code)
        if self.value and self.value.threshold_minor and self.value.threshold_minor < self.value.face_minor:
            raise GoodsRefusedError("a cash voucher takes no more off than the bill must come to")
        if self.validity and self.validity.until is None and self.validity.days is None:
            raise GoodsRefusedError("validity says until when, for how many days, or both")
        if self.event and self.event.ends_at <= self.event.starts_at:
            raise GoodsRefusedError("an event ends after it began")

    def _check_code(self, pattern: CodePattern) -> None:
        if pattern.length > LENGTH_MAX:
            raise GoodsRefusedError(f"codes of this pattern have {pattern.length} signs, and may have {LENGTH_MAX}")
        if pattern.entropy_bits < ENTROPY_BITS_MIN:
            bits = int(pattern.entropy_bits)
            raise GoodsRefusedError(
                f"codes of this pattern could be guessed: {bits} bits, {ENTROPY_BITS_MIN} are needed"
            )

    def check_link(self, *, made: bool) -> None:
        """:raises GoodsRefusedError: links that are made need a template to one of the hosts, imported ones have none."""
        template = self.link.template if self.link else None
        if made != (template is not None):
            raise GoodsRefusedError("a link's template goes with a code that is made for it, and the other way round")
        if template is None:
            return
        if template.count(CODE_PLACE) != 1:
            raise GoodsRefusedError(f"a link's template has {CODE_PLACE} once")
        host = link_host(template.replace(CODE_PLACE, "CODE"))
        if host is None or CODE_PLACE in template.partition("://")[2].partition("/")[0]:
            raise GoodsRefusedError("a link's template is an https address with the code behind the host")
        if host not in (self.link_hosts or ()):
            raise GoodsRefusedError(f"a link's template leads to a host of the list, not to {host}")


NO_GOODS: Final = Goods()


def link_host(link: str) -> str | None:
    """The host that an https address leads to; None: it is none, or one that hides where it leads."""
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return None
    plain = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and port in (None, 443)
    if not plain or "\\" in link or not link.isascii() or any(sign.isspace() for sign in link):
        return None
    return parts.hostname


def goods_row(goods: Goods) -> dict[str, Any]:
    """The goods as they are stored: parts that are there."""
    return {name: _plain(part) for name, part in asdict(goods).items() if part}


def read_goods(row: Mapping[str, Any]) -> Goods:
    """The goods as they were stored."""
    code, link, value, validity, event, shipping = (
        row.get(name) for name in ("code", "link", "value", "validity", "event", "shipping")
    )
    return Goods(
        code=CodePattern(**{**code, "alphabet": Alphabet(code["alphabet"])}) if code else None,
        link=LinkRule(tuple(link["hosts"]), link["template"]) if link else None,
        value=FaceValue(**value) if value else None,
        validity=Validity(_moment(validity["until"]), validity["days"]) if validity else None,
        event=_event(event) if event else None,
        shipping=Shipping(**shipping) if shipping else None,
        cost_minor=row.get("cost_minor", 0),
    )


def _event(row: Mapping[str, Any]) -> SeatedEvent:
    times = {name: datetime.fromisoformat(row[name]) for name in ("starts_at", "ends_at")}
    return SeatedEvent(**{**row, **times})


def _plain(part: Any) -> Any:
    """As JSON has it: moments as text."""
    if not isinstance(part, dict):
        return part
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in part.items()}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
