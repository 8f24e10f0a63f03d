"""What the load buys, and who buys it: made before anything is measured."""

import asyncio
import random
import secrets
from collections.abc import Sequence

from dev.bench.purchase import Buyer
from dev.client import Access, Api
from dev.merchant import (
    Share,
    add_product,
    add_sku,
    import_cards,
    make_codes,
    publish_contract,
    wait_until_on_sale,
)

PRICE_MINOR = 1_990
REGISTER_AT_ONCE = 8


async def stock_up(desk: Api, access: Access, *, skus: int, cards_each: int, name: str) -> tuple[str, ...]:
    """Make SKUs of one product with so many cards each, shared with the first partner; answers their ids."""
    partner_id = access.partners[0]["partner_id"]
    product_id = await add_product(desk, name=f"{name} {secrets.token_hex(3)}", category="压测", description="压测商品")
    made = []
    for number in range(skus):
        sku_id = await add_sku(
            desk, product_id, name=f"{name} {number + 1}", price_minor=PRICE_MINOR, partner_id=partner_id
        )
        await publish_contract(desk, sku_id, [Share(partner_id, 7_000)])
        await import_cards(desk, sku_id, make_codes(cards_each), cost_minor=500)
        made.append(sku_id)
    for sku_id in made:
        await wait_until_on_sale(desk, sku_id)
    return tuple(made)


async def members(api: Api, *, count: int) -> list[Buyer]:
    """Register so many buyers, each with a device and an address of its own."""
    places = asyncio.Semaphore(REGISTER_AT_ONCE)

    async def one() -> Buyer:
        async with places:
            body = {"email": f"{secrets.token_hex(8)}@example.com", "password": secrets.token_urlsafe(12)}
            buyer = stranger()
            headers = {"x-forwarded-for": buyer.ip, "x-device-id": buyer.device}
            answer = await api.http.post("/v1/auth/register", json=body, headers=headers)
            answer.raise_for_status()
            return Buyer(answer.json()["access_token"], buyer.device, buyer.ip)

    return list(await asyncio.gather(*(one() for _ in range(count))))


def guests(count: int) -> Sequence[Buyer]:
    """So many buyers without an account."""
    return [stranger() for _ in range(count)]


def stranger() -> Buyer:
    """A device and an address that nobody has seen."""
    return Buyer("", secrets.token_hex(8), ".".join(str(random.randint(1, 254)) for _ in range(4)))
