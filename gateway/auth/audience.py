"""For whom a route is."""

from enum import StrEnum


class Audience(StrEnum):
    """Who may call. `PUBLIC` does not look at tokens at all, so that a stale one cannot keep anybody from signing in."""

    PUBLIC = "public"
    ANYONE = "anyone"
    BUYER = "buyer"
    BUYER_OR_GUEST = "buyer_or_guest"
    OPERATOR = "operator"
    PARTNER = "partner"
    CHANNEL = "channel"
    PROVIDER = "provider"


SIGNERS = frozenset({Audience.PARTNER, Audience.CHANNEL})
"""Who sign their requests instead of bringing a token."""


class Scope(StrEnum):
    """What an operator's roles let them do. `ADMIN` covers all the others."""

    ADMIN = "admin"
    CATALOGUE = "catalogue"
    FINANCE = "finance"
    RISK = "risk"
    SUPPORT = "support"
