"""Operators send what is sent by hand; buyers see where it is and say that they have it."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.inventory.api.bodies import parse_body
from services.inventory.api.callers import CatalogueOperator
from services.inventory.api.owners import owner_of
from services.inventory.domain.importing import decode_text
from services.inventory.domain.shipment_files import ShipmentLineError, ShippedLine, address_file, read_shipped
from services.inventory.domain.shipping import Parcel, ShipmentState, ShipmentUnknownError
from services.inventory.queries import shipping as queries
from services.inventory.schemas.shipping import (
    AddressesIn,
    ParcelIn,
    ShipmentOpsOut,
    ShipmentOut,
    ShippedLineOut,
    ShippedListIn,
    ShippedOut,
)
from services.inventory.usecases import shipping
from services.inventory.usecases.shipping import Refused, ToShip
from shared.clock import utc_now
from shared.crypto import Keyring
from shared.database import UnitOfWork
from shared.http import (
    DEFAULT_PAGE,
    BuyerOrGuestCaller,
    Cursor,
    Idempotent,
    IdempotentCall,
    Identity,
    Page,
    PageSize,
    Problem,
    Reading,
    Work,
)

CSV = "text/csv"
_FILE_HEADERS = {"Content-Disposition": 'attachment; filename="shipments.csv"', "Cache-Control": "no-store"}
_SHIP_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ShippedListIn.model_json_schema()},
            CSV: {
                "schema": {"type": "string"},
                "example": "component_id,carrier,tracking_no\n01939f6c-2a06-7b3e-9c51-5d10c0a8b99a,顺丰速运,SF1234567890123",
            },
        },
    }
}


routes = APIRouter(tags=["shipments"])


@routes.get("/v1/wallet/shipments")
async def list_own_shipments(
    caller: BuyerOrGuestCaller, read: Reading, cursor: Cursor = None, limit: PageSize = DEFAULT_PAGE
) -> Page[ShipmentOut]:
    """Where one's parcels are, the newest first. Address and phone are not in it."""
    return await queries.list_owned(read, owner_of(caller), now=utc_now(), cursor=cursor, limit=limit)


@routes.post("/v1/wallet/shipments/{component_id}/confirm-receipt", status_code=204)
async def confirm_receipt(component_id: UUID, caller: BuyerOrGuestCaller, work: Work, call: Idempotent) -> Response:
    """Say that it has arrived. Without a word it counts as received 15 days after it was sent."""
    if await call.once(work) is None:
        await shipping.confirm_receipt(
            work, component_id, owner=owner_of(caller), ended_by=caller.caller, now=utc_now()
        )
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)


@routes.get("/v1/ops/shipments")
async def list_shipments(
    _: CatalogueOperator,
    read: Reading,
    state: ShipmentState | None = None,
    sku_id: UUID | None = None,
    order_id: UUID | None = None,
    overdue: bool = False,  # noqa: FBT001, FBT002  # a query parameter
    cursor: Cursor = None,
    limit: PageSize = DEFAULT_PAGE,
) -> Page[ShipmentOpsOut]:
    """What is to be sent, on its way or over, the oldest first; `overdue` alone what should have been sent."""
    return await queries.list_all(
        read,
        state=state,
        sku_id=sku_id,
        order_id=order_id,
        overdue=overdue,
        now=utc_now(),
        cursor=cursor,
        limit=limit,
    )


