"""Telling channels what happened: to which addresses, when again, and when not any more."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from shared.crypto import WrappedKey

ATTEMPTS_MAX = 12
"""Two days and a half, with the pauses below. Then the message is dead until an operator has it sent again."""

FIRST_PAUSE = timedelta(seconds=5)
PAUSE_MAX = timedelta(hours=12)
_GROWTH = 4
_JITTER = 0.2

DISABLED_AFTER = timedelta(days=3)
"""An address that has not taken anything for so long is not called any more."""

COALESCED_FOR = timedelta(seconds=10)
"""Goods and stock change often: one message tells the newest."""

ADDRESS_CHARS_MAX = 500

_PORTS = frozenset({None, 443, 8443})

_TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 behind IPv6: looks global, and leads wherever the four bytes say."""


class MessageKind(StrEnum):
    """What is told."""

    ORDER_FULFILLED = "order.fulfilled"
    ORDER_REFUNDED = "order.refunded"
    COMPONENT_REJECTED = "component.rejected"
    PRODUCT_CHANGED = "product.changed"
    STOCK_CHANGED = "stock.changed"


COALESCED = frozenset({MessageKind.PRODUCT_CHANGED, MessageKind.STOCK_CHANGED})


class MessageState(StrEnum):
    """Where a message stands. `dead` ones wait for an operator."""

    DUE = "due"
    DELIVERED = "delivered"
    DEAD = "dead"


class WebhookAddressError(Exception):
    """The address is not one that may be called."""


class WebhookUnknownError(Exception):
    """The channel has no webhook, or no such message."""


@dataclass(frozen=True, slots=True)
class OrderMessage:
    """Something that happened to a channel's order. `subject_id` makes it one message."""

    kind: MessageKind
    subject_id: UUID
    order_id: UUID
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a channel hears, with its sealed secret."""

    channel_id: UUID
    url: str
    secret_sealed: bytes = field(repr=False)
    secret_key: WrappedKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A message to be sent. `edition` grows when something newer is to be told under it."""

    message_id: UUID
    endpoint: Endpoint
    kind: str
    content: dict[str, Any]
    attempts: int
    edition: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a sending; `error` is a short word, empty where it was taken. `gone`: the address is no more."""

    due: DueMessage
    error: str = ""
    gone: bool = False


def check_address(url: str, *, anywhere: bool) -> None:
    """Whether a webhook may be sent there: https, and no address that is not the public internet's.

    A name is looked at again when it is called, because it may lead elsewhere by then. `anywhere`: in development all
    goes, so that two shops on one machine can speak.

    :raises WebhookAddressError: it may not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise WebhookAddressError("the address cannot be read") from None
    if len(url) > ADDRESS_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise WebhookAddressError("the address is too long, or has signs that do not belong there")
    if not host or parts.username is not None or parts.fragment:
        raise WebhookAddressError("the address needs a host, and no name, password or fragment")
    if parts.scheme not in ({"https", "http"} if anywhere else {"https"}):
        raise WebhookAddressError("the address must be https")
    if not anywhere:
        _check_public(host, port)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is on the public internet, whatever it is wrapped in."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address in _TRANSLATED:
            return False
    return address.is_global and not address.is_multicast


def next_try_at(*, attempts: int, now: datetime) -> datetime:
    """When a message that was tried so often is tried again: four times as long each time, half a day at most, give or take."""
    growth: int = _GROWTH ** min(attempts - 1, ATTEMPTS_MAX)
    return now + min(FIRST_PAUSE * growth, PAUSE_MAX) * random.uniform(1 - _JITTER, 1 + _JITTER)  # spread, not secrecy


def _check_public(host: str, port: int | None) -> None:
    if port not in _PORTS:
        raise WebhookAddressError("the address's port must be 443 or 8443")
    address = _literal(host)
    public = "." in host.rstrip(".") if address is None else is_public(address)
    if not public:
        raise WebhookAddressError("the address is not on the public internet")


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
