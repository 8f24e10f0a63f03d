"""Cookies instead of tokens: who gets in with them, and what a stranger's page cannot do."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from starlette.types import Receive, Scope, Send

from shared.clock import new_id
from shared.http import Role, sign_guest_token
from shared.settings import read_key
from tests.gateway.house import EchoService, House, open_house
from tests.shared.http_servers import serving

PASSWORD = "correct horse"


class Membership:
    """Hands out tokens as membership does; a refresh token is good once."""

    def __init__(self, keys: Path) -> None:
        self._house = House("", keys, httpx.AsyncClient())
        self.member_id = uuid4()
        self.operator_id = uuid4()
        self.refresh = "refresh-0"
        self.seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        told = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = orjson.loads((await receive())["body"])
        self.seen.append({"path": scope["path"], "headers": told, "body": body})
        status, answer = self._answer(scope["path"], body)
        content = b"" if answer is None else orjson.dumps(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        if path == "/v1/auth/logout":
            return 204, None
        if path == "/v1/auth/refresh" and body["refresh_token"] != self.refresh:
            return 401, {"code": "auth.reused", "title": "Sign in again", "status": 401}
        if path == "/v1/auth/login" and body["password"] != PASSWORD:
            return 401, {"code": "auth.invalid", "title": "Not signed in", "status": 401, "attempts_left": 4}
        self.refresh = f"refresh-{len(self.seen)}"
        if body.get("login"):
            access = self._house.token("operator", subject=self.operator_id, scopes=("support",))
            return 200, self._tokens(access) | {"operator_id": str(self.operator_id)}
        return 200, self._tokens(self._house.token(subject=self.member_id)) | {"member_id": str(self.member_id)}

    def _tokens(self, access: str) -> dict[str, Any]:
        return {"access_token": access, "refresh_token": self.refresh, "expires_in": 900}


@pytest.fixture
def membership(keys_directory: Path) -> Membership:
    return Membership(keys_directory)


@pytest.fixture
def orders() -> EchoService:
    return EchoService()


@pytest.fixture
async def house(keys_directory: Path, membership: Membership, orders: EchoService) -> AsyncIterator[House]:
    async with serving(membership) as url, serving(orders) as other:
        urls: dict[str, Any] = {"membership_url": url, "order_url": other, "inventory_url": other}
        async with open_house(keys_directory, **urls) as house:
            yield house


async def opened(house: House) -> dict[str, str]:
    """A page that has just opened; what it sends with everything it changes."""
    answer = await house.client.get("/v1/session")
    assert answer.status_code == 200
    return {"x-csrf-token": answer.json()["csrf_token"], "sec-fetch-site": "same-origin"}


async def signed_in(house: House) -> dict[str, str]:
    page = await opened(house)
    answer = await house.client.post("/v1/session", json={"phone": "13800138000", "password": PASSWORD}, headers=page)
    assert answer.status_code == 200, answer.text
    return page


async def test_signing_in_gives_cookies_and_no_token(house: House, membership: Membership) -> None:
    page = await opened(house)
    answer = await house.client.post("/v1/session", json={"phone": "13800138000", "password": PASSWORD}, headers=page)
    assert answer.json()["subject"] == str(membership.member_id)
    assert answer.json()["signed_in"] is True
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert all("HttpOnly" in one and "SameSite=Strict" in one for one in cookies)
    assert "Path=/v1/session" in next(one for one in cookies if one.startswith("kq_buyer_renewal="))
    tokens = [one.split(";")[0].split("=", 1)[1] for one in cookies]
    assert not any(token in answer.text for token in tokens)
    identity = house.identity((await house.client.get("/v1/orders")).json())
    assert (identity.role, identity.subject) == (Role.BUYER, str(membership.member_id))
    assert identity.device == house.client.cookies["kq_device"]


async def test_cookies_and_csrf_tokens_end_at_the_gateway(house: House, orders: EchoService) -> None:
    page = await signed_in(house)
    await house.client.post("/v1/orders", json={}, headers=page | {"x-guest-order": str(uuid4())})
    assert not {"cookie", "x-csrf-token", "x-guest-order"} & orders.seen[-1]["headers"].keys()


@pytest.mark.parametrize("host", ["shop.example", "shop.example:8443"])
async def test_outside_this_machine_cookies_are_secure_and_bound_to_the_host(house: House, host: str) -> None:
    answer = await house.client.get("/v1/session", headers={"host": host})
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("__Host-kq_device=")
    assert "; Secure" in cookie
    over_tls = await house.client.get("/v1/session", headers={"x-forwarded-proto": "https"})
    assert over_tls.headers["set-cookie"].startswith("__Host-")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_strangers_page_cannot_change_anything(house: House, orders: EchoService, method: str) -> None:
    page = await signed_in(house)
    seen = len(orders.seen)
    path = f"/v1/orders/{uuid4()}/refunds"
    for headers, code in (
        ({}, "csrf.missing"),
        ({"x-csrf-token": "A" * 43}, "csrf.invalid"),
        (page | {"sec-fetch-site": "same-site"}, "csrf.invalid"),
        (page | {"sec-fetch-site": "cross-site"}, "csrf.invalid"),
    ):
        answer = await house.client.request(method, path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert len(orders.seen) == seen
    assert (await house.client.request(method, path, headers=page)).status_code == 200


@pytest.mark.parametrize("path", ["/v1/session", "/v1/session/account", "/v1/session/renewal"])
async def test_nobody_is_signed_in_by_a_strangers_page(house: House, membership: Membership, path: str) -> None:
    await opened(house)
    answer = await house.client.post(path, json={"phone": "13800138000", "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf.missing")
    assert membership.seen == []


async def test_a_csrf_token_is_good_for_its_own_browser_only(house: House) -> None:
    page = await opened(house)
    house.client.cookies.clear()
    await signed_in(house)
    answer = await house.client.post("/v1/orders", json={}, headers=page)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf.invalid")


async def test_an_expired_sign_in_is_renewed_and_never_passes_for_a_stranger(house: House) -> None:
    page = await signed_in(house)
    stale = house.token(exp=int(time.time()) - 1)
    house.client.cookies.set("kq_buyer", stale, domain="127.0.0.1", path="/")
    answer = await house.client.post("/v1/orders", json={}, headers=page)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.expired")
    assert (await house.client.get("/v1/session")).json()["signed_in"] is True
    renewed = await house.client.post("/v1/session/renewal", headers=page)
    assert renewed.json()["expires_in"] > 800
    assert (await house.client.post("/v1/orders", json={}, headers=page)).status_code == 200


async def test_a_session_that_has_ended_takes_its_cookies_along(house: House, membership: Membership) -> None:
    page = await signed_in(house)
    membership.refresh = "another"
    answer = await house.client.post("/v1/session/renewal", headers=page)
    assert (answer.status_code, answer.json()["code"]) == (401, "auth.reused")
    assert (await house.client.get("/v1/session")).json()["signed_in"] is False
    assert not {"kq_buyer", "kq_buyer_renewal"} & set(house.client.cookies)


async def test_signing_out_ends_the_session_at_membership_too(house: House, membership: Membership) -> None:
    page = await signed_in(house)
    assert (await house.client.delete("/v1/session", headers=page)).status_code == 204
    assert membership.seen[-1]["path"] == "/v1/auth/logout"
    assert membership.seen[-1]["body"] == {"refresh_token": membership.refresh}
    assert not {"kq_buyer", "kq_buyer_renewal"} & set(house.client.cookies)


async def test_a_wrong_password_is_told_as_membership_tells_it(house: House) -> None:
    page = await opened(house)
    answer = await house.client.post("/v1/session", json={"phone": "13800138000", "password": "no"}, headers=page)
    assert answer.status_code == 401
    assert (answer.json()["code"], answer.json()["attempts_left"]) == ("auth.invalid", 4)
    assert "set-cookie" not in answer.headers


async def test_operators_and_buyers_sign_in_beside_one_another(house: House, membership: Membership) -> None:
    page = await signed_in(house)
    body = {"login": "operator-one", "password": PASSWORD, "totp": "123456"}
    assert (await house.client.post("/v1/session", json=body, headers=page)).json()["scopes"] == ["support"]
    buyer = house.identity((await house.client.get("/v1/orders")).json())
    operator = house.identity((await house.client.get("/v1/ops/orders")).json())
    assert (buyer.role, operator.role) == (Role.BUYER, Role.OPERATOR)
    assert operator.subject == str(membership.operator_id)


def guest_order(house: House, orders: EchoService) -> tuple[UUID, str]:
    """The order service answers a guest's checkout with this order and its token."""
    order_id = new_id()
    until = datetime.fromtimestamp(time.time() + 900, tz=UTC)
    token = sign_guest_token(read_key(house.keys, "guest-token.key"), order_id=order_id, expires_at=until)
    orders.answers["/v1/orders"] = {"order_id": str(order_id), "status": "pending_payment", "access_token": token}
    return order_id, token


