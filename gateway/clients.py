"""The few calls the gateway makes for itself, and the connections it forwards over."""

import asyncio
import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.auth import PartnerKey
from shared.http.bounded import BoundedMap
from shared.http.client import ServiceClient, ServiceRefusedError, ServiceUnavailableError
from shared.http.identity import Identity, IdentitySigner, Role
from shared.http.pool import Pool

FORWARD_CONNECTIONS = 64
"""To one service. What comes on top waits here, where it costs little."""

STREAM_CONNECTIONS = 2_000
"""Event streams hold a connection each for as long as somebody watches, so they have a pool of their own."""

KEY_CACHED_S = 30.0
"""A partner's key that was taken back works this long at most."""

UNKNOWN_KEY_CACHED_S = 5.0
MAX_KEYS = 2_000
ASK_WITHIN_S = 1.5
"""A service that takes longer is shown as not answering; the dashboard does not wait for it."""

SIGN_IN_WITHIN_S = 10.0

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said, or why it said nothing."""

    body: Any = None
    failure: str | None = None


class Neighbours:
    """All services by name."""

    def __init__(self, urls: Mapping[str, str], signer: IdentitySigner) -> None:
        self.names = tuple(urls)
        self.pools = {name: Pool(url, max_connections=FORWARD_CONNECTIONS) for name, url in urls.items()}
        self.streams = {name: Pool(url, max_connections=STREAM_CONNECTIONS) for name, url in urls.items()}
        self._clients = {name: ServiceClient(url, signer, neighbour=name) for name, url in urls.items()}

    async def ask(self, service: str, path: str) -> Answer:
        """GET from one service; a failure is an answer too."""
        try:
            return Answer(body=await self._clients[service].call("GET", path, timeout_s=ASK_WITHIN_S))
        except ServiceRefusedError as error:
            return Answer(failure=f"refused: {error.code}")
        except ServiceUnavailableError as error:
            return Answer(failure=error.reason)

    async def ask_all(self, path: str) -> dict[str, Answer]:
        """GET the same path from every service at once."""
        answers = await asyncio.gather(*(self.ask(name, path) for name in self.names))
        return dict(zip(self.names, answers, strict=True))

    async def command(self, service: str, path: str, *, operator: Identity) -> Any:
        """POST to one service in an operator's name.

        :raises ServiceRefusedError: it said no.
        :raises ServiceUnavailableError: it did not answer.
        """
        return await self._clients[service].call("POST", path, as_identity=operator)

    async def membership(self, path: str, body: Mapping[str, Any], *, visitor: Identity) -> Any:
        """POST to membership for somebody who is not signed in yet. Hashing a password takes its time.

        :raises ServiceRefusedError: it said no.
        :raises ServiceUnavailableError: it did not answer.
        """
        client = self._clients["membership"]
        return await client.call("POST", path, json=body, as_identity=visitor, timeout_s=SIGN_IN_WITHIN_S)

    async def partner_key(self, key_id: str) -> PartnerKey | None:
        """The active key of that id as settlement keeps it, or `None`.

        :raises ServiceUnavailableError: settlement does not answer.
        """
        try:
            found = await self._clients["settlement"].call("GET", f"/internal/partner-keys/{key_id}")
        except ServiceRefusedError as error:
            if error.status == _NOT_FOUND:
                return None
            raise ServiceUnavailableError("settlement", f"answered {error}") from error
        return _read_key(found)

    async def close(self) -> None:
        """Close all connections."""
        for pool in (*self.pools.values(), *self.streams.values()):
            pool.close()
        for client in self._clients.values():
            await client.close()


class PartnerKeys:
    """Partners' keys, kept for half a minute. Requests that need the same key at once ask for it once."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self._known: BoundedMap[str, tuple[PartnerKey | None, float]] = BoundedMap(MAX_KEYS)
        self._asking: dict[str, asyncio.Task[PartnerKey | None]] = {}

    async def find(self, key_id: str) -> PartnerKey | None:
        """The active key of that id, or `None`.

        :raises ServiceUnavailableError: it is not in the cache and settlement does not answer.
        """
        known = self._known.get(key_id)
        if known is not None and known[1] > asyncio.get_running_loop().time():
            return known[0]
        task = self._asking.get(key_id)
        if task is None:
            task = self._asking[key_id] = asyncio.create_task(self._ask(key_id))
        return await asyncio.shield(task)  # the others still wait when one of them leaves

    async def _ask(self, key_id: str) -> PartnerKey | None:
        try:
            key = await self._neighbours.partner_key(key_id)
        finally:
            del self._asking[key_id]
        kept_s = KEY_CACHED_S if key is not None else UNKNOWN_KEY_CACHED_S
        self._known.put(key_id, (key, asyncio.get_running_loop().time() + kept_s))
        return key


def _read_key(found: Any) -> PartnerKey | None:
    try:
        if found["active"] is not True:
            return None
        algorithm = str(found["algorithm"])
        material = found["public_key"] if algorithm == "ed25519" else found["secret"]
        role = Role(found.get("role", Role.PARTNER))  # settlement of the previous release does not say
        return PartnerKey(UUID(found["partner_id"]), algorithm, base64.b64decode(material, validate=True), role)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise ServiceUnavailableError("settlement", "its answer is no partner key") from None
