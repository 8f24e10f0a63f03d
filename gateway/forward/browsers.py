"""Requests of pages: whose cookies they bring, whether our page sent them, and the tokens that go back as cookies."""

import time
from uuid import UUID

import orjson

from gateway.auth import (
    GUEST_ORDERS_MAX,
    ClientAddresses,
    CookieJar,
    Page,
    PageTokens,
    TokenVerifier,
    is_loopback,
    read_cookies,
)
from gateway.forward.incoming import Incoming
from gateway.routes import SAFE_METHODS
from shared.http.problems import Problem

_SECURE, _PLAIN = CookieJar(secure=True), CookieJar(secure=False)
_ORDERS = "/v1/orders/"
_SAME_ORIGIN = b"same-origin"


class Browsers:
    """Reads what pages bring. Callers with tokens of their own are none of its business."""

    def __init__(self, *, addresses: ClientAddresses, page_tokens: PageTokens, tokens: TokenVerifier) -> None:
        self._addresses = addresses
        self._page_tokens = page_tokens
        self._tokens = tokens

    def page(self, request: Incoming) -> Page:
        """The page behind a request.

        :raises Problem: 403 `csrf.invalid`, it claims to be ours and is not.
        """
        jar = _SECURE if self._is_secure(request) else _PLAIN
        cookies = read_cookies(request.read.get(b"cookie", b""))
        token = request.read.get(b"x-csrf-token")
        if token is None:
            return Page(jar, cookies)
        if request.read.get(b"sec-fetch-site", _SAME_ORIGIN) != _SAME_ORIGIN:
            raise _forged("the request comes from another site")
        if not self._page_tokens.proves(token, cookies.get(jar.device)):
            raise _forged("the CSRF token is not this browser's")
        return Page(jar, cookies, proved=True)

    def token(self, request: Incoming, page: Page) -> bytes | None:
        """The token among the cookies that opens the route.

        :raises Problem: 403 `csrf.missing`, it would change something, and nothing shows that our page sent it.
        """
        token = page.token(request.route.audience, _order_of(request))
        if token is not None and request.method not in SAFE_METHODS and not page.proved:
            raise Problem(403, "csrf.missing", "Not sent by our page", "X-CSRF-Token is needed with cookies")
        return token.encode() if token is not None else None

    def keep_guest_token(self, page: Page, body: bytes) -> tuple[bytes, list[bytes]]:
        """A new order's answer without its token, and the cookies that keep the token instead."""
        try:
            order = orjson.loads(body)
        except orjson.JSONDecodeError:
            return body, []
        token = order.pop("access_token", None) if isinstance(order, dict) else None
        if token is None:
            return body, []
        now = time.time()
        credential = self._tokens.verify(token.encode(), now=now)
        order_id = UUID(order["order_id"])
        known = page.jar.guest_orders(page.cookies)
        surplus = known[: max(0, len(known) + 1 - GUEST_ORDERS_MAX)]
        kept = page.jar.put(page.jar.guest(order_id), token, max_age_s=int(credential.expires_at - now))
        return orjson.dumps(order), [kept, *(page.jar.drop(page.jar.guest(each)) for each in surplus)]

    def _is_secure(self, request: Incoming) -> bool:
        """Only plain HTTP to this very machine is not: elsewhere a browser throws the cookies away, as it should."""
        client = request.scope["client"]
        scheme: str = request.scope["scheme"]
        if client and self._addresses.is_trusted(client[0]):
            scheme = request.read.get(b"x-forwarded-proto", scheme.encode()).decode("latin-1")
        return scheme != "http" or not is_loopback(request.read.get(b"host", b"").decode("latin-1"))


def _order_of(request: Incoming) -> UUID | None:
    """The order that a request is about: in its path, or named by the page where the path does not tell."""
    if request.path.startswith(_ORDERS):
        named = request.path[len(_ORDERS) :].split("/", 1)[0]
    else:
        named = request.read.get(b"x-guest-order", b"").decode("latin-1")
    try:
        return UUID(named)
    except ValueError:
        return None


def _forged(detail: str) -> Problem:
    return Problem(403, "csrf.invalid", "Not sent by our page", detail)
