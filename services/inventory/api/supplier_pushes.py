"""Suppliers tell what changed with them, signed by their secret; operators have a list read now."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.inventory.api.bodies import parse_body
from services.inventory.api.callers import CatalogueOperator
from services.inventory.clients.wires.kaquan import webhook_secret
from services.inventory.clients.wires.lines import digest, same, sign_lines
from services.inventory.domain.syncing import PushRefusedError, SupplierAccess
from services.inventory.schemas.syncing import PushIn, WebhookIn
from services.inventory.usecases import syncing
from shared.clock import utc_now
from shared.crypto import Keyring, Secret
from shared.crypto.webhooks import ID_HEADER, WebhookInvalidError, WebhookSecretError, verify_webhook
from shared.database import Database
from shared.http import Problem, Work

SKEW_S = 300
"""How far a supplier's clock may be from ours."""


def router(keyring: Keyring) -> APIRouter:
    """Pushes, and the wish to be told."""
    routes = APIRouter(tags=["suppliers"])

    @routes.post("/v1/suppliers/{supplier_id}/changes", status_code=204)
    async def push_changes(supplier_id: UUID, request: Request) -> Response:
        """Cost or stock of some goods changed. Signed like our calls to suppliers; an older push than the last is refused.

        Another Kaquan sends its webhooks here (Standard Webhooks): the goods or the order are then looked at.
        """
        raw = await request.body()
        database = request.app.state.database
        async with database.read() as read:
            access = await syncing.find_access(read, supplier_id, keyring=keyring)
        if ID_HEADER in request.headers:
            return await _take_webhook(database, access, request, raw)
        _check_signature(access, request, raw)
        body = parse_body(PushIn, raw)
        now = utc_now()
        if abs((now - body.at).total_seconds()) > SKEW_S:
            raise PushRefusedError("the push is too old, or of the future")
        async with database.begin() as work:
            goods = [entry.as_listed() for entry in body.goods]
            await syncing.take_push(work, supplier_id, goods, at=body.at, now=now)
        return Response(status_code=204)

    @routes.post("/v1/ops/suppliers/{supplier_id}/sync", status_code=202)
    async def sync_soon(supplier_id: UUID, _: CatalogueOperator, work: Work) -> Response:
        """Have the supplier's list read within seconds. Asking again is harmless."""
        await syncing.ask_for_list(work, supplier_id)
        return Response(status_code=202)

    return routes


async def _take_webhook(database: Database, access: SupplierAccess, request: Request, raw: bytes) -> Response:
    """What it says is a reason to look, and nothing else: heard again, or late, it does no harm."""
    now = utc_now()
    try:
        verify_webhook(webhook_secret(access.secret) or Secret(""), request.headers, raw, now=now)
    except (WebhookInvalidError, WebhookSecretError):
        raise Problem(401, "supplier.signature_invalid", "The push is not signed by the supplier") from None
    told = parse_body(WebhookIn, raw)
    async with database.begin() as work:
        if told.data.external_id is not None:
            await syncing.ask_about_order(work, access.supplier_id, out_order_no=told.data.external_id, now=now)
        else:
            await syncing.ask_for_list(work, access.supplier_id)
    return Response(status_code=204)


def _check_signature(access: SupplierAccess, request: Request, raw: bytes) -> None:
    headers = request.headers
    timestamp, nonce = headers.get("x-timestamp", ""), headers.get("x-nonce", "")
    expected = sign_lines(access.secret, "POST", request.url.path, timestamp, nonce, digest(raw))
    if not same(expected, headers.get("x-signature", "")):
        raise Problem(401, "supplier.signature_invalid", "The push is not signed by the supplier")