@routes.post("/v1/ops/shipments/ship", response_model=ShippedOut, openapi_extra=_SHIP_BODY)
async def ship_many(request: Request, caller: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Say that many were sent: a JSON list, or the list to pack by with carriers and numbers filled in, as CSV.

    Each line is answered for itself; what is refused does not keep the others.
    """
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    lines = await _read_lines(request)
    good = [line for line in lines if isinstance(line, ShippedLine)]
    wanted = [ToShip(line.component_id, line.parcel) for line in good]
    outcomes = iter(await shipping.ship(work, wanted, shipped_by=caller.caller, now=utc_now()))
    report = [_line(line, next(outcomes) if isinstance(line, ShippedLine) else None) for line in lines]
    shipped = sum(line.outcome == "shipped" for line in report)
    answer = ShippedOut(shipped=shipped, refused=len(report) - shipped, lines=report)
    return await call.keep(work, status=200, body=answer.model_dump_json(exclude_none=True).encode())


@routes.post("/v1/ops/shipments/{component_id}/ship", status_code=204)
async def ship(component_id: UUID, body: ParcelIn, caller: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Say that it was sent; from now on only what comes back is refunded. What came back or was lost may be sent again."""
    if await call.once(work) is None:
        wanted = ToShip(component_id, Parcel(body.carrier, body.tracking_no))
        await shipping.ship_one(work, wanted, shipped_by=caller.caller, now=utc_now())
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)


@routes.post("/v1/ops/shipments/{component_id}/signed", status_code=204)
async def mark_signed(component_id: UUID, caller: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Say that it was received."""
    return await _end(component_id, ShipmentState.SIGNED, caller, work, call)


@routes.post("/v1/ops/shipments/{component_id}/returned", status_code=204)
async def mark_returned(component_id: UUID, caller: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Say that it came back: now it can be refunded, and lies in the stock again then, or be sent again."""
    return await _end(component_id, ShipmentState.RETURNED, caller, work, call)


@routes.post("/v1/ops/shipments/{component_id}/lost", status_code=204)
async def mark_lost(component_id: UUID, caller: CatalogueOperator, work: Work, call: Idempotent) -> Response:
    """Say that it is lost: now it can be refunded, or another be sent."""
    return await _end(component_id, ShipmentState.LOST, caller, work, call)


def router(keyring: Keyring) -> APIRouter:
    """Paths that show where something goes."""
    routes = APIRouter(tags=["shipments"])

    @routes.post("/v1/ops/shipments/addresses", response_class=Response)
    async def read_addresses(body: AddressesIn, caller: CatalogueOperator, work: Work) -> Response:
        """The list to pack by, with addresses, as CSV: at most 5,000. Who asked is kept; repeating it is harmless."""
        rows = await shipping.read_addresses(
            work,
            state=body.state,
            sku_id=body.sku_id,
            component_ids=body.component_ids,
            operator=caller.caller,
            keyring=keyring,
            now=utc_now(),
        )
        return Response(address_file(rows), media_type=f"{CSV}; charset=utf-8", headers=_FILE_HEADERS)

    return routes


async def _end(
    component_id: UUID, state: ShipmentState, caller: Identity, work: UnitOfWork, call: IdempotentCall
) -> Response:
    if await call.once(work) is None:
        await shipping.end(work, component_id, state=state, ended_by=caller.caller, now=utc_now())
        await call.keep(work, status=204, body=b"")
    return Response(status_code=204)


async def _read_lines(request: Request) -> Sequence[ShippedLine | tuple[int, ShipmentLineError]]:
    """:raises Problem: 415 `body.media_type`.
    :raises ShipmentFileError: it is no list of shipments.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if media_type == CSV:
        return await asyncio.to_thread(lambda: list(read_shipped(decode_text(body))))
    if media_type != "application/json":
        raise Problem(415, "body.media_type", f"Shipments come as application/json or {CSV}")
    told = parse_body(ShippedListIn, body)
    return [
        ShippedLine(number, item.component_id, Parcel(item.carrier, item.tracking_no))
        for number, item in enumerate(told.items, start=1)
    ]


def _line(line: ShippedLine | tuple[int, ShipmentLineError], refused: Refused | None) -> ShippedLineOut:
    if not isinstance(line, ShippedLine):
        return ShippedLineOut(line=line[0], outcome="refused", code="shipment.line_invalid")
    if refused is None:
        return ShippedLineOut(line=line.line, outcome="shipped", component_id=line.component_id)
    code = "shipment.unknown" if isinstance(refused, ShipmentUnknownError) else "shipment.state"
    return ShippedLineOut(line=line.line, outcome="refused", component_id=line.component_id, code=code)
