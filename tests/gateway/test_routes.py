"""The table: what is found, what is not, and that it covers the public surface."""

import pytest

from gateway.auth import Audience, Scope
from gateway.limits import CHECKOUT, READ, SIGN_IN, WRITE
from gateway.routes import ROUTES, MethodNotAllowedError, Route, RouteTable, UnknownPathError

TABLE = RouteTable(ROUTES)

PUBLIC_SURFACE = [
    ("POST", "/v1/auth/register", "membership", "public"), ("POST", "/v1/auth/login", "membership", "public"),
    ("POST", "/v1/auth/wechat", "membership", "public"), ("GET", "/v1/products", "inventory", "public"),
    ("GET", "/v1/products/p1", "inventory", "public"), ("POST", "/v1/quotes", "order", "anyone"),
    ("POST", "/v1/orders", "order", "anyone"), ("GET", "/v1/orders", "order", "buyer"),
    ("GET", "/v1/orders/o1", "order", "buyer_or_guest"), ("GET", "/v1/orders/o1/stream", "order", "buyer_or_guest"),
    ("POST", "/v1/orders/o1/payments", "order", "buyer_or_guest"),
    ("POST", "/v1/payments/sandbox/notify", "order", "provider"),
    ("POST", "/v1/orders/o1/refunds", "order", "buyer_or_guest"),
    ("GET", "/v1/wallet/entitlements", "inventory", "buyer_or_guest"),
    ("POST", "/v1/wallet/entitlements/e1/reveal", "inventory", "buyer_or_guest"), ("GET", "/v1/me", "membership", "buyer"),
    ("GET", "/v1/me/tier", "membership", "buyer"), ("GET", "/v1/points/account", "points", "buyer"),
    ("GET", "/v1/partner/statements", "settlement", "partner"),
    ("GET", "/v1/partner/statements/s1/file", "settlement", "partner"),
    ("POST", "/v1/partner/redemptions", "inventory", "partner"),
    ("GET", "/v1/partner/redemptions/export", "inventory", "partner"),
    ("POST", "/v1/partner/redemptions/batch", "inventory", "partner"),
    ("POST", "/v1/wallet/entitlements/e1/qr", "inventory", "buyer_or_guest"),
    ("POST", "/v1/wallet/entitlements/e1/link", "inventory", "buyer_or_guest"),
    ("POST", "/v1/wallet/links", "inventory", "buyer_or_guest"),
    ("POST", "/v1/wallet/entitlements/e1/gifts", "inventory", "buyer"), ("GET", "/v1/wallet/gifts", "inventory", "buyer"),
    ("POST", "/v1/wallet/gifts/g1/cancel", "inventory", "buyer"), ("POST", "/v1/gifts/claim", "inventory", "buyer"),
    ("POST", "/v1/partner/redemptions/offline", "inventory", "partner"),
    ("GET", "/v1/partner/redemptions/voucher-keys", "inventory", "partner"),
    ("POST", "/v1/wallet/entitlements/e1/offline-qr", "inventory", "buyer_or_guest"),
    ("GET", "/v1/ops/redemptions/conflicts", "inventory", "operator"),
    ("GET", "/v1/ops/redemptions/export", "inventory", "operator"), ("POST", "/v1/ops/products", "inventory", "operator"),
    ("POST", "/v1/ops/skus/s1/batches", "inventory", "operator"), ("GET", "/v1/ops/suppliers", "inventory", "operator"),
    ("POST", "/v1/ops/partners", "settlement", "operator"), ("POST", "/v1/ops/split-contracts", "settlement", "operator"),
    ("GET", "/v1/ops/members", "membership", "operator"), ("GET", "/v1/ops/tiers", "membership", "operator"),
    ("GET", "/v1/ops/points/rules", "points", "operator"), ("GET", "/v1/ops/risk/cases", "risk", "operator"),
    ("GET", "/v1/ops/orders", "order", "operator"), ("GET", "/v1/ops/dead-letters", "gateway", "operator"),
    ("GET", "/v1/ops/ledger/verify", "settlement", "operator"), ("GET", "/v1/ops/dashboard", "gateway", "operator"),
    ("GET", "/healthz", "gateway", "public"), ("GET", "/openapi.json", "gateway", "public"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "service", "audience"), PUBLIC_SURFACE)
def test_the_public_surface_goes_where_it_should(method: str, path: str, service: str, audience: str) -> None:
    route = TABLE.find(method, path)
    assert (route.service, route.audience) == (service, audience)


@pytest.mark.parametrize(
    "path",
    ["/", "", "/v1", "/v2/orders", "/internal/holds", "/v1/ops", "/v1/ops/nothing", "//v1/me", "/v1//me", "/v1/me/",
     "/v1/orders/../internal", "/v1/products/..", "/v1/orders" + "/x" * 20, "/metrics/x", "v1/me"],
)  # fmt: skip
def test_nothing_else_goes_anywhere(path: str) -> None:
    with pytest.raises(UnknownPathError):
        TABLE.find("GET", path)


def test_a_known_path_with_another_method_says_which_are_taken() -> None:
    with pytest.raises(MethodNotAllowedError) as refusal:
        TABLE.find("DELETE", "/v1/orders")
    assert refusal.value.allowed == "GET, POST"


def test_the_most_exact_pattern_wins() -> None:
    table = RouteTable(
        [
            Route("/a/**", "below", Audience.PUBLIC),
            Route("/a/{id}/x", "parameter", Audience.PUBLIC),
            Route("/a/b/x", "name", Audience.PUBLIC),
        ]
    )
    assert table.find("GET", "/a/b/x").service == "name"
    assert table.find("GET", "/a/c/x").service == "parameter"
    assert table.find("GET", "/a/b/z").service == "below"
    assert table.find("GET", "/a").service == "below"


def test_two_routes_for_one_thing_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two routes"):
        RouteTable([Route("/a/{id}", "x", Audience.PUBLIC), Route("/a/{name}", "y", Audience.PUBLIC)])


def test_every_operator_route_names_who_may() -> None:
    for route in ROUTES:
        assert bool(route.scopes) == (route.audience is Audience.OPERATOR), route.pattern
        assert route.scopes <= frozenset(Scope)


def test_only_imports_batches_and_images_may_be_large() -> None:
    large = {route.pattern for route in ROUTES if route.body_limit_bytes > 64 * 1024}
    assert large == {
        "/v1/orders/{order_id}/tickets/{ticket_id}/evidence",
        "/v1/ops/skus/{sku_id}/batches",
        "/v1/ops/skus/{sku_id}/imports",
        "/v1/partner/redemptions/batch",
        "/v1/partner/redemptions/offline",
    }


def test_reading_writing_buying_and_signing_in_are_counted_apart() -> None:
    assert TABLE.find("GET", "/v1/me").rate_for("GET") is READ
    assert TABLE.find("POST", "/v1/me/check-in").rate_for("POST") is WRITE
    assert TABLE.find("POST", "/v1/orders").rate_for("POST") is CHECKOUT
    assert TABLE.find("POST", "/v1/auth/login").rate_for("POST") is SIGN_IN
    assert TABLE.find("GET", "/healthz").rate_for("GET") is None
