"""Two suppliers of one SKU, each with books of its own, and one worker of ours."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from sandbox.supplier.app import build_app
from sandbox.supplier.store import Store
from sandbox.supplier.supplier import Supplier
from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.supply import SupplierOffer
from services.inventory.jobs import SupplierWorker
from services.inventory.usecases import suppliers
from shared.clock import utc_now
from shared.crypto import Secret
from tests.inventory.supply import COST_MINOR, SECRET, Supply
from tests.inventory.world import Order, World
from tests.shared.http_servers import serving

NOBODY = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Side:
    """One supplier."""

    supplier_id: UUID
    url: str
    books: Supplier

    async def faults(self, *faults: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.url}/admin/faults", json={"faults": faults})
            assert answer.status_code == 204, answer.text


@dataclass(frozen=True)
class Market:
    """`first` is asked before `second` unless a test says otherwise."""

    world: World
    supply: Supply
    first: Side
    second: Side

    @property
    def sku_id(self) -> UUID:
        return self.supply.sku_id

    async def move(self, side: Side, base_url: str) -> None:
        await self.world.fetch("UPDATE suppliers SET base_url = $2 WHERE supplier_id = $1", side.supplier_id, base_url)

    async def offer(self, side: Side, *, priority: int, weight: int = 1, cost_minor: int = COST_MINOR) -> None:
        offer = SupplierOffer(self.sku_id, "TOPUP-10", cost_minor, priority, weight)
        async with self.world.database.begin() as uow:
            await suppliers.map_skus(uow, side.supplier_id, [offer])

    async def buy(self, *, quantity: int = 1, amount_minor: int = 1_000) -> Order:
        return await self.supply.buy(quantity=quantity, amount_minor=amount_minor)

    async def supplier_of(self, order: Order) -> Side:
        task = await self.supply.task(order)
        return self.first if task["supplier_id"] == self.first.supplier_id else self.second

    def charged(self) -> Sequence[int]:
        """How many orders each delivered."""
        return [side.books.charges().orders for side in (self.first, self.second)]


@asynccontextmanager
async def running_market(world: World, directory: Path, *, processing_s: float = 0.0) -> AsyncIterator[Market]:
    """Both suppliers on ports of their own."""
    client = SupplierClient(answer_timeout_s=0.5)
    sku_id = await world.sku(kind=SkuKind.DIRECT_TOP_UP, stock_cap=10_000)
    async with AsyncExitStack() as stack:
        sides = []
        for number, name in enumerate(("first", "second"), start=1):
            books = Supplier(Store(directory / f"{name}.sqlite"), processing_s=processing_s)
            url = await stack.enter_async_context(serving(build_app(books, secret=SECRET)))
            supplier_id = await sign_up(world, name, url, SupplierOffer(sku_id, "TOPUP-10", COST_MINOR, number))
            sides.append(Side(supplier_id, url, books))
        worker = SupplierWorker(world.database, client, world.keyring, world.sealer)
        first, second = sides
        supply = Supply(world, first.url, first.books, worker, first.supplier_id, sku_id)
        yield Market(world, supply, first, second)
    await client.close()


async def sign_up(
    world: World, name: str, url: str, offer: SupplierOffer, *, wire: Mapping[str, object] | None = None
) -> UUID:
    """A supplier of one offer."""
    async with world.database.begin() as uow:
        return await suppliers.add_supplier(
            uow,
            name=name,
            base_url=url,
            merchant_id="kaquan",
            secret=Secret(SECRET),
            wire=wire,
            offers=[offer],
            keyring=world.keyring,
            now=utc_now(),
        )
