"""The settlement service as its consumer runtime drives it, and its ledger as an auditor reads it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.settlement.consumers import handlers
from services.settlement.domain.chain import Block
from services.settlement.domain.contracts import EarnedOn, PartyKind, Share, SplitContract
from services.settlement.usecases.books import Books
from services.settlement.usecases.contracts import publish_contract
from services.settlement.usecases.partners import register_partner
from services.settlement.usecases.sealing import final_number, seal_block
from shared.clock import new_id
from shared.contracts import Event, dataschema, decode, wrap
from shared.database import Database
from tests.settlement.purchases import NOON

E = TypeVar("E", bound=Event)


@dataclass
class House:
    """Deliver events, look at what they did. `now` is the service's clock."""

    database: Database
    now: datetime = NOON
    books: Books = field(default_factory=Books)

    async def deliver(self, *events: Event) -> None:
        """One unit of work for all of them, as the consumer runtime hands them over: by type, in order."""
        by_type: dict[type[Event], list[Event]] = defaultdict(list)
        for event in events:
            by_type[type(event)].append(event)
        known = handlers(self.books, clock=lambda: self.now)
        async with self.database.begin() as uow:
            for kind, alike in by_type.items():
                envelopes = [wrap(e, event_id=new_id(), source="/test", time=self.now) for e in alike]
                await known[kind](uow, envelopes)

    async def partner(self, name: str = "品牌甲") -> UUID:
        async with self.database.begin() as uow:
            return await register_partner(uow, name=name, created_by=None, now=self.now)

    async def contract(self, *shares: Share, sku_id: UUID | None = None) -> SplitContract:
        async with self.database.begin() as uow:
            return await publish_contract(
                uow,
                sku_id=sku_id or new_id(),
                shares=shares,
                effective_from=None,
                published_by=None,
                now=self.now,
            )

    async def two_brands(self) -> SplitContract:
        """70 % to a brand on sale, 12.5 % to a channel on redemption, the rest to the platform."""
        brand, channel = await self.partner(), await self.partner("渠道乙")
        return await self.contract(
            brand_share(brand, 7_000), channel_share(channel, 1_250, earned_on=EarnedOn.REDEMPTION), PLATFORM_REST
        )

    async def balances(self) -> dict[str, int]:
        """Debits minus credits of every account that does not stand at zero, from the postings themselves."""
        rows = await self.rows(
            "SELECT a.code, sum(m.amount)::bigint AS net FROM ("
            " SELECT debit_account AS account_id, amount_minor AS amount FROM postings"
            " UNION ALL SELECT credit_account, -amount_minor FROM postings) AS m JOIN accounts a USING (account_id)"
            " GROUP BY a.code HAVING sum(m.amount) <> 0"
        )
        return dict(rows)

    async def announced(self, kind: type[E]) -> list[E]:
        """What the service said, oldest first."""
        rows = await self.rows("SELECT payload FROM outbox WHERE dataschema = $1 ORDER BY id", dataschema(kind))
        return [decode(payload, kind).data for (payload,) in rows]

    async def seal(self) -> list[Block]:
        """Seal all there is."""
        sealed: list[Block] = []
        through_no = await final_number(self.database)
        while True:
            async with self.database.begin() as uow:
                block = await seal_block(uow, through_no=through_no, now=self.now)
            if block is None:
                return sealed
            sealed.append(block)

    async def rows(self, query: str, *arguments: object) -> Sequence[tuple[Any, ...]]:
        async with self.database.read() as uow:
            return [tuple(row) for row in await uow.raw.fetch(query, *arguments)]

    async def run(self, statement: str, *arguments: object) -> None:
        async with self.database.read() as uow:
            await uow.raw.execute(statement, *arguments)


PLATFORM_REST = Share(PartyKind.PLATFORM, None, None, remainder=True, earned_on=EarnedOn.SALE)


def brand_share(partner_id: UUID, share_bp: int, *, earned_on: EarnedOn = EarnedOn.SALE) -> Share:
    return Share(PartyKind.BRAND, partner_id, share_bp, remainder=False, earned_on=earned_on)


def channel_share(partner_id: UUID, share_bp: int, *, earned_on: EarnedOn = EarnedOn.SALE) -> Share:
    return Share(PartyKind.CHANNEL, partner_id, share_bp, remainder=False, earned_on=earned_on)
