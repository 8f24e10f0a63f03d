"""What buyers show is known by its bytes, sealed, and seen by its owner and by operators who are written down; moves."""

from dataclasses import replace

import pytest

from services.order.domain.tickets import (
    MOVES,
    EvidenceRefusedError,
    Ticket,
    TicketDecidedError,
    TicketKind,
    TicketReason,
    TicketStatus,
    media_type_of,
)
from shared.clock import new_id, utc_now
from tests.order.after_sale import PNG, buyer_of, operator
from tests.order.shop import Shop

TICKET = Ticket(
    ticket_id=new_id(),
    order_id=new_id(),
    line_id=new_id(),
    component_id=None,
    entitlement_id=None,
    member_id=None,
    kind=TicketKind.QUESTION,
    reason=TicketReason.OTHER,
    status=TicketStatus.OPEN,
    opened_at=utc_now(),
    due_at=None,
    step_at=None,
)


async def test_evidence_is_for_its_owner_and_audited_operators(shop: Shop) -> None:
    buyer, stranger = await buyer_of(shop, member=new_id()), await buyer_of(shop, member=new_id())
    ticket_id = await buyer.ticket("question")
    added = [await buyer.shows(ticket_id, PNG) for _ in range(5)]
    assert {answer.status_code for answer in added} == {201}
    sixth = await buyer.shows(ticket_id, PNG)
    assert (sixth.status_code, sixth.json()["code"]) == (422, "evidence.refused")
    path = f"{buyer.path}/{ticket_id}/evidence/{added[0].json()['evidence_id']}"
    own = await shop.http.get(path, headers=buyer.headers())
    assert (own.content, own.headers["content-type"], own.headers["x-content-type-options"]) == (
        PNG,
        "image/png",
        "nosniff",
    )
    assert (await shop.http.get(path, headers=stranger.headers())).status_code == 404
    crossed = path.replace(buyer.order["order_id"], stranger.order["order_id"])
    assert (await shop.http.get(crossed, headers=stranger.headers())).status_code == 404
    looked = await shop.http.get(
        f"/v1/ops/tickets/{ticket_id}/evidence/{added[0].json()['evidence_id']}", headers=operator(shop)
    )
    assert looked.content == PNG
    async with shop.database.read() as uow:
        assert await uow.raw.fetchval("SELECT count(*) FROM evidence_looks") == 1
        kept = b"".join(row["sealed"] for row in await uow.raw.fetch("SELECT sealed FROM ticket_evidence"))
        texts = str(await uow.raw.fetch("SELECT * FROM ticket_messages"))
    assert PNG not in kept
    assert "SECRET-CODE" not in texts


@pytest.mark.parametrize(
    "image", [b"", b"GIF89a", b"<svg xmlns='x'/>", b"%PDF-1.7", b"RIFF0000WAVE", PNG + bytes(2_097_152)]
)
def test_what_is_no_image_is_no_evidence(image: bytes) -> None:
    with pytest.raises(EvidenceRefusedError):
        media_type_of(image)


@pytest.mark.parametrize(
    ("start", "kind"), [(PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF0000WEBPVP8 ", "image/webp")]
)
def test_an_image_is_told_by_its_bytes(start: bytes, kind: str) -> None:
    assert media_type_of(start) == kind


@pytest.mark.parametrize("status", list(TicketStatus))
@pytest.mark.parametrize("target", list(TicketStatus))
def test_a_move_that_is_not_in_the_table_is_refused(status: TicketStatus, target: TicketStatus) -> None:
    ticket = replace(TICKET, status=status)
    if target is status or target in MOVES[status]:
        assert ticket.to(target).status is target
    else:
        with pytest.raises(TicketDecidedError):
            ticket.to(target)
