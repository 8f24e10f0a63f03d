"""How members can be reached, asked of membership, who alone keeps it. Kept in memory for a minute, nowhere else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from services.order.domain.messages import Addresses, ChannelName
from shared.clock import Clock
from shared.http import ServiceClient, ServiceRefusedError, ServiceUnavailableError
from shared.http.bounded import BoundedMap

KEPT_FOR = timedelta(minutes=1)
"""A member who has changed an address is reached at the new one after this."""

MEMBERS_KEPT = 2_000
WITHIN_S = 5.0
_FIELDS = {ChannelName.MINI_PROGRAM: "wechat_openid", ChannelName.SMS: "phone", ChannelName.EMAIL: "email"}


class ContactsUnavailableError(Exception):
    """Membership does not say."""


class Membership:
    """The membership service's knowledge of contacts."""

    def __init__(self, client: ServiceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: BoundedMap[UUID, tuple[datetime, Addresses]] = BoundedMap(MEMBERS_KEPT)

    async def addresses(self, member_ids: Sequence[UUID]) -> dict[UUID, Addresses]:
        """How these members can be reached; members that are not there (any more) are left out.

        :raises ContactsUnavailableError: membership does not answer.
        """
        now = self._clock()
        known = {}
        for member_id in set(member_ids):
            kept = self._kept.get(member_id)
            if kept is not None and kept[0] > now:
                known[member_id] = kept[1]
        asked = [str(member_id) for member_id in set(member_ids) - known.keys()]
        if not asked:
            return known
        try:
            answer = await self._client.call(
                "POST", "/internal/contacts", json={"member_ids": asked}, idempotent=True, timeout_s=WITHIN_S
            )
        except (ServiceUnavailableError, ServiceRefusedError) as error:
            raise ContactsUnavailableError(str(error)) from error
        for contact in answer["contacts"]:
            found = Addresses({channel: contact[name] for channel, name in _FIELDS.items() if contact.get(name)})
            known[UUID(contact["member_id"])] = found
            self._kept.put(UUID(contact["member_id"]), (now + KEPT_FOR, found))
        return known
