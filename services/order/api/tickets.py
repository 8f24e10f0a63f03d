"""Buyers' after-sale tickets. Every path asks first whose order it is."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.order.api.desk import OrderDesk, RawBody
from services.order.api.orders import read_own
from services.order.domain.tickets import EVIDENCE_BYTES_MAX, TicketUnknownError
from services.order.queries import tickets as queries
from services.order.schemas.tickets import (
    EvidenceAddedOut,
    RatingIn,
    TicketDetailOut,
    TicketIn,
    TicketOut,
    TicketTextIn,
)
from services.order.usecases import tickets
from services.order.usecases.tickets import TicketWanted
from shared.clock import utc_now
from shared.http import BuyerOrGuestCaller, Idempotent, Page, Reading, Work

PATH = "/v1/orders/{order_id}/tickets"
EVIDENCE_PATH = f"{PATH}/{{ticket_id}}/evidence"
BODY_LIMITS = {EVIDENCE_PATH: EVIDENCE_BYTES_MAX + 1}
"""One more byte than is taken, so that what is too large is told as such."""

IMAGE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'",
}
_IMAGES = {
    "requestBody": {"required": True, "content": {kind: {} for kind in ("image/png", "image/jpeg", "image/webp")}}
}

router = APIRouter(tags=["after-sale"])


@router.post(PATH, status_code=201, response_model=TicketOut)
async def open_ticket(
    order_id: UUID, body: TicketIn, caller: BuyerOrGuestCaller, desk: OrderDesk, call: Idempotent, work: Work
) -> Response:
    """Ask for a refund or a replacement of what was delivered, or ask a question. One at a time about each component."""
    order = await read_own(work, caller, order_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    entitlements = [
        UUID(str(entitlement_id))
        for line in order["lines"]
        if line["line_id"] == str(body.line_id)
        for part in line["components"]
        if body.component_id is None or part["component_id"] == str(body.component_id)
        for entitlement_id in part["entitlement_ids"]
    ]
    wanted = TicketWanted(order_id, **body.model_dump(), entitlement_ids=entitlements)
    ticket = await tickets.open_ticket(work, wanted, papers=desk.papers, deadlines=desk.ticket_deadlines, now=utc_now())
    return await call.keep(work, status=201, body=_shown(ticket))


@router.get(PATH)
async def list_tickets(order_id: UUID, caller: BuyerOrGuestCaller, reading: Reading) -> Page[TicketOut]:
    """The order's tickets, the newest first."""
    await read_own(reading, caller, order_id)
    return Page[TicketOut](items=[TicketOut(**row) for row in await queries.of_order(reading, order_id)])


@router.get(f"{PATH}/{{ticket_id}}")
async def get_ticket(
    order_id: UUID, ticket_id: UUID, caller: BuyerOrGuestCaller, desk: OrderDesk, reading: Reading
) -> TicketDetailOut:
    """One ticket with what was written, and what images there are."""
    await read_own(reading, caller, order_id)
    ticket = await queries.one(reading, ticket_id, papers=desk.papers)
    if ticket is None or ticket["order_id"] != order_id:
        raise TicketUnknownError(str(ticket_id))
    return TicketDetailOut(**ticket)


@router.post(f"{PATH}/{{ticket_id}}/messages", status_code=201, response_model=TicketOut)
async def write(
    order_id: UUID,
    ticket_id: UUID,
    body: TicketTextIn,
    caller: BuyerOrGuestCaller,
    desk: OrderDesk,
    call: Idempotent,
    work: Work,
) -> Response:
    """Write to the shop."""
    await read_own(work, caller, order_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    own = await tickets.lock_own(work, order_id=order_id, ticket_id=ticket_id)
    ticket = await tickets.write_to_shop(
        work, own, body.text, papers=desk.papers, deadlines=desk.ticket_deadlines, now=utc_now()
    )
    return await call.keep(work, status=201, body=_shown(ticket))


@router.post(EVIDENCE_PATH, status_code=201, response_model=EvidenceAddedOut, openapi_extra=_IMAGES)
async def show(
    order_id: UUID,
    ticket_id: UUID,
    raw: RawBody,
    caller: BuyerOrGuestCaller,
    desk: OrderDesk,
    call: Idempotent,
    work: Work,
) -> Response:
    """Add an image: PNG, JPEG or WebP of at most 2 MiB as the body, at most five. What it is, is told by its bytes."""
    await read_own(work, caller, order_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    own = await tickets.lock_own(work, order_id=order_id, ticket_id=ticket_id)
    evidence_id = await tickets.add_evidence(work, own, raw, papers=desk.papers, now=utc_now())
    added = EvidenceAddedOut(evidence_id=evidence_id)
    return await call.keep(work, status=201, body=added.model_dump_json().encode())


@router.get(f"{EVIDENCE_PATH}/{{evidence_id}}")
async def get_image(
    order_id: UUID,
    ticket_id: UUID,
    evidence_id: UUID,
    caller: BuyerOrGuestCaller,
    desk: OrderDesk,
    reading: Reading,
) -> Response:
    """An image that the buyer has added."""
    await read_own(reading, caller, order_id)
    found = await queries.of_order(reading, order_id)
    if ticket_id not in {row["ticket_id"] for row in found}:
        raise TicketUnknownError(str(ticket_id))
    image = await queries.image(reading, ticket_id=ticket_id, evidence_id=evidence_id, papers=desk.papers)
    if image is None:
        raise TicketUnknownError(str(evidence_id))
    media_type, content = image
    return Response(content, media_type=media_type, headers=IMAGE_HEADERS)


@router.post(f"{PATH}/{{ticket_id}}/withdrawal", status_code=200, response_model=TicketOut)
async def withdraw(
    order_id: UUID, ticket_id: UUID, caller: BuyerOrGuestCaller, call: Idempotent, work: Work
) -> Response:
    """Want nothing any more."""
    await read_own(work, caller, order_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    own = await tickets.lock_own(work, order_id=order_id, ticket_id=ticket_id)
    return await call.keep(work, status=200, body=_shown(await tickets.withdraw(work, own)))


@router.post(f"{PATH}/{{ticket_id}}/rating", status_code=200, response_model=TicketOut)
async def rate(
    order_id: UUID,
    ticket_id: UUID,
    body: RatingIn,
    caller: BuyerOrGuestCaller,
    desk: OrderDesk,
    call: Idempotent,
    work: Work,
) -> Response:
    """Say once how it was, when it is decided."""
    await read_own(work, caller, order_id)
    stored = await call.once(work)
    if stored is not None:
        return stored.response()
    own = await tickets.lock_own(work, order_id=order_id, ticket_id=ticket_id)
    ticket = await tickets.rate(work, own, score=body.score, comment=body.comment, papers=desk.papers)
    return await call.keep(work, status=200, body=_shown(ticket))


def _shown(ticket: object) -> bytes:
    return TicketOut.model_validate(ticket, from_attributes=True).model_dump_json().encode()
