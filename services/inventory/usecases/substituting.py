"""Name what may be delivered instead of something that cannot be had."""

from collections.abc import Sequence
from uuid import UUID

from services.inventory.domain.catalogue import SkuUnknownError
from services.inventory.domain.substitutes import SubstituteRefusedError, check_substitutes
from services.inventory.repository import substitutes
from shared.database import UnitOfWork
from shared.observability import get_logger

log = get_logger(__name__)


async def name_substitutes(
    uow: UnitOfWork, sku_id: UUID, named: Sequence[UUID], *, other_partners: bool, operator: str
) -> None:
    """These, the first that can be had, are delivered where the SKU cannot be; none: it is refunded then.

    :raises SkuUnknownError: one of them is not there.
    :raises SubstituteRefusedError: one cannot stand in, is named twice, or leads back to the SKU.
    """
    await substitutes.wait_for_others(uow)
    if len(set(named)) != len(named):
        raise SubstituteRefusedError("a SKU is named twice")
    facts = await substitutes.find_facts(uow, [sku_id, *named])
    for wanted in (sku_id, *named):
        if wanted not in facts:
            raise SkuUnknownError(f"there is no SKU {wanted}")
    if await substitutes.leads_back(uow, sku_id, named):
        raise SubstituteRefusedError("what stands in for it leads back to it")
    check_substitutes(facts[sku_id], [facts[wanted] for wanted in named], other_partners=other_partners)
    await substitutes.replace(uow, sku_id, named)
    log.info("sku.substitutes_named", sku_id=sku_id, substitutes=len(named), operator=operator)
