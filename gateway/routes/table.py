"""Who may call what, where it goes, how often and how much: the whole public surface on one page.

A pattern that ends in `/**` covers the path itself and everything below. The most exact pattern wins.
"""

from gateway.auth import Audience, Scope
from gateway.limits import CHANNEL, CHECKOUT, OPERATE, PARTNER, PROVIDER, READ, REVEAL, SIGN_IN, STREAM
from gateway.routes.matching import Route

GATEWAY = "gateway"
"""Answered by the gateway itself."""

IMPORT_LIMIT_BYTES = 32 * 1024 * 1024
IMPORT_TIMEOUT_S = 300.0

EVIDENCE_LIMIT_BYTES = 2 * 1024 * 1024 + 1024
"""One image of an after-sale ticket."""

REDEMPTIONS_LIMIT_BYTES = 1024 * 1024
"""500 redemptions in one call."""

_PUBLIC = Audience.PUBLIC
_ANYONE = Audience.ANYONE
_BUYER = Audience.BUYER
_HOLDER = Audience.BUYER_OR_GUEST
_OPERATOR = Audience.OPERATOR
_PARTNER = Audience.PARTNER

_CATALOGUE = frozenset({Scope.CATALOGUE})
_FINANCE = frozenset({Scope.FINANCE})
_RISK = frozenset({Scope.RISK})
_SUPPORT = frozenset({Scope.SUPPORT})

