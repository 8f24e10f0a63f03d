"""Messages go out: first their ways are found, then each channel sends its own, at its own pace.

Nothing here holds up an order: a channel that is slow or down is waited for by its own job alone. Several processes share
the work; what was claimed by one that died is sent again after its lease, under the same id.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from services.order.clients.couriers import AddressRefusedError, Channel, ChannelUnavailableError, Outgoing
from services.order.clients.membership import ContactsUnavailableError, Membership
from services.order.domain.messages import Addresses, ChannelName, Occasion, Recipient
from services.order.domain.order_links import sign_order_link
from services.order.usecases import messages
from services.order.usecases.checkout import open_contact
from services.order.usecases.messages import NO_ADDRESS, DueDelivery, Outcome
from shared.clock import Clock
from shared.crypto import Keyring, SealBrokenError
from shared.database import Database
from shared.observability import get_logger

ADDRESSED_AT_ONCE = 200
SENT_AT_ONCE = 40
"""Claimed together: at eight calls at a time and ten seconds for each, done within the lease."""

CALLS_AT_ONCE = 8
BATCHES_PER_TICK = 25

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pages:
    """Where buyers read their orders: the shop's address, and for how long a guest's link is good."""

    shop_url: str
    guest_key: bytes
    link_life: timedelta


@dataclass(frozen=True, slots=True)
class Messenger:
    """Finds the ways out, and sends."""

    database: Database
    membership: Membership
    channels: Mapping[ChannelName, Channel]
    keyring: Keyring
    pages: Pages
    clock: Clock

    async def find_ways(self) -> None:
        """Find by which channels each new message goes out."""
        for _ in range(BATCHES_PER_TICK):
            async with self.database.begin() as uow:
                new = await messages.take_unaddressed(uow, now=self.clock(), limit=ADDRESSED_AT_ONCE)
            if not new:
                return
            reached = await self._reach([each.recipient for each in new])
            found: dict[UUID, Sequence[ChannelName]] = {}
            unknown = []
            for each, addresses in zip(new, reached, strict=True):
                if addresses is None:
                    unknown.append(each)
                else:
                    found[each.message_id] = self._ways(addresses, each.occasion)
            async with self.database.begin() as uow:
                await messages.record_ways(uow, found, now=self.clock())
                await messages.postpone(uow, unknown, now=self.clock())

    async def send(self, name: ChannelName) -> None:
        """Send what is due by one channel."""
        for _ in range(BATCHES_PER_TICK):
            async with self.database.begin() as uow:
                due = await messages.take_due(uow, name, now=self.clock(), limit=SENT_AT_ONCE)
            if not due:
                return
            reached = await self._reach([each.recipient for each in due])
            turn = asyncio.Semaphore(CALLS_AT_ONCE)
            tries = (self._try(name, each, addresses, turn=turn) for each, addresses in zip(due, reached, strict=True))
            outcomes = await asyncio.gather(*tries)
            async with self.database.begin() as uow:
                await messages.record_tries(uow, name, outcomes, now=self.clock())

    def _ways(self, addresses: Addresses, occasion: Occasion) -> list[ChannelName]:
        return [
            name
            for name, channel in self.channels.items()
            if name in addresses.by_channel and channel.carries(occasion)
        ]

    async def _try(
        self, name: ChannelName, due: DueDelivery, addresses: Addresses | None, *, turn: asyncio.Semaphore
    ) -> Outcome:
        if addresses is None:
            return messages.failed(due, failure="contacts_unavailable", now=self.clock())
        address = addresses.by_channel.get(name)
        if address is None:
            return messages.given_up(due, failure=NO_ADDRESS)
        outgoing = Outgoing(due.letter, address, self._link(due))
        async with turn:
            try:
                await self.channels[name].send(outgoing)
            except ChannelUnavailableError as error:
                log.warning(
                    "message.not_taken", message_id=due.letter.message_id, channel=name.value, reason=error.failure
                )
                return messages.failed(due, failure=error.failure, now=self.clock())
            except AddressRefusedError as error:
                log.warning(
                    "message.refused", message_id=due.letter.message_id, channel=name.value, reason=error.failure
                )
                return messages.given_up(due, failure=error.failure)
        return messages.sent(due)

    def _link(self, due: DueDelivery) -> str:
        """A member's page asks to sign in; a guest's link carries a token behind the `#`, made anew for each try."""
        notice = due.letter.notice
        if notice.member_id is not None:
            page = "wallet" if notice.occasion is Occasion.EXPIRING else f"orders/{notice.order_id}"
            return f"{self.pages.shop_url}/{page}"
        token = sign_order_link(
            self.pages.guest_key, order_id=notice.order_id, expires_at=self.clock() + self.pages.link_life
        )
        return f"{self.pages.shop_url}/o#{token}"

    async def _reach(self, recipients: Sequence[Recipient]) -> list[Addresses | None]:
        """How each can be reached; None where nobody can say now."""
        member_ids = [each.member_id for each in recipients if each.member_id is not None]
        members: Mapping[UUID, Addresses] | None = {}
        if member_ids:
            try:
                members = await self.membership.addresses(member_ids)
            except ContactsUnavailableError as error:
                log.warning("contacts.unavailable", reason=str(error))
                members = None
        return [self._reach_one(each, members) for each in recipients]

    def _reach_one(self, recipient: Recipient, members: Mapping[UUID, Addresses] | None) -> Addresses | None:
        if recipient.member_id is not None:
            return None if members is None else members.get(recipient.member_id, Addresses())
        if recipient.sealed is None:
            return Addresses()
        try:
            contact = open_contact(self.keyring, recipient.sealed, order_id=recipient.order_id)
        except SealBrokenError:
            log.error("contact.cannot_be_opened", order_id=recipient.order_id)  # noqa: TRY400  # its words help nobody
            return Addresses()
        known = {ChannelName.SMS: contact.phone, ChannelName.EMAIL: contact.email}
        return Addresses({channel: address for channel, address in known.items() if address})
