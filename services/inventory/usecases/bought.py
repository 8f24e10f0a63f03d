"""Cards that a supplier delivers for an order: sealed on arrival, none twice, stored with the order that they are for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.inventory.domain.importing import ReadLine
from services.inventory.domain.supply import AnswerKind, LeasedTask, SupplierAnswer
from services.inventory.repository import bought, cards, keys
from services.inventory.repository.cards import Batch
from services.inventory.repository.keys import KeyPurpose
from services.inventory.usecases.importing import CardSealer, SealedImport
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)

CARD_KNOWN = SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, "card_known")
"""A supplier delivered a card that is here already, or the same one twice: nobody can say who else has it."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A task that was taken, and what the call taught; `cards` are those that it brought, sealed."""

    leased: LeasedTask
    answer: SupplierAnswer
    latency_ms: int = 0
    cards: SealedImport | None = None


def seal_answer(leased: LeasedTask, answer: SupplierAnswer, *, latency_ms: int, sealer: CardSealer) -> Answered:
    """What the call taught, without a card in clear from here on."""
    if not answer.cards:
        return Answered(leased, answer, latency_ms)
    lines = [ReadLine(number, card) for number, card in enumerate(answer.cards, start=1)]
    sealed = sealer.seal_all(lines, sku_id=leased.sku_id, broken=())
    return Answered(leased, replace(answer, cards=()), latency_ms, sealed)


async def refuse_known_cards(uow: UnitOfWork, answered: Sequence[Answered]) -> list[Answered]:
    """Answers whose cards are known already were not understood: the goods are not given on, and a person has to ask."""
    indexes = [line.card.code_index for entry in answered if entry.cards for line in entry.cards.lines]
    if not indexes:
        return list(answered)
    await cards.wait_for_other_imports(uow)
    known = await cards.find_known_codes(uow, indexes)
    kept: list[Answered] = []
    for entry in answered:
        mine = {line.card.code_index for line in entry.cards.lines} if entry.cards else set()
        if entry.cards and (len(mine) < entry.leased.quantity or mine & known):
            log.warning("supplier.card_known", task_id=entry.leased.task.task_id, supplier_id=entry.leased.supplier_id)
            kept.append(replace(entry, answer=CARD_KNOWN, cards=None))
            continue
        known |= mine
        kept.append(entry)
    return kept


async def store_cards(
    uow: UnitOfWork, sealed: SealedImport, *, supplier_id: UUID | None, cost_minor: int, now: datetime
) -> None:
    """Write the cards of one order; `cost_minor` is of all of them."""
    await keys.add_key(uow, sealed.key, purpose=KeyPurpose.CARD_BATCH, now=now)
    count = len(sealed.lines)
    batch = Batch(sealed.batch_id, sealed.sku_id, sealed.key.key_id, f"supplier:{supplier_id}", 0, cost_minor // count)
    await bought.add_bought(uow, batch, [line.card for line in sealed.lines], now=now)
