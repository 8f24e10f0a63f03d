"""Show a code to its owner. No other module makes a code readable to a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from services.inventory import events
from services.inventory.domain.cards import CardSecret, SealedEntitlement
from services.inventory.domain.entitlements import EntitlementRevokedError, RevealRecord
from services.inventory.domain.goods import link_host
from services.inventory.domain.kinds import KINDS, Shown
from services.inventory.repository import entitlements
from services.inventory.usecases.importing import card_aad
from shared.crypto import Keyring, open_sealed
from shared.database import UnitOfWork
from shared.messaging import announce
from shared.observability import continue_trace


@dataclass(frozen=True, slots=True)
class Reveal:
    """A reveal that risk has let pass: what, for the audit who and from where, and the trace that goes on."""

    entitlement: SealedEntitlement
    record: RevealRecord
    traceparent: str | None


async def record_reveals(
    uow: UnitOfWork, reveals: Sequence[Reveal], *, now: datetime
) -> list[EntitlementRevokedError | None]:
    """Write the audit of many reveals and announce them; only after this is committed may a card be opened.

    Answers for each None, or the error when the entitlement was revoked or given to somebody meanwhile: that one must not
    be opened.
    """
    owners = [reveal.entitlement.member_id for reveal in reveals]
    first = await entitlements.record_reveals(uow, [reveal.record for reveal in reveals], owners=owners, now=now)
    answers: list[EntitlementRevokedError | None] = []
    for reveal in reveals:
        owned = reveal.entitlement
        seen = (owned.entitlement_id, owned.member_id)
        if seen not in first:
            answers.append(EntitlementRevokedError("this entitlement was taken back, or is not yours any more"))
            continue
        revealed = events.card_revealed(
            order_id=owned.order_id,
            component_id=owned.component_id,
            sku_id=owned.sku_id,
            member_id=owned.member_id,
            entitlement_id=owned.entitlement_id,
            first=first[seen],
            revealed_at=now,
        )
        with continue_trace(reveal.traceparent):
            announce(uow, revealed, now=now)
        first[seen] = False  # a second one of the same batch was not the first
        answers.append(None)
    return answers


def open_card(owned: SealedEntitlement, *, keyring: Keyring) -> CardSecret:
    """The plaintext.

    :raises shared.crypto.SealBrokenError: the stored bytes are not this card's.
    """
    aad = card_aad(sku_id=owned.sku_id, batch_id=owned.batch_id, card_id=owned.card_id)
    content = orjson.loads(open_sealed(keyring.unwrap(owned.key), owned.sealed, aad=aad))
    return CardSecret(
        code=content["code"],
        password=content.get("password"),
        serial=content.get("serial"),
        expires_at=owned.expires_at,
        link_host=link_host(content["code"]) if KINDS[owned.kind].shown is Shown.LINK else None,
    )
