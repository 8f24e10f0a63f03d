"""Cookies of the pages: one for each kind of sign-in, one for each guest's order, one for the device.

No script reads them. `Secure`, and the prefix that ties a cookie to this very host, are left out on loopback HTTP only.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import Final
from uuid import UUID

COOKIES_MAX_CHARS = 16 * 1024
"""Of one request. More than all of ours together."""

GUEST_ORDERS_MAX = 10
"""Orders a browser remembers as a guest's; the oldest makes room."""

SESSION_S = 90 * 24 * 3600
"""How long the browser keeps a sign-in's cookies. Membership decides when the session ends: an access token that is over
must still be shown, or its owner would pass for a stranger and order as one."""

DEVICE_S = 400 * 24 * 3600
"""As long as browsers keep any cookie."""

SESSION_PATH = "/v1/session"
"""Where refresh tokens go, and nowhere else."""

_VALUE: Final = re.compile(r"[!#-+\--:<-\[\]-~]{1,4096}")
_GUEST: Final = "kq_order_"


class SignedInAs(StrEnum):
    """Buyers and operators sign in beside one another, each for their own pages."""

    BUYER = "buyer"
    OPERATOR = "operator"


class CookieJar:
    """Names and headers of the cookies on one origin."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self._host = "__Host-" if secure else ""
        self.device = f"{self._host}kq_device"

    def access(self, who: SignedInAs) -> str:
        """The name of the cookie with the access token."""
        return f"{self._host}kq_{who}"

    def renewal(self, who: SignedInAs) -> str:
        """The name of the cookie with the refresh token."""
        return ("__Secure-" if self._secure else "") + f"kq_{who}_renewal"

    def guest(self, order_id: UUID) -> str:
        """The name of the cookie with a guest order's token."""
        return f"{self._host}{_GUEST}{order_id.hex}"

    def guest_orders(self, cookies: Mapping[str, str]) -> list[UUID]:
        """The guest orders this browser remembers, the oldest first: their ids grow with time."""
        start = self._host + _GUEST
        return sorted(UUID(name[len(start) :]) for name in cookies if name.startswith(start) and _is_hex(name, start))

    def put(self, name: str, value: str, *, max_age_s: int, path: str = "/") -> bytes:
        """The header that sets a cookie."""
        secure = "; Secure" if self._secure else ""
        return f"{name}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}".encode()

    def drop(self, name: str, *, path: str = "/") -> bytes:
        """The header that takes a cookie away."""
        return self.put(name, "", max_age_s=0, path=path)


def read_cookies(header: bytes) -> dict[str, str]:
    """The cookies of a request by name; what is no cookie value, or too much, is left out."""
    found: dict[str, str] = {}
    for part in header[:COOKIES_MAX_CHARS].decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name and _VALUE.fullmatch(value):
            found.setdefault(name, value)
    return found


def is_loopback(host: str) -> bool:
    """Whether a `Host` header names this machine itself."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if name == "localhost":
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _is_hex(name: str, start: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{32}", name[len(start) :]) is not None
