"""Publishing split contracts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.settlement import events
from services.settlement.domain.contracts import Share, SplitContract, check_shares, check_start
from services.settlement.domain.partners import PartnerUnknownError
from services.settlement.repository import contracts, partners
from shared.database import UnitOfWork
from shared.messaging import announce


async def publish_contract(
    uow: UnitOfWork,
    *,
    sku_id: UUID,
    shares: Sequence[Share],
    effective_from: datetime | None,
    published_by: UUID | None,
    now: datetime,
) -> SplitContract:
    """Publish the next version of a component SKU's contract, in force from `effective_from`, else from now.

    :raises ContractError: the shares or the start cannot be. :raises PartnerUnknownError: a party is nobody we know.
    """
    check_shares(shares)
    parties = {share.partner_id for share in shares if share.partner_id is not None}
    if unknown := parties - await partners.known_partners(uow, parties):
        raise PartnerUnknownError(f"there is no partner {', '.join(sorted(map(str, unknown)))}")
    contract_id, latest, previous_start = await contracts.lock_contract(uow, sku_id=sku_id, now=now)
    start = effective_from or max(now, previous_start or now)
    check_start(start, previous=previous_start, now=now)
    contract = SplitContract(
        contract_id=contract_id, sku_id=sku_id, version=latest + 1, effective_from=start, shares=tuple(shares)
    )
    await contracts.add_version(uow, contract, published_by=published_by, now=now)
    announce(uow, events.contract_published(contract), now=now)
    return contract
