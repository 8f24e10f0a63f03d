"""Let unsold codes out: one operator asks, another approves, who asked downloads, and the file can be told by its canaries."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from services.inventory.domain.batches import BatchAction, BatchUnknownError
from services.inventory.domain.cards import CardSecret
from services.inventory.domain.exports import (
    EXPORT_CARDS_MAX,
    Export,
    ExportTooLargeError,
    ExportUnknownError,
    check_decision,
    check_download,
    make_canaries,
    write_file,
)
from services.inventory.repository import batches, cards, exports, keys
from services.inventory.repository.batches import Action, Moved
from services.inventory.repository.exports import UnsoldCard
from services.inventory.repository.keys import DataKey, KeyPurpose
from services.inventory.usecases.importing import CardSealer, card_aad
from shared.clock import new_id
from shared.crypto import Keyring, new_dek, open_sealed, seal
from shared.database import UnitOfWork

FILES_KEPT = timedelta(days=1)
"""A file that was not fetched by then is gone; another can be asked for."""

EXPIRE_MAX = 100


async def request_export(uow: UnitOfWork, batch_id: UUID, *, operator: str, reason: str, now: datetime) -> UUID:
    """Ask for the unsold codes of a batch. Answers the export, which another operator has to approve.

    :raises BatchUnknownError: there is no such batch.
    """
    export_id = new_id()
    if not await exports.add_export(uow, export_id, batch_id, operator=operator, reason=reason, now=now):
        raise BatchUnknownError(f"there is no batch {batch_id}")
    await _audit(uow, batch_id, BatchAction.REQUEST_EXPORT, operator=operator, reason=reason, now=now)
    return export_id


async def approve_export(
    uow: UnitOfWork,
    export_id: UUID,
    *,
    operator: str,
    reason: str,
    sealer: CardSealer,
    keyring: Keyring,
    now: datetime,
) -> None:
    """Make the file, with canaries, and keep it sealed for who asked.

    :raises ExportUnknownError: there is no such export.
    :raises FourEyesError: the operator asked for it.
    :raises ExportStateError: it was decided before.
    :raises ExportTooLargeError: the batch has too many unsold cards.
    """
    export = await _lock(uow, export_id)
    check_decision(export, operator=operator)
    unsold = await exports.find_unsold(uow, export.batch_id, limit=EXPORT_CARDS_MAX + 1)
    if len(unsold) > EXPORT_CARDS_MAX:
        raise ExportTooLargeError(f"one export takes {EXPORT_CARDS_MAX} cards")
    opened = await asyncio.to_thread(_open_all, unsold, keyring=keyring)
    canaries = await _register_canaries(uow, export_id, opened, sealer=sealer)
    dek = new_dek()
    key = DataKey(new_id(), keyring.wrap(dek))
    await keys.add_key(uow, key, purpose=KeyPurpose.CARD_EXPORT, now=now)
    file = await asyncio.to_thread(write_file, [*opened, *canaries])
    await exports.fill_export(
        uow,
        export_id,
        operator=operator,
        cards=len(opened),
        key_id=key.key_id,
        sealed=seal(dek, file, aad=_aad(export_id)),
        now=now,
    )
    await _audit(uow, export.batch_id, BatchAction.APPROVE_EXPORT, operator=operator, reason=reason, now=now)


async def refuse_export(uow: UnitOfWork, export_id: UUID, *, operator: str, reason: str, now: datetime) -> None:
    """The codes stay here.

    :raises ExportUnknownError: there is no such export.
    :raises FourEyesError: the operator asked for it.
    :raises ExportStateError: it was decided before.
    """
    export = await _lock(uow, export_id)
    check_decision(export, operator=operator)
    await exports.refuse_export(uow, export_id, operator=operator, now=now)
    await _audit(uow, export.batch_id, BatchAction.REFUSE_EXPORT, operator=operator, reason=reason, now=now)


async def download_export(
    uow: UnitOfWork, export_id: UUID, *, operator: str, reason: str, keyring: Keyring, now: datetime
) -> bytes:
    """The file in clear, once the audit of it is committed.

    :raises ExportUnknownError: there is no such export.
    :raises FourEyesError: somebody else asked for it.
    :raises ExportStateError: it has no file, yet or any more.
    """
    export = await _lock(uow, export_id)
    check_download(export, operator=operator)
    sealed, key = await exports.take_file(uow, export_id)
    await _audit(uow, export.batch_id, BatchAction.DOWNLOAD_EXPORT, operator=operator, reason=reason, now=now)
    return open_sealed(keyring.unwrap(key), sealed, aad=_aad(export_id))


async def expire_files(uow: UnitOfWork, *, now: datetime) -> int:
    """Forget files that are a day old, with their keys; answers how many."""
    return await exports.expire_files(uow, before=now - FILES_KEPT, limit=EXPIRE_MAX)


async def _lock(uow: UnitOfWork, export_id: UUID) -> Export:
    export = await exports.lock_export(uow, export_id)
    if export is None:
        raise ExportUnknownError(f"there is no export {export_id}")
    return export


async def _register_canaries(
    uow: UnitOfWork, export_id: UUID, opened: Sequence[CardSecret], *, sealer: CardSealer
) -> list[CardSecret]:
    """Canaries that are no card's code. Nobody imports meanwhile what might be one."""
    if not opened:
        return []
    await cards.wait_for_other_imports(uow)
    made = {sealer.index(canary.code): canary for canary in make_canaries(opened)}
    known = await cards.find_known_codes(uow, list(made))
    new = {index: canary for index, canary in made.items() if index not in known}
    await exports.add_canaries(uow, export_id, list(new))
    return list(new.values())


def _open_all(unsold: Sequence[UnsoldCard], *, keyring: Keyring) -> list[CardSecret]:
    return [_open(card, keyring=keyring) for card in unsold]


def _open(card: UnsoldCard, *, keyring: Keyring) -> CardSecret:
    aad = card_aad(sku_id=card.sku_id, batch_id=card.batch_id, card_id=card.card_id)
    content = orjson.loads(open_sealed(keyring.unwrap(card.key), card.sealed, aad=aad))
    return CardSecret(
        code=content["code"],
        password=content.get("password"),
        serial=content.get("serial"),
        expires_at=card.expires_at,
        uses=card.uses,
    )


def _aad(export_id: UUID) -> bytes:
    return f"v1|export|{export_id}".encode()


async def _audit(
    uow: UnitOfWork, batch_id: UUID, action: BatchAction, *, operator: str, reason: str, now: datetime
) -> None:
    await batches.add_action(uow, Action(new_id(), batch_id, action, operator, reason, Moved()), now=now)
