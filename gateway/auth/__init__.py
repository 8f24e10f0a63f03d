"""Who is asking, and how that is known."""

from gateway.auth.addresses import ClientAddresses
from gateway.auth.audience import SIGNERS, Audience, Scope
from gateway.auth.cookies import (
    DEVICE_S,
    GUEST_ORDERS_MAX,
    SESSION_PATH,
    CookieJar,
    SignedInAs,
    is_loopback,
    read_cookies,
)
from gateway.auth.credentials import AuthError, Credential, anonymous
from gateway.auth.pages import PAGE_KEY, Page, PageTokens, new_device
from gateway.auth.signatures import FindKey, PartnerKey, PartnerVerifier, SignedMessage
from gateway.auth.tokens import TokenVerifier

__all__ = [
    "DEVICE_S",
    "GUEST_ORDERS_MAX",
    "PAGE_KEY",
    "SESSION_PATH",
    "SIGNERS",
    "Audience",
    "AuthError",
    "ClientAddresses",
    "CookieJar",
    "Credential",
    "FindKey",
    "Page",
    "PageTokens",
    "PartnerKey",
    "PartnerVerifier",
    "Scope",
    "SignedInAs",
    "SignedMessage",
    "TokenVerifier",
    "anonymous",
    "is_loopback",
    "new_device",
    "read_cookies",
]
