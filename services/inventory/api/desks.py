"""Edges where many concurrent requests share one transaction: holds at checkout, reveals."""

from collections.abc import Sequence
from uuid import UUID

from services.inventory.api.owners import owner_of
from services.inventory.clients.risk import RiskClient
from services.inventory.domain.cards import CardSecret, SealedEntitlement
from services.inventory.domain.entitlements import (
    EntitlementRevokedError,
    EntitlementState,
    EntitlementUnknownError,
    GiftPendingError,
    NothingToRevealError,
    RevealRecord,
)
from services.inventory.domain.stock import HoldRequest, Refusal
from services.inventory.queries import wallet
from services.inventory.queries.wallet import Owned
from services.inventory.usecases import holds, revealing
from services.inventory.usecases.revealing import Reveal
from shared.clock import new_id, utc_now
from shared.crypto import Keyring
from shared.database import Coalescer, Database
from shared.http import Identity
from shared.observability import current_traceparent

HOLDS_PER_BATCH = 64
REVEALS_PER_BATCH = 64


class HoldDesk:
    """Holds stock for orders. Those that arrive while a batch is being written form the next one, in their order."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._requests: Coalescer[HoldRequest, None] = Coalescer(self._hold, max_batch=HOLDS_PER_BATCH)

    async def hold(self, request: HoldRequest) -> None:
        """All that the order wants is held when this returns.

        :raises StockInsufficientError: it is not there; nothing is held.
        :raises SkuUnknownError: there is no such SKU, or it is a bundle.
        :raises BuyerFieldsMissingError: a top-up does not say where to.
        """
        await self._requests.submit(request)

    async def _hold(self, requests: Sequence[HoldRequest]) -> Sequence[Refusal | None]:
        async with self._database.begin() as uow:
            return await holds.hold(uow, requests, keyring=self._keyring, now=utc_now())


class RevealDesk:
    """The one way to a plaintext code: the caller owns it, risk lets it pass, the audit is committed, then it is opened."""

    def __init__(self, database: Database, keyring: Keyring, risk: RiskClient) -> None:
        self._database = database
        self._keyring = keyring
        self._risk = risk
        self._looks: Coalescer[UUID, Owned | None] = Coalescer(self._look, max_batch=REVEALS_PER_BATCH)
        self._reveals: Coalescer[Reveal, None] = Coalescer(self._record, max_batch=REVEALS_PER_BATCH)

    async def reveal(self, caller: Identity, entitlement_id: UUID) -> CardSecret:
        """Show the owner the code. No connection is held while risk is asked.

        :raises EntitlementUnknownError: there is none, or it is somebody else's, which is not told apart.
        :raises NothingToRevealError: it has no code.
        :raises RevealRefusedError: risk does not let it pass.
        :raises RevealUnavailableError: risk does not answer in time, asked twice.
        :raises EntitlementRevokedError: it was taken back.
        :raises GiftPendingError: it is being given away.
        """
        owned = await self._find(caller, entitlement_id)
        decision_id = await self._risk.allow_reveal(
            caller, entitlement_id=owned.entitlement_id, order_id=owned.order_id, sku_id=owned.sku_id
        )
        record = RevealRecord(
            reveal_id=new_id(),
            entitlement_id=owned.entitlement_id,
            role=caller.role.value,
            subject=caller.subject,
            ip=caller.ip,
            device=caller.device,
            decision_id=decision_id,
        )
        await self._reveals.submit(Reveal(owned, record, current_traceparent()))
        return revealing.open_card(owned, keyring=self._keyring)

    async def _find(self, caller: Identity, entitlement_id: UUID) -> SealedEntitlement:
        owned = await self._looks.submit(entitlement_id)
        if owned is None or not owner_of(caller).owns(
            member_id=owned.member_id, order_id=owned.order_id, given=owned.given
        ):
            raise EntitlementUnknownError(f"there is no entitlement {entitlement_id}")
        if owned.state is EntitlementState.REVOKED:
            raise EntitlementRevokedError("this entitlement was taken back")
        if owned.is_pending:
            raise GiftPendingError("this is being given away; cancel the gift to use it")
        if owned.card is None:
            raise NothingToRevealError("there is no code: it went to the buyer's account, or is shown as a QR code")
        return owned.card

    async def _look(self, entitlement_ids: Sequence[UUID]) -> Sequence[Owned | None]:
        async with self._database.read() as read:
            found = await wallet.find_owned(read, entitlement_ids)
        return [found.get(entitlement_id) for entitlement_id in entitlement_ids]

    async def _record(self, reveals: Sequence[Reveal]) -> Sequence[EntitlementRevokedError | None]:
        async with self._database.begin() as uow:
            return await revealing.record_reveals(uow, reveals, now=utc_now())
