"""Another Kaquan as our supplier: signed as its gateway wants it, top-ups and lists followed, nothing taken for a failure."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from gateway.auth import AuthError, PartnerKey, PartnerVerifier, SignedMessage
from sandbox.supplier.app import build_app
from sandbox.supplier.store import Store
from sandbox.supplier.supplier import Supplier
from services.inventory.clients.supplier import SupplierClient
from services.inventory.clients.wires import NotUnderstoodError, WireResponse
from services.inventory.clients.wires import kaquan as wires
from services.inventory.clients.wires.kaquan import KaquanSpeaker, sign_request
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.supply import AnswerKind, SupplierOffer, SupplierOrder
from services.inventory.domain.syncing import SupplierAccess
from services.inventory.jobs import SupplierWorker
from shared.clock import new_id, utc_now
from shared.crypto import Secret
from shared.crypto.webhooks import signed_headers
from shared.http import IDENTITY_HEADER
from tests.inventory.door import ANYONE, Door
from tests.inventory.suppliers import sign_up
from tests.inventory.supply import ACCOUNT, COST_MINOR, SECRET, Supply
from tests.inventory.world import World
from tests.shared.http_servers import serving

WIRE = {"kind": "kaquan"}
KEY = base64.b64encode(b"k" * 32).decode()


@pytest.fixture
async def supply(world: World, tmp_path: Path) -> AsyncIterator[Supply]:
    """A supplier of top-ups that speaks as a Kaquan."""
    books = Supplier(Store(tmp_path / "kaquan.sqlite"), processing_s=0.0)
    client = SupplierClient(answer_timeout_s=0.5)
    async with serving(build_app(books, secret=SECRET)) as url:
        sku_id = await world.sku(kind=SkuKind.DIRECT_TOP_UP, stock_cap=1_000)
        offer = SupplierOffer(sku_id, "TOPUP-10", COST_MINOR)
        supplier_id = await sign_up(world, "kaquan", url, offer, wire=WIRE)
        worker = SupplierWorker(world.database, client, world.keyring, world.sealer)
        yield Supply(world, url, books, worker, supplier_id, sku_id)
    await client.close()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/channel/account"), ("GET", "/v1/x?reveal=true&a=b"), ("POST", "/v1/y")]
)
@pytest.mark.parametrize("prefix", ["", "/behind/a/path"])
async def test_requests_are_signed_as_the_gateway_verifies_them(method: str, path: str, prefix: str) -> None:
    async def find(key_id: str) -> PartnerKey | None:
        return PartnerKey(new_id(), "hmac-sha256", b"k" * 32) if key_id == "pk_1" else None

    body = b'{"a":1}' if method == "POST" else b""
    base_url = f"https://shop.example{prefix}"
    request = sign_request(method, path, body, base_url, "pk_1", Secret(f"{KEY} whsec_x"), now=utc_now())
    headers = {name.lower(): value for name, value in request.headers.items()}
    verifier = PartnerVerifier(find)
    await verifier.verify(SignedMessage(method, base_url + path, headers), body)
    for url, content in ((f"{base_url}{path}0", body), (base_url + path, body + b" ")):
        with pytest.raises(AuthError):
            await PartnerVerifier(find).verify(SignedMessage(method, url, headers), content)


@pytest.mark.parametrize(
    "kind", ["garbage", "error_after", "says_failed", "never", "says_twice", "dead", "lost", "error"]
)
async def test_a_top_up_is_bought_once_whatever_the_other_does(supply: Supply, world: World, kind: str) -> None:
    await supply.faults({"kind": kind, "times": 1}, {"kind": kind, "step": "query", "times": 1})
    order = await supply.buy()
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert (supply.charges().orders, supply.charges().twice, supply.charges().charged_minor) == (1, 0, COST_MINOR)
    assert (await world.events("card", order.order_id))[0]["cost_minor"] == COST_MINOR
    task = await supply.task(order)
    assert supply.supplier.find(task["out_order_no"]).account == ACCOUNT


@pytest.mark.parametrize("kind", ["stock_lies", "price_doubles", "fails"])
async def test_what_it_will_not_deliver_is_refused_to_the_buyer(supply: Supply, world: World, kind: str) -> None:
    await supply.faults({"kind": kind})
    order = await supply.buy()
    await supply.settle()
    assert await world.kinds(order) == ["card.rejected"]
    assert supply.charges().orders == 0


async def test_its_list_is_read_page_by_page_and_the_balance_is_what_may_be_spent(
    supply: Supply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wires, "GOODS_AT_ONCE", 2)
    supply.supplier.set_stock("TOPUP-50", 3)
    access = SupplierAccess(supply.supplier_id, supply.url, "pk_1", Secret(SECRET), WIRE)
    client = SupplierClient()
    goods = {each.supplier_sku: each for each in await client.list_goods(access, now=utc_now())}
    assert len(goods) == len(supply.supplier.products()) == 7
    assert (goods["TOPUP-10"].cost_minor, goods["TOPUP-10"].stock, goods["TOPUP-50"].stock) == (950, None, 3)
    assert await client.read_balance(access, now=utc_now()) == supply.supplier.balance_minor()
    await client.close()


def told(status: str, *, component: str = "settled", codes: Any = (), **other: Any) -> WireResponse:
    part = {"status": component, "codes": None if codes is None else [{"code": code} for code in codes]}
    body = {
        "external_id": "KQ1",
        "order_id": "o",
        "status": status,
        "total_minor": 10,
        "lines": [{"components": [part]}],
    }
    return WireResponse(200, {}, orjson.dumps(body | other))


def problem(status: int, code: str) -> WireResponse:
    return WireResponse(status, {}, orjson.dumps({"code": code}))


ORDER = SupplierOrder("https://x", "pk", Secret(KEY), "KQ1", "sku", 2, Secret(""), None, WIRE, for_cards=True)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (told("completed", codes=("A1", "A2")), AnswerKind.SUCCEEDED),
        (told("completed", codes=None), AnswerKind.PROCESSING),
        (told("pending_payment"), AnswerKind.PROCESSING),
        (told("refunding"), AnswerKind.PROCESSING),
        (told("refunded"), AnswerKind.FAILED),
        (told("cancelled"), AnswerKind.FAILED),
        (problem(404, "order.not_found"), AnswerKind.NOT_FOUND),
        (problem(402, "account.insufficient"), AnswerKind.REFUSED),
        (problem(409, "idempotency.in_progress"), AnswerKind.PROCESSING),
    ],
)
def test_answers_mean_what_they_say(response: WireResponse, kind: AnswerKind) -> None:
    assert KaquanSpeaker().read(ORDER, response).kind is kind


@pytest.mark.parametrize(
    "response",
    [
        told("completed", codes=("A1",)),
        told("fulfilled", component="refunded", codes=("A1", "A2")),
        told("completed", codes=("A1", "A2"), external_id="KQ2"),
        told("unheard_of"),
        told("completed", codes=("A1", "A2"), total_minor=-1),
        problem(401, "auth.invalid"),
        problem(403, "auth.forbidden"),
        problem(404, "path.unknown"),
        problem(429, "rate.exceeded"),
        problem(503, "service.unavailable"),
        WireResponse(200, {}, b"<html>"),
    ],
)
def test_what_is_not_certain_is_no_failure(response: WireResponse) -> None:
    """A revoked key, a full bucket or a page for people says nothing of an order that was placed before."""
    with pytest.raises(NotUnderstoodError):
        KaquanSpeaker().read(ORDER, response)


WEBHOOK_SECRET = Secret("whsec_" + base64.b64encode(b"w" * 32).decode())


async def push(door: Door, supplier_id: UUID, kind: str, secret: Secret = WEBHOOK_SECRET, **data: Any) -> Any:
    body = orjson.dumps({"type": kind, "timestamp": utc_now(), "data": data})
    headers = signed_headers(secret, body, message_id="msg_1", now=utc_now())
    headers[IDENTITY_HEADER] = door.signer.sign(ANYONE)
    return await door.http.post(f"/v1/suppliers/{supplier_id}/changes", content=body, headers=headers)


async def test_its_webhooks_have_orders_and_lists_looked_at_at_once(supply: Supply, world: World, door: Door) -> None:
    secret = f"{SECRET} {WEBHOOK_SECRET.reveal()}"
    path = f"/v1/ops/suppliers/{supply.supplier_id}"
    assert (await door.call("PATCH", path, json={"secret": secret})).status_code == 204
    await supply.faults({"kind": "error_after"})
    order = await supply.buy()
    await supply.work()
    assert (await supply.task(order))["state"] == "unknown"
    waits_until = (await supply.task(order))["due_at"]
    number = (await supply.task(order))["out_order_no"]
    assert (await push(door, supply.supplier_id, "order.fulfilled", external_id="KQ0")).status_code == 204
    assert (await supply.task(order))["due_at"] == waits_until
    assert (await push(door, supply.supplier_id, "order.fulfilled", external_id=number)).status_code == 204
    await supply.work()
    assert await world.kinds(order) == ["card.issued"]

    await world.fetch("UPDATE suppliers SET sync_due_at = now() + interval '1 hour' RETURNING 1")
    assert (await push(door, supply.supplier_id, "stock.changed", sku_id="x", stock=1)).status_code == 204
    assert await world.value("SELECT sync_due_at IS NULL FROM suppliers") is True


async def test_what_is_not_signed_by_its_webhook_secret_is_refused(supply: Supply, door: Door) -> None:
    refused = await push(door, supply.supplier_id, "stock.changed")  # this supplier has none
    assert (refused.status_code, refused.json()["code"]) == (401, "supplier.signature_invalid")
    secret = f"{SECRET} {WEBHOOK_SECRET.reveal()}"
    await door.call("PATCH", f"/v1/ops/suppliers/{supply.supplier_id}", json={"secret": secret})
    other = Secret("whsec_" + base64.b64encode(b"o" * 32).decode())
    assert (await push(door, supply.supplier_id, "stock.changed", other)).status_code == 401
    assert (await push(door, supply.supplier_id, "stock.changed")).status_code == 204
