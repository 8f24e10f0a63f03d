"""Move a batch under a new data key while its cards are sold and shown."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.inventory.domain.batches import BatchAction, BatchBusyError, BatchUnknownError
from services.inventory.domain.rotations import Rotation, RotationUnderWayError
from services.inventory.repository import batches, keys, rotations
from services.inventory.repository.batches import Action, Moved
from services.inventory.repository.keys import DataKey, KeyPurpose
from services.inventory.repository.rotations import StoredCard
from services.inventory.usecases.importing import card_aad
from shared.clock import new_id
from shared.crypto import Keyring, new_dek, open_sealed, seal
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)

RESEAL_AT_ONCE = 1_000
"""Cards that are sealed anew in one transaction: a fraction of a second, so that refunds and exports wait for no more."""


async def begin_rotation(
    uow: UnitOfWork, batch_id: UUID, *, keyring: Keyring, operator: str, reason: str, now: datetime
) -> UUID:
    """Make a new key for the batch; a job then seals its cards anew. Answers the rotation.

    :raises BatchUnknownError: there is no such batch.
    :raises BatchBusyError: it is still being imported.
    :raises RotationUnderWayError: it is on its way to a new key already.
    """
    old_key_id = await rotations.find_key_of_batch(uow, batch_id)
    if old_key_id is None:
        raise BatchUnknownError(f"there is no batch {batch_id}")
    if await batches.is_being_imported(uow, batch_id):
        raise BatchBusyError("the batch is still being imported")
    key = DataKey(new_id(), keyring.wrap(new_dek()))
    await keys.add_key(uow, key, purpose=KeyPurpose.CARD_BATCH, now=now)
    rotation = Rotation(new_id(), batch_id, old_key_id, key.key_id, after_card_id=UUID(int=0), resealed=0)
    if not await rotations.begin_rotation(uow, rotation, operator=operator, reason=reason, now=now):
        raise RotationUnderWayError("the batch is moving to a new key already")
    action = Action(new_id(), batch_id, BatchAction.ROTATE, operator, reason, Moved())
    await batches.add_action(uow, action, now=now)
    return rotation.rotation_id


async def advance(uow: UnitOfWork, *, keyring: Keyring, now: datetime) -> bool:
    """Seal the next cards of a rotation anew; False: there is none that nobody else is at.

    Cards and place change together: whoever dies in the middle has done nothing, and the next one begins there.
    """
    rotation = await rotations.take_rotation(uow)
    if rotation is None:
        return False
    cards = await rotations.next_cards(uow, rotation, limit=RESEAL_AT_ONCE)
    if not cards:
        await rotations.end_rotation(uow, rotation, now=now)
        log.info("key.rotated", batch_id=rotation.batch_id, cards=rotation.resealed)
        return True
    old = keyring.unwrap(await rotations.find_key(uow, rotation.old_key_id))
    new = keyring.unwrap(await rotations.find_key(uow, rotation.new_key_id))
    anew = await asyncio.to_thread(_sealed_anew, cards, batch_id=rotation.batch_id, old=old, new=new)
    await rotations.reseal(uow, rotation, anew)
    return True


def _sealed_anew(cards: Sequence[StoredCard], *, batch_id: UUID, old: bytes, new: bytes) -> list[StoredCard]:
    anew = []
    for card in cards:
        aad = card_aad(sku_id=card.sku_id, batch_id=batch_id, card_id=card.card_id)
        sealed = seal(new, open_sealed(old, card.sealed, aad=aad), aad=aad)
        anew.append(StoredCard(card.card_id, card.sku_id, sealed))
    return anew