ROUTES: tuple[Route, ...] = (
    # The gateway's own.
    Route("/healthz", GATEWAY, _PUBLIC, methods="GET", rate=None),
    Route("/readyz", GATEWAY, _PUBLIC, methods="GET", rate=READ),
    Route("/metrics", GATEWAY, _PUBLIC, methods="GET", rate=None),
    Route("/docs", GATEWAY, _PUBLIC, methods="GET", rate=READ),
    Route("/openapi.json", GATEWAY, _PUBLIC, methods="GET", rate=READ),
    Route("/v1/session", GATEWAY, _PUBLIC, methods="GET", rate=READ),
    Route("/v1/session", GATEWAY, _PUBLIC, methods="POST DELETE", rate=SIGN_IN),
    Route("/v1/session/account", GATEWAY, _PUBLIC, methods="POST", rate=SIGN_IN),
    Route("/v1/session/renewal", GATEWAY, _PUBLIC, methods="POST", rate=SIGN_IN),
    Route("/v1/ops/dashboard", GATEWAY, _OPERATOR, methods="GET", scopes=frozenset(Scope), rate=OPERATE),
    Route("/v1/ops/dead-letters", GATEWAY, _OPERATOR, methods="GET", scopes=_SUPPORT, rate=OPERATE),
    Route(
        "/v1/ops/dead-letters/{service}/{id}/replay", GATEWAY, _OPERATOR, methods="POST", scopes=_SUPPORT, rate=OPERATE
    ),
    Route(
        "/v1/ops/dead-letters/{service}/{id}/skip", GATEWAY, _OPERATOR, methods="POST", scopes=_SUPPORT, rate=OPERATE
    ),
    # order
    Route("/v1/quotes", "order", _ANYONE, methods="POST", rate=READ),
    Route("/v1/orders", "order", _ANYONE, methods="POST", rate=CHECKOUT, gives_token=True),
    Route("/v1/orders", "order", _BUYER, methods="GET", rate=READ),
    Route("/v1/orders/links", "order", _PUBLIC, methods="POST", rate=SIGN_IN, gives_token=True),
    Route("/v1/orders/{order_id}", "order", _HOLDER, methods="GET HEAD", waits=True),
    Route("/v1/orders/{order_id}/**", "order", _HOLDER),
    Route(
        "/v1/orders/{order_id}/tickets/{ticket_id}/evidence",
        "order",
        _HOLDER,
        methods="POST",
        body_limit_bytes=EVIDENCE_LIMIT_BYTES,
    ),
    Route("/v1/orders/{order_id}/stream", "order", _HOLDER, methods="GET", rate=STREAM, stream=True),
    Route("/v1/payments/**", "order", _HOLDER),
    Route("/v1/payments/{provider}/notify", "order", Audience.PROVIDER, methods="POST", rate=PROVIDER),
    Route("/v1/channel/orders/**", "order", Audience.CHANNEL, rate=CHANNEL),
    Route("/v1/channel/products", "order", Audience.CHANNEL, methods="GET", rate=CHANNEL),
    Route("/v1/ops/channels/{channel_id}/webhook/**", "order", _OPERATOR, scopes=_FINANCE, rate=OPERATE),
    Route("/v1/ops/channels/{channel_id}/terms", "order", _OPERATOR, scopes=_FINANCE, rate=OPERATE),
    Route("/v1/me/messages/**", "order", _BUYER),
    Route("/v1/ops/tickets/**", "order", _OPERATOR, scopes=_SUPPORT | _FINANCE, rate=OPERATE),
    Route("/v1/ops/messages/**", "order", _OPERATOR, scopes=_SUPPORT | _FINANCE, rate=OPERATE),
    Route("/v1/ops/orders/**", "order", _OPERATOR, scopes=_SUPPORT | _FINANCE, rate=OPERATE),
    # inventory
    Route("/v1/products/**", "inventory", _PUBLIC, methods="GET HEAD", rate=READ),
    Route("/v1/categories", "inventory", _PUBLIC, methods="GET HEAD", rate=READ),
    Route("/v1/wallet/**", "inventory", _HOLDER),
    Route("/v1/wallet/entitlements/{id}/reveal", "inventory", _HOLDER, methods="POST", rate=REVEAL),
    Route("/v1/wallet/entitlements/{id}/link", "inventory", _HOLDER, methods="POST", rate=REVEAL),
    Route("/v1/wallet/links", "inventory", _HOLDER, methods="POST", rate=REVEAL),
    Route("/v1/wallet/entitlements/{id}/qr", "inventory", _HOLDER, methods="POST", rate=REVEAL),
    Route("/v1/wallet/entitlements/{id}/offline-qr", "inventory", _HOLDER, methods="POST", rate=REVEAL),
    Route("/v1/wallet/entitlements/{id}/gifts", "inventory", _BUYER, methods="POST"),
    Route("/v1/wallet/gifts/**", "inventory", _BUYER),
    Route("/v1/gifts/claim", "inventory", _BUYER, methods="POST", rate=REVEAL),
    Route("/v1/partner/redemptions/**", "inventory", _PARTNER, rate=PARTNER),
    Route(
        "/v1/partner/redemptions/batch",
        "inventory",
        _PARTNER,
        methods="POST",
        rate=PARTNER,
        body_limit_bytes=REDEMPTIONS_LIMIT_BYTES,
    ),
    Route(
        "/v1/partner/redemptions/offline",
        "inventory",
        _PARTNER,
        methods="POST",
        rate=PARTNER,
        body_limit_bytes=REDEMPTIONS_LIMIT_BYTES,
    ),
    Route("/v1/ops/products/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/categories/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/forbidden-words/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/skus/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route(
        "/v1/ops/skus/{sku_id}/batches",
        "inventory",
        _OPERATOR,
        methods="POST",
        scopes=_CATALOGUE,
        rate=OPERATE,
        body_limit_bytes=IMPORT_LIMIT_BYTES,
        timeout_s=IMPORT_TIMEOUT_S,
    ),
    Route(
        "/v1/ops/skus/{sku_id}/imports",
        "inventory",
        _OPERATOR,
        methods="POST",
        scopes=_CATALOGUE,
        rate=OPERATE,
        body_limit_bytes=IMPORT_LIMIT_BYTES,
        timeout_s=IMPORT_TIMEOUT_S,
    ),
    Route("/v1/ops/skus/{sku_id}/imports", "inventory", _OPERATOR, methods="GET", scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/skus/{sku_id}/batches", "inventory", _OPERATOR, methods="GET", scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/batches/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/exports/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE, timeout_s=60.0),
    Route("/v1/ops/shipments/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/stock/**", "inventory", _OPERATOR, methods="GET", scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/ops/suppliers/**", "inventory", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    Route("/v1/suppliers/{supplier_id}/changes", "inventory", Audience.PROVIDER, methods="POST", rate=PROVIDER),
    Route("/v1/ops/entitlements/**", "inventory", _OPERATOR, scopes=_SUPPORT, rate=OPERATE),
    Route("/v1/ops/redemptions/**", "inventory", _OPERATOR, scopes=_SUPPORT | _FINANCE, rate=OPERATE),
    # membership
    Route("/v1/auth/**", "membership", _PUBLIC, rate=SIGN_IN),
    Route("/v1/me/**", "membership", _BUYER),
    Route("/v1/ops/members/**", "membership", _OPERATOR, scopes=_SUPPORT, rate=OPERATE),
    Route("/v1/ops/tiers/**", "membership", _OPERATOR, scopes=_CATALOGUE, rate=OPERATE),
    # points
    Route("/v1/points/**", "points", _BUYER),
    Route("/v1/ops/points/**", "points", _OPERATOR, scopes=_FINANCE | _SUPPORT, rate=OPERATE),
    # settlement
    Route("/v1/brands", "settlement", _PUBLIC, methods="GET HEAD", rate=READ),
    Route("/v1/partner/statements/**", "settlement", _PARTNER, rate=PARTNER, timeout_s=60.0),
    Route("/v1/partner/keys/**", "settlement", _PARTNER, rate=PARTNER),
    Route("/v1/ops/partners/**", "settlement", _OPERATOR, scopes=_FINANCE, rate=OPERATE),
    Route("/v1/ops/channels/**", "settlement", _OPERATOR, scopes=_FINANCE, rate=OPERATE),
    Route("/v1/channel/account/**", "settlement", Audience.CHANNEL, methods="GET", rate=CHANNEL),
    Route("/v1/ops/split-contracts/**", "settlement", _OPERATOR, scopes=_FINANCE, rate=OPERATE),
    Route("/v1/ops/ledger/**", "settlement", _OPERATOR, scopes=_FINANCE, rate=OPERATE, timeout_s=60.0),
    Route("/v1/ops/statements/**", "settlement", _OPERATOR, scopes=_FINANCE, rate=OPERATE, timeout_s=60.0),
    # risk
    Route("/v1/ops/risk/**", "risk", _OPERATOR, scopes=_RISK, rate=OPERATE),
)
