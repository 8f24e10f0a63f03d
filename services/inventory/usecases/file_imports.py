"""Large files of cards: read and sealed while they arrive, stored by a job that may die at any point and goes on."""

import asyncio
from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from services.inventory.domain.cards import CardSecret, LineFault
from services.inventory.domain.importing import (
    FILE_LINES_MAX,
    REPORTED_LINES_MAX,
    BrokenLine,
    ImportState,
    ReadLine,
    read_each,
)
from services.inventory.repository import cards, catalogue, imports, keys, stock
from services.inventory.repository.cards import Batch
from services.inventory.repository.imports import FileImport, StagedLine
from services.inventory.repository.keys import DataKey, KeyPurpose
from services.inventory.usecases.canaries import report_touched
from services.inventory.usecases.importing import BatchSealer, CardSealer, find_link_hosts
from shared.clock import new_id
from shared.crypto import Keyring, new_dek
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

log = get_logger(__name__)

READ_AT_ONCE = 5_000
"""Lines that are in memory as cards at a time, and written down by one COPY."""

SHOWN_LINES = 10
"""Lines that a preview shows, masked."""

_ENDED = Counter("card_files_total", "Files of cards that a job has dealt with", ["outcome"])


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of a preview, with nothing of its secret but the masked form."""

    line: int
    masked: str
    has_password: bool
    has_serial: bool
    expires_at: datetime | None
    cost_minor: int | None
    uses: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import of the file would come to now."""

    received: int
    valid: int
    reasons: dict[str, int]
    broken: tuple[BrokenLine, ...]
    first: tuple[ShownLine, ...]
    known: tuple[bytes, ...]
    """Blind indexes of what is here already."""


async def preview(
    read: UnitOfWork, rows: Iterable[tuple[int, object]], *, sku_id: UUID, sealer: CardSealer, now: datetime
) -> Preview:
    """Read the file and change nothing.

    :raises SkuUnknownError: there is no such SKU of cards.
    :raises ImportUnreadableError: it is no list of cards.
    :raises ImportTooLargeError: it has too many lines.
    """
    hosts = await find_link_hosts(read, sku_id)
    seen: set[bytes] = set()
    reasons: Tally[str] = Tally()
    broken: list[BrokenLine] = []
    first: list[ShownLine] = []
    here: set[bytes] = set()
    received = 0
    lines = read_each(rows, now=now, lines_max=FILE_LINES_MAX, link_hosts=hosts)
    while some := await asyncio.to_thread(lambda: [_indexed(line, sealer) for line in islice(lines, READ_AT_ONCE)]):
        received += len(some)
        known = await cards.find_known_codes(read, [index for _, index in some if index])
        here |= known
        for line, index in some:
            fault = line.fault if isinstance(line, BrokenLine) else _duplicate(index, seen, known)
            if fault is not None:
                reasons[fault.value] += 1
                broken.append(BrokenLine(line.line, fault))
            elif isinstance(line, ReadLine) and len(first) < SHOWN_LINES:
                first.append(_shown(line.line, line.card))
        broken = broken[:REPORTED_LINES_MAX]
    return Preview(received, received - reasons.total(), dict(reasons), tuple(broken), tuple(first), tuple(here))


async def receive(
    uow: UnitOfWork,
    rows: Iterable[tuple[int, object]],
    *,
    sku_id: UUID,
    cost_minor: int,
    accept_valid: bool,
    imported_by: str,
    sealer: CardSealer,
    keyring: Keyring,
    now: datetime,
) -> FileImport:
    """Write down all lines of the file, sealed. Once this is committed, the job brings them to the shelf.

    :raises SkuUnknownError: there is no such SKU of cards.
    :raises ImportUnreadableError: it is no list of cards.
    :raises ImportTooLargeError: it has too many lines.
    """
    hosts = await find_link_hosts(uow, sku_id)
    dek = new_dek()
    key = DataKey(new_id(), keyring.wrap(dek))
    file = FileImport(
        import_id=new_id(),
        sku_id=sku_id,
        batch_id=new_id(),
        key_id=key.key_id,
        state=ImportState.SEALED,
        accept_valid=accept_valid,
        cost_minor=cost_minor,
        imported_by=imported_by,
        received=0,
        sealed=0,
        stored=0,
        refused=0,
        after_line=0,
    )
    await keys.add_key(uow, key, purpose=KeyPurpose.CARD_BATCH, now=now)
    await imports.add_import(uow, file, now=now)
    received = sealed = 0
    batch = BatchSealer(dek, sku_id=sku_id, batch_id=file.batch_id)
    lines = _staged(read_each(rows, now=now, lines_max=FILE_LINES_MAX, link_hosts=hosts), sealer=sealer, batch=batch)
    while some := await asyncio.to_thread(lambda: list(islice(lines, READ_AT_ONCE))):
        await imports.add_lines(uow, file.import_id, some)
        indexes = [line.card.code_index for line in some if line.card is not None]
        await report_touched(uow, indexes, place="import", subject=imported_by, now=now)
        received += len(some)
        sealed += sum(line.card is not None for line in some)
    await imports.count_lines(uow, file.import_id, received=received, sealed=sealed)
    return replace(file, received=received, sealed=sealed, refused=received - sealed)


