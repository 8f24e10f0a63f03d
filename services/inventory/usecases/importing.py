"""Import cards: sealed under a key of their own, none twice, all or none unless the operator takes the good lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from services.inventory.domain.cards import CardSecret, LineFault, is_link
from services.inventory.domain.catalogue import SkuUnknownError
from services.inventory.domain.importing import BrokenLine, ReadLine, refusal
from services.inventory.repository import cards, catalogue, keys, stock
from services.inventory.repository.cards import Batch, SealedCard
from services.inventory.repository.keys import DataKey, KeyPurpose
from shared.clock import new_id
from shared.crypto import BlindIndex, Keyring, Sealer, new_dek, normalise_code
from shared.database import UnitOfWork
from shared.observability import Counter, get_logger

log = get_logger(__name__)

_IMPORTED = Counter("cards_imported_total", "Cards taken by imports")


@dataclass(frozen=True, slots=True)
class SealedLine:
    """A line of the import, sealed and ready to be stored."""

    line: int
    card: SealedCard


@dataclass(frozen=True, slots=True)
class SealedImport:
    """An import outside the database: all its cards sealed under one data key."""

    batch_id: UUID
    sku_id: UUID
    key: DataKey
    lines: tuple[SealedLine, ...]
    broken: tuple[BrokenLine, ...]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of an import."""

    batch_id: UUID
    accepted: int
    broken: tuple[BrokenLine, ...]


class BatchSealer:
    """Seals the cards of one batch under its data key. What they have in common is made once."""

    def __init__(self, dek: bytes, *, sku_id: UUID, batch_id: UUID) -> None:
        self._sealer = Sealer(dek)
        self._batch = _batch_aad(sku_id=sku_id, batch_id=batch_id)

    def seal(self, card: CardSecret, code_index: bytes) -> SealedCard:
        """The card with a new id, as it is stored."""
        card_id = new_id()
        content = {"code": card.code}
        if card.password is not None:
            content["password"] = card.password
        if card.serial is not None:
            content["serial"] = card.serial
        sealed = self._sealer.seal(orjson.dumps(content), aad=f"{self._batch}{card_id}".encode())
        return SealedCard(card_id, sealed, code_index, card.masked, card.expires_at, card.cost_minor, card.uses)


class CardSealer:
    """Seals cards and finds equal ones without reading them. Holds the two keys that this takes."""

    def __init__(self, keyring: Keyring, index_key: bytes) -> None:
        self._keyring = keyring
        self._indexes = BlindIndex(index_key)

    def index(self, code: str) -> bytes:
        """The blind index of a code. In a link upper and lower case differ, so it is taken as it is.

        :raises ValueError: nothing of the code is left when separators are taken away.
        """
        return self._indexes.of(code if is_link(code) else normalise_code(code))

    def find_index(self, text: str) -> bytes | None:
        """The blind index of what somebody presents as a code, if anything is left of it."""
        try:
            return self.index(text.strip())
        except ValueError:
            return None

    def seal_all(self, lines: Sequence[ReadLine], *, sku_id: UUID, broken: Sequence[BrokenLine]) -> SealedImport:
        """Seal an import. Takes about a second per 100,000 cards: call it outside the event loop.

        A card that is in the file twice is taken once, and its later lines are reported.
        """
        dek = new_dek()
        batch_id = new_id()
        sealer = BatchSealer(dek, sku_id=sku_id, batch_id=batch_id)
        faults = list(broken)
        sealed: list[SealedLine] = []
        seen: set[bytes] = set()
        for line in lines:
            try:
                code_index = self.index(line.card.code)
            except ValueError:
                faults.append(BrokenLine(line.line, LineFault.CODE_MISSING))
                continue
            if code_index in seen:
                faults.append(BrokenLine(line.line, LineFault.DUPLICATE_IN_FILE))
                continue
            seen.add(code_index)
            sealed.append(SealedLine(line.line, sealer.seal(line.card, code_index)))
        key = DataKey(new_id(), self._keyring.wrap(dek))
        return SealedImport(batch_id, sku_id, key, tuple(sealed), tuple(faults))


async def find_link_hosts(read: UnitOfWork, sku_id: UUID) -> frozenset[str] | None:
    """The hosts that links of the SKU may lead to; None: its cards are any codes.

    :raises SkuUnknownError: there is no such SKU of cards.
    """
    sku = await catalogue.find_sku(read, sku_id)
    if sku is None or not sku.takes_cards:
        raise SkuUnknownError(f"there is no SKU {sku_id} that takes cards")
    return sku.goods.link_hosts


async def import_cards(
    uow: UnitOfWork,
    sealed: SealedImport,
    *,
    cost_minor: int,
    accept_valid: bool,
    imported_by: str,
    now: datetime,
) -> ImportResult:
    """Store the import and put its cards on the shelf.

    :raises SkuUnknownError: there is no such SKU of cards.
    :raises ImportDuplicateError: cards are known already and nothing else is wrong; nothing was changed.
    :raises ImportRefusedError: lines are broken and the good ones alone are not wanted, or there are none.
    """
    order = await catalogue.find_pick_order(uow, sealed.sku_id)
    if order is None:
        raise SkuUnknownError(f"there is no SKU {sealed.sku_id} that takes cards")
    await cards.wait_for_other_imports(uow)
    known = await cards.find_known_codes(uow, [line.card.code_index for line in sealed.lines])
    taken = [line.card for line in sealed.lines if line.card.code_index not in known]
    repeated = [
        BrokenLine(line.line, LineFault.DUPLICATE_IN_STOCK) for line in sealed.lines if line.card.code_index in known
    ]
    broken = tuple(sorted((*sealed.broken, *repeated), key=lambda entry: entry.line))
    if broken and not (accept_valid and taken):
        raise refusal(broken)
    await keys.add_key(uow, sealed.key, purpose=KeyPurpose.CARD_BATCH, now=now)
    batch = Batch(sealed.batch_id, sealed.sku_id, sealed.key.key_id, imported_by, len(broken), cost_minor)
    await cards.add_batch(uow, batch, taken, order=order, now=now)
    stock.stock_moves(uow).put_on(sealed.sku_id, sum(card.uses for card in taken))
    log.info("cards.imported", sku_id=sealed.sku_id, batch_id=sealed.batch_id, accepted=len(taken), refused=len(broken))
    uow.after_commit(lambda: _IMPORTED.inc(len(taken)))
    return ImportResult(sealed.batch_id, len(taken), broken)


def card_aad(*, sku_id: UUID, batch_id: UUID, card_id: UUID) -> bytes:
    """What binds a sealed card to its row: moved to another, it does not open."""
    return f"{_batch_aad(sku_id=sku_id, batch_id=batch_id)}{card_id}".encode()


def _batch_aad(*, sku_id: UUID, batch_id: UUID) -> str:
    return f"v1|{sku_id}|{batch_id}|"
