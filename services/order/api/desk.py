"""What the routes work with, put together by main."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request

from services.order.clients.accounts import Accounts
from services.order.clients.after_sale import AfterSale
from services.order.clients.codes import Codes
from services.order.clients.neighbours import Holds, Risk
from services.order.clients.providers import PaymentProvider, Providers
from services.order.domain.checkouts import ClaimWanted
from services.order.domain.payments import PayableOrder, PaymentOutcome, PaymentWanted
from services.order.domain.tickets import Deadlines
from services.order.queries.catalogue import Catalogue
from services.order.queries.figures import FreshFigures
from services.order.queries.watch import Watchers
from services.order.usecases.checkout import Claimed, Done, Placement
from services.order.usecases.payments import Reported
from services.order.usecases.tickets import Papers
from shared.crypto import Keyring
from shared.database import Coalescer, Database

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class HotPaths:
    """What many ask for at once: those that wait together share one statement."""

    claims: Coalescer[ClaimWanted, Claimed | Done]
    releases: Coalescer[tuple[str, str, UUID], None]
    placements: Coalescer[Placement, None]
    payments: Coalescer[PaymentWanted, PayableOrder]
    reports: Coalescer[Reported, PaymentOutcome]
    looks: Coalescer[UUID, Json | None]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything a request may need. `pay_window` is how long an order may be paid, `guest_key` signs guests' tokens.

    `webhooks_anywhere`: channels may hear on this machine too.
    """

    database: Database
    catalogue: Catalogue
    hot: HotPaths
    holds: Holds
    risk: Risk
    providers: Providers[PaymentProvider]
    accounts: Accounts
    codes: Codes
    watchers: Watchers
    figures: FreshFigures
    keyring: Keyring
    guest_key: bytes
    pay_window: timedelta
    webhooks_anywhere: bool
    papers: Papers
    ticket_deadlines: Deadlines
    after_sale: AfterSale


async def _desk(request: Request) -> Desk:
    desk = request.app.state.desk
    assert isinstance(desk, Desk)  # noqa: S101  # main.py puts it there
    return desk


OrderDesk = Annotated[Desk, Depends(_desk)]


async def _raw_body(request: Request) -> bytes:
    return await request.body()


RawBody = Annotated[bytes, Depends(_raw_body)]
