"""A basket becomes an order: its key is claimed, then it is written with everything it announces."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from services.order.domain.checkouts import ClaimWanted, NewOrder, SealedContact
from services.order.domain.contacts import Contact
from services.order.domain.numbers import RANDOM_BITS, order_number
from services.order.domain.pricing import Tier
from services.order.events import inventory_reserve, order_created, order_paid
from services.order.repository import checkouts
from services.order.repository.checkouts import Placement
from shared.clock import business_day
from shared.contracts import Event
from shared.crypto import Keyring, WrappedKey, new_dek, open_sealed, seal
from shared.database import UnitOfWork, violated
from shared.messaging import outbox_rows

__all__ = [
    "AlreadyPlacedError",
    "CheckoutInProgressError",
    "Claimed",
    "Done",
    "KeyReusedError",
    "Placement",
    "claim_checkouts",
    "new_order_number",
    "open_contact",
    "place_orders",
    "placement",
    "release_checkouts",
    "seal_contact",
]


class KeyReusedError(Exception):
    """The idempotency key came with other input before."""


class CheckoutInProgressError(Exception):
    """The same checkout is being worked on."""


class AlreadyPlacedError(Exception):
    """The order was written by somebody who took this checkout over."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The key is ours: go on with this order id, at this tier's price."""

    order_id: UUID
    tier: Tier | None


@dataclass(frozen=True, slots=True)
class Done:
    """The checkout was finished before, and made this order."""

    order_id: UUID


async def claim_checkouts(
    uow: UnitOfWork, wanted: Sequence[ClaimWanted], *, now: datetime
) -> list[Claimed | Done | Exception]:
    """Claim idempotency keys, in one statement. Each is answered by itself.

    Answers `KeyReusedError` or `CheckoutInProgressError` where it cannot be had.
    """
    answers: list[Claimed | Done | Exception] = []
    for each, claim in zip(wanted, await checkouts.claim(uow, wanted, now=now), strict=True):
        if claim.reused:
            answers.append(KeyReusedError(each.key))
        elif claim.order_id is not None:
            answers.append(Claimed(claim.order_id, claim.tier))
        elif claim.done_order_id is not None:
            answers.append(Done(claim.done_order_id))
        else:
            answers.append(CheckoutInProgressError(each.key))
    return answers


async def release_checkouts(uow: UnitOfWork, claims: Sequence[tuple[str, str, UUID]]) -> None:
    """Forget claims (caller, key, order id) of checkouts that came to nothing."""
    await checkouts.release(uow, claims)


def placement(new: NewOrder, *, caller: str, key: str) -> Placement:
    """The order ready to be written, with its announcements in the trace that is current now."""
    announced: list[Event] = [order_created(new)]
    if new.order.paid_at is not None:
        announced.append(order_paid(new.order, provider=None, fee_minor=0))
    if new.order.reserving:
        announced.append(inventory_reserve(new.order))
    return Placement(new, caller, key, outbox_rows(announced, now=new.created_at))


async def place_orders(uow: UnitOfWork, placements: Sequence[Placement]) -> list[None]:
    """Write the orders, in one statement.

    :raises AlreadyPlacedError: one of them exists.
    """
    try:
        await checkouts.place(uow, placements)
    except asyncpg.UniqueViolationError as error:
        if violated(error) in {"pk_orders", "pk_channel_orders"}:
            raise AlreadyPlacedError from error
        raise
    return [None] * len(placements)


def new_order_number(now: datetime) -> str:
    """A fresh human-facing number, which nobody can guess."""
    return order_number(business_day(now), entropy=secrets.randbits(RANDOM_BITS))


def seal_contact(keyring: Keyring, contact: Contact, *, order_id: UUID) -> SealedContact:
    """A guest's contact under a data key of its own, bound to the order."""
    dek = new_dek()
    wrapped = keyring.wrap(dek)
    plaintext = orjson.dumps({"email": contact.email, "phone": contact.phone})
    return SealedContact(wrapped.kek_version, wrapped.wrapped, seal(dek, plaintext, aad=_contact_aad(order_id)))


def open_contact(keyring: Keyring, sealed: SealedContact, *, order_id: UUID) -> Contact:
    """The contact again.

    :raises SealBrokenError: it is not this order's.
    """
    dek = keyring.unwrap(WrappedKey(sealed.kek_version, sealed.wrapped_key))
    return Contact(**orjson.loads(open_sealed(dek, sealed.sealed, aad=_contact_aad(order_id))))


def _contact_aad(order_id: UUID) -> bytes:
    return b"v1|contact|" + order_id.bytes
