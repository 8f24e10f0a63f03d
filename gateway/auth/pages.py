"""A request as a page sends it: with cookies instead of a token, and with a proof that it was our page that sent it."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from gateway.auth.audience import Audience
from gateway.auth.cookies import SESSION_PATH, SESSION_S, CookieJar, SignedInAs

DEVICE_BYTES = 18

PAGE_KEY = "kaquan.page"
"""Where the gateway's own endpoints find, in the ASGI scope, how to read the page behind their request."""


@dataclass(frozen=True, slots=True)
class Page:
    """Cookies by name, in the jar of this origin. `proved`: the request carries the CSRF token of its device."""

    jar: CookieJar
    cookies: Mapping[str, str]
    proved: bool = False

    @property
    def device(self) -> str | None:
        return self.cookies.get(self.jar.device)

    def token(self, audience: Audience, order_id: UUID | None) -> str | None:
        """The token that opens a route: the order's own where the browser has one, else the sign-in's."""
        if audience is Audience.OPERATOR:
            return self.cookies.get(self.jar.access(SignedInAs.OPERATOR))
        if order_id is not None and audience is Audience.BUYER_OR_GUEST:
            guest = self.cookies.get(self.jar.guest(order_id))
            if guest is not None:
                return guest
        return self.cookies.get(self.jar.access(SignedInAs.BUYER))

    def sign_in(self, who: SignedInAs, *, access: str, refresh: str) -> list[bytes]:
        """Headers that keep a sign-in."""
        jar = self.jar
        return [
            jar.put(jar.access(who), access, max_age_s=SESSION_S),
            jar.put(jar.renewal(who), refresh, max_age_s=SESSION_S, path=SESSION_PATH),
        ]

    def sign_out(self, who: SignedInAs) -> list[bytes]:
        """Headers that forget it."""
        jar = self.jar
        return [jar.drop(jar.access(who)), jar.drop(jar.renewal(who), path=SESSION_PATH)]


class PageTokens:
    """CSRF tokens: an HMAC over the device's cookie, so that a page proves that it could ask us for one.

    They are kept nowhere: pages hold theirs in memory. The cookie cannot be planted by a neighbouring host (`__Host-`).
    """

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"kaquan page tokens", "sha256")

    def make(self, device: str) -> str:
        """The token of a device."""
        return _text(hmac.digest(self._key, device.encode(), "sha256"))

    def proves(self, token: bytes, device: str | None) -> bool:
        """Whether the token is that of the device."""
        return device is not None and hmac.compare_digest(token, self.make(device).encode())


def new_device() -> str:
    """The value of a device's cookie."""
    return _text(secrets.token_bytes(DEVICE_BYTES))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
