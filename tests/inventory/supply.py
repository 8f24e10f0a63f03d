"""A supplier at the other end of a wire, and a worker that calls it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from sandbox.supplier.app import build_app
from sandbox.supplier.store import Charges, Store
from sandbox.supplier.supplier import Supplier
from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.supply import SupplierOffer
from services.inventory.jobs import SupplierWorker
from services.inventory.usecases import suppliers
from shared.clock import utc_now
from shared.crypto import Secret
from tests.inventory.world import Order, World, order_of
from tests.shared.http_servers import serving

SECRET = "s" * 64
COST_MINOR = 950
ACCOUNT = "13800001111"

_MAKE_DUE = """
UPDATE supplier_tasks SET due_at = now() - interval '1 second', sent_at = sent_at - interval '1 minute'
WHERE state IN ('new', 'sent', 'unknown')
"""
_OPEN = "SELECT count(*) FROM supplier_tasks WHERE state IN ('new', 'sent', 'unknown')"


@dataclass(frozen=True)
class Supply:
    """The supplier's side (`url`, faults, charges), and ours (`worker`)."""

    world: World
    url: str
    supplier: Supplier
    worker: SupplierWorker
    supplier_id: UUID
    sku_id: UUID

    async def faults(self, *faults: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.url}/admin/faults", json={"faults": faults})
            assert answer.status_code == 204, answer.text

    async def buy(self, *, quantity: int = 1, amount_minor: int = 1_000) -> Order:
        """An order for a top-up, paid and reserved."""
        order = order_of((self.sku_id, quantity))
        assert await self.world.hold(order, account=ACCOUNT) == [None]
        await self.world.reserve(order, kind=SkuKind.DIRECT_TOP_UP, amount_minor=amount_minor)
        return order

    async def work(self, worker: SupplierWorker | None = None) -> None:
        """One round: call for everything that is due, and record the answers."""
        worker = worker or self.worker
        while await worker.start_due():
            await worker.finish()

    async def settle(self, *, rounds: int = 30) -> None:
        """Round after round as if time flew, until nothing is open."""
        for _ in range(rounds):
            await self.work()
            if await self.open_tasks() == 0:
                return
            await self.make_due()
        raise AssertionError(await self.world.fetch("SELECT state, last_reason, attempts FROM supplier_tasks"))

    async def make_due(self) -> None:
        """All that is open is due now, and was sent long ago."""
        await self.world.fetch(_MAKE_DUE)

    async def open_tasks(self) -> int:
        return int(await self.world.value(_OPEN))

    async def task(self, order: Order) -> dict[str, Any]:
        (row,) = await self.world.fetch("SELECT * FROM supplier_tasks WHERE component_id = $1", order.component_id)
        return row

    def charges(self) -> Charges:
        return self.supplier.charges()


@asynccontextmanager
async def running_supply(world: World, directory: Path, *, processing_s: float = 0.0) -> AsyncIterator[Supply]:
    """A supplier on a port of its own that sells one SKU of ours."""
    supplier = Supplier(Store(directory / "supplier.sqlite"), processing_s=processing_s)
    client = SupplierClient(answer_timeout_s=0.5)
    async with serving(build_app(supplier, secret=SECRET)) as url:
        sku_id = await world.sku(kind=SkuKind.DIRECT_TOP_UP, stock_cap=1_000)
        supplier_id = await sign_up(world, url, sku_id)
        yield Supply(
            world,
            url,
            supplier,
            SupplierWorker(world.database, client, world.keyring, world.sealer),
            supplier_id,
            sku_id,
        )
    await client.close()


async def sign_up(world: World, url: str, sku_id: UUID, *, name: str = "sandbox") -> UUID:
    async with world.database.begin() as uow:
        return await suppliers.add_supplier(
            uow,
            name=name,
            base_url=url,
            merchant_id="kaquan",
            secret=Secret(SECRET),
            offers=[SupplierOffer(sku_id, "TOPUP-10", COST_MINOR)],
            keyring=world.keyring,
            now=utc_now(),
        )
