"""What order keeps of others' facts."""

from collections.abc import Sequence
from datetime import datetime

from services.order.repository.read_models import (
    ContractRow,
    ProductRow,
    TierRow,
    keep_contracts,
    keep_products,
    keep_tiers,
)
from services.order.usecases.webhooks import tell_products
from shared.contracts import ContractPublishedV1, MemberTierChangedV1, ProductChangedV1
from shared.database import UnitOfWork


async def learn_products(uow: UnitOfWork, changed: Sequence[ProductChangedV1], *, now: datetime) -> None:
    """Products as they now stand; an older version than the one that is known is ignored."""
    rows = [
        ProductRow(
            product_id=product.product_id,
            version=product.version,
            name=product.name,
            on_shelf=product.on_shelf,
            skus=[sku.model_dump(mode="json") for sku in product.skus],
            listed=product.listed,
            on_shelf_from=product.on_shelf_from,
            on_shelf_until=product.on_shelf_until,
            category=product.category,
        )
        for product in changed
    ]
    await keep_products(uow, rows)
    await tell_products(uow, changed, now=now)


async def learn_tiers(uow: UnitOfWork, changed: Sequence[MemberTierChangedV1]) -> None:
    """Members' tiers; an older sequence than the one that is known is ignored."""
    await keep_tiers(uow, [TierRow(fact.member_id, fact.sequence, fact.tier, fact.price_bp) for fact in changed])


async def learn_contracts(uow: UnitOfWork, published: Sequence[ContractPublishedV1]) -> None:
    """Split contracts: every version is kept, because orders are locked to them."""
    rows = [
        ContractRow(fact.sku_id, fact.contract_id, fact.version, fact.hash, fact.effective_from) for fact in published
    ]
    await keep_contracts(uow, rows)
