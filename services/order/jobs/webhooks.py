"""Channels are told by webhook what there is to tell them."""

import asyncio
from dataclasses import dataclass

from services.order.clients.webhooks import WebhookSender
from services.order.domain.webhooks import DueMessage, Sent
from services.order.usecases import webhooks
from shared.clock import Clock
from shared.crypto import Keyring
from shared.database import Database
from shared.observability import Counter, get_logger

MESSAGES_PER_CHANNEL = 10
"""Webhooks in flight to one address."""

TRANSACTIONS_PER_TICK = 50
ROWS_PRUNED = 2_000

log = get_logger(__name__)

_MESSAGES = Counter("webhooks_sent_total", "Webhooks sent to channels", ["outcome"])


@dataclass(frozen=True, slots=True)
class WebhookMessenger:
    """Sends channels what there is to tell them."""

    database: Database
    sender: WebhookSender
    keyring: Keyring
    clock: Clock

    async def send(self) -> None:
        """Send what is due, and write down what was taken. An address that hangs holds up its own channel alone."""
        async with self.database.exclusive("order.webhooks") as ours:
            for _ in ours.rounds(TRANSACTIONS_PER_TICK):
                async with self.database.begin() as uow:
                    due = await webhooks.take_due(uow, now=self.clock(), limit=MESSAGES_PER_CHANNEL)
                if not due:
                    return
                sent = await asyncio.gather(*(self._send(each) for each in due))
                async with self.database.begin() as uow:
                    await webhooks.record_sent(uow, sent, now=self.clock())

    async def prune(self) -> None:
        """Forget what was told a month ago."""
        async with self.database.exclusive("order.webhooks.prune") as ours:
            for _ in ours.rounds(TRANSACTIONS_PER_TICK):
                async with self.database.begin() as uow:
                    if await webhooks.prune(uow, now=self.clock(), limit=ROWS_PRUNED) < ROWS_PRUNED:
                        return

    async def _send(self, due: DueMessage) -> Sent:
        secret = webhooks.open_secret(due.endpoint, keyring=self.keyring)
        sent = await self.sender.send(due, secret, now=self.clock())
        _MESSAGES.labels("taken" if not sent.error else "refused").inc()
        if sent.error:
            log.info("webhook.refused", channel_id=due.endpoint.channel_id, kind=due.kind, reason=sent.error)
        return sent