async def advance(uow: UnitOfWork, *, now: datetime) -> bool:
    """Bring the oldest open import one step further; False: there is none that nobody else is at.

    A step is one transaction. Whoever dies in the middle of it has done nothing, and the next one begins there.
    """
    file = await imports.take_open(uow)
    if file is None:
        return False
    await cards.wait_for_other_imports(uow)
    if file.state is ImportState.SEALED:
        await _judge(uow, file, now=now)
    else:
        await _store_some(uow, file, now=now)
    return True


async def _judge(uow: UnitOfWork, file: FileImport, *, now: datetime) -> None:
    """Find the duplicates; then either all is refused, or a batch is opened for the good lines."""
    refused = file.refused + await imports.mark_twice(uow, file.import_id)
    after = 0
    while lines := await imports.next_lines(uow, file.import_id, after=after):
        refused += await imports.mark_known(uow, file.import_id, lines)
        after = lines.until
    file = replace(file, refused=refused)
    good = file.received - refused
    if good == 0 or (refused and not file.accept_valid):
        await _refuse(uow, file, now=now)
        return
    batch = Batch(file.batch_id, file.sku_id, file.key_id, file.imported_by, refused, file.cost_minor)
    await cards.open_batch(uow, batch, accepted=good, now=now)
    await imports.save(uow, replace(file, state=ImportState.STORING))


async def _store_some(uow: UnitOfWork, file: FileImport, *, now: datetime) -> None:
    """Make cards of the next lines; after the last one all of them go on the shelf at once."""
    lines = await imports.next_lines(uow, file.import_id, after=file.after_line)
    if lines is None:
        await _shelve(uow, file, now=now)
        return
    known = await imports.mark_known(uow, file.import_id, lines)
    file = replace(file, refused=file.refused + known)
    if known and not file.accept_valid:
        await _refuse(uow, file, now=now)
        return
    await imports.store_lines(uow, file, lines)
    await imports.save(uow, replace(file, stored=file.stored + lines.count - known, after_line=lines.until))


async def _shelve(uow: UnitOfWork, file: FileImport, *, now: datetime) -> None:
    if file.stored == 0:  # others brought in every one of its cards meanwhile
        await _refuse(uow, file, now=now)
        return
    await catalogue.find_pick_order(uow, file.sku_id)  # it stays until they are on the shelf
    after = 0
    while lines := await imports.next_lines(uow, file.import_id, after=after):
        await imports.shelve_lines(uow, file, lines)
        after = lines.until
    await cards.recount_batch(uow, file.batch_id, accepted=file.stored, refused=file.refused)
    await imports.save(uow, replace(file, state=ImportState.DONE), ended_at=now)
    stock.stock_moves(uow).put_on(file.sku_id, await imports.count_units(uow, file.import_id))
    await imports.forget_good(uow, file.import_id)
    _tell(uow, file, outcome=ImportState.DONE)


async def _refuse(uow: UnitOfWork, file: FileImport, *, now: datetime) -> None:
    await imports.save(uow, replace(file, state=ImportState.REFUSED, stored=0), ended_at=now)
    await imports.forget_good(uow, file.import_id)
    await imports.forget_batch(uow, file)
    _tell(uow, file, outcome=ImportState.REFUSED)


def _tell(uow: UnitOfWork, file: FileImport, *, outcome: ImportState) -> None:
    log.info("cards.file_ended", outcome=outcome.value, import_id=file.import_id, received=file.received)
    uow.after_commit(lambda: _ENDED.labels(outcome.value).inc())


def _staged(lines: Iterable[ReadLine | BrokenLine], *, sealer: CardSealer, batch: BatchSealer) -> Iterator[StagedLine]:
    for line in lines:
        read, index = _indexed(line, sealer)
        if isinstance(read, BrokenLine):
            yield StagedLine(read.line, None, read.fault)
        else:
            yield StagedLine(read.line, batch.seal(read.card, index), None)


def _indexed(line: ReadLine | BrokenLine, sealer: CardSealer) -> tuple[ReadLine | BrokenLine, bytes]:
    """The line with its card's blind index, empty for a broken one; a code of which nothing is left is broken too."""
    if isinstance(line, BrokenLine):
        return line, b""
    try:
        return line, sealer.index(line.card.code)
    except ValueError:
        return BrokenLine(line.line, LineFault.CODE_MISSING), b""


def _duplicate(index: bytes, seen: set[bytes], known: set[bytes]) -> LineFault | None:
    if index in seen:
        return LineFault.DUPLICATE_IN_FILE
    seen.add(index)
    return LineFault.DUPLICATE_IN_STOCK if index in known else None


def _shown(number: int, card: CardSecret) -> ShownLine:
    return ShownLine(
        line=number,
        masked=card.masked,
        has_password=card.password is not None,
        has_serial=card.serial is not None,
        expires_at=card.expires_at,
        cost_minor=card.cost_minor,
        uses=card.uses,
    )