async def test_a_guests_order_token_never_reaches_the_page(house: House, orders: EchoService) -> None:
    page = await opened(house)
    order_id, token = guest_order(house, orders)
    answer = await house.client.post("/v1/orders", json={}, headers=page)
    assert answer.json() == {"order_id": str(order_id), "status": "pending_payment"}
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith(f"kq_order_{order_id.hex}={token}; Path=/; Max-Age=")
    assert (await house.client.get("/v1/session")).json()["guest_orders"] == [str(order_id)]
    for path, named in (
        (f"/v1/orders/{order_id}", {}),
        ("/v1/wallet/entitlements", {"x-guest-order": str(order_id)}),
    ):
        identity = house.identity((await house.client.get(path, headers=named)).json())
        assert (identity.role, identity.order_id) == (Role.GUEST, order_id)
    assert (await house.client.get(f"/v1/orders/{uuid4()}")).status_code == 401


async def test_the_link_of_a_message_opens_the_order_by_a_cookie_too(house: House, orders: EchoService) -> None:
    page = await opened(house)
    order_id, token = guest_order(house, orders)
    orders.answers["/v1/orders/links"] = orders.answers["/v1/orders"]
    answer = await house.client.post("/v1/orders/links", json={"token": "KO1.x"}, headers=page)
    assert token not in answer.text
    identity = house.identity((await house.client.get(f"/v1/orders/{order_id}")).json())
    assert (identity.role, identity.order_id) == (Role.GUEST, order_id)


async def test_apps_still_get_their_guests_token(house: House, orders: EchoService) -> None:
    _, token = guest_order(house, orders)
    answer = await house.client.post("/v1/orders", json={})
    assert answer.json()["access_token"] == token
    assert "set-cookie" not in answer.headers


async def test_a_browser_remembers_so_many_guest_orders_and_no_more(house: House, orders: EchoService) -> None:
    page = await opened(house)
    ids = []
    for _ in range(12):
        ids.append(guest_order(house, orders)[0])
        await house.client.post("/v1/orders", json={}, headers=page)
    known = (await house.client.get("/v1/session")).json()["guest_orders"]
    assert known == [str(one) for one in ids[2:]]


async def test_a_token_in_the_header_goes_before_cookies(house: House) -> None:
    await signed_in(house)
    other = uuid4()
    answer = await house.client.post("/v1/orders", json={}, headers=house.buyer(subject=other))
    assert house.identity(answer.json()).subject == str(other)
