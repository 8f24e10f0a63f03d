"""The membership service as it runs, reached over HTTP as the gateway reaches it; events go in through its processor."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
from fastapi import FastAPI

from services.membership.consumers import HANDLERS
from services.membership.main import build
from services.membership.settings import Settings
from shared.clock import new_id, utc_now
from shared.contracts import BY_SCHEMA, Event, dataschema, decode, encode, wrap
from shared.database import Database
from shared.http import IDENTITY_HEADER, Identity, IdentitySigner, Role
from shared.messaging.delivery import Delivery
from shared.messaging.processing import Processor
from shared.settings import Environment, ProcessRole, read_key

PASSWORD = "correct horse battery"
E = TypeVar("E", bound=Event)


def fast_settings(database_url: str, keys_dir: Path, **changes: Any) -> Settings:
    """Settings with a hashing cost that tests can pay."""
    return Settings(
        database_url=database_url,
        keys_dir=keys_dir,
        environment=Environment.TEST,
        roles=frozenset({ProcessRole.API}),
        **{"argon2_memory_kib": 64, "argon2_passes": 1, **changes},
    )


def a_delivery(event: Event, *, event_id: UUID | None = None) -> Delivery:
    """The event as it comes from its topic."""
    envelope = wrap(event, event_id=event_id or new_id(), source="/order", time=utc_now())
    return Delivery(
        topic=event.TOPIC,
        partition=0,
        offset=0,
        key=str(event.key),
        event_id=envelope.id,
        dataschema=dataschema(type(event)),
        payload=encode(envelope),
        traceparent=None,
    )


@dataclass(frozen=True)
class House:
    """A running service, and the doors a test needs."""

    app: FastAPI
    http: httpx.AsyncClient
    database: Database
    signer: IdentitySigner
    processor: Processor

    async def post(
        self, path: str, body: object, *, identity: Identity | None = None, key: str | None = None
    ) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.headers(identity, key=key))

    async def put(self, path: str, body: object, *, identity: Identity, key: str) -> httpx.Response:
        return await self.http.put(path, json=body, headers=self.headers(identity, key=key))

    async def get(
        self, path: str, *, identity: Identity | None = None, params: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self.http.get(path, params=params, headers=self.headers(identity))

    def headers(self, identity: Identity | None = None, *, key: str | None = None) -> dict[str, str]:
        """What the gateway would send for this caller."""
        signed = self.signer.sign(identity or Identity(Role.ANONYMOUS, "", ip="192.0.2.7"))
        return {IDENTITY_HEADER: signed, **({"Idempotency-Key": key} if key else {})}

    async def register(self, **contact: str) -> dict[str, Any]:
        """A new member's answer; a phone number is made up where none is given."""
        wanted = contact or {"phone": a_phone()}
        answer = await self.post("/v1/auth/register", {"password": PASSWORD, **wanted})
        assert answer.status_code == 201, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def warm_up(self) -> None:
        """Open every connection of the pool, so that what is started at once also runs at once."""

        async def wait() -> None:
            async with self.database.read() as uow:
                await uow.raw.execute("SELECT pg_sleep(0.05)")

        await asyncio.gather(*(wait() for _ in range(8)))

    async def hear(self, *events: Event) -> None:
        """Let one batch of events take effect."""
        await self.deliver([a_delivery(event) for event in events])

    async def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Let one batch of deliveries take effect; none may end in the table of parked records."""
        await self.processor.process(deliveries, abandon=[asyncio.Event()])
        assert await self.fetch("SELECT reason FROM parked_records") == []

    async def deliver_past_the_inbox(self, deliveries: Sequence[Delivery]) -> None:
        """As if the inbox had forgotten everything."""
        async with self.database.begin() as uow:
            await self.processor.apply(uow, deliveries)

    async def said(self, kind: type[E], *, member_id: UUID | None = None) -> list[E]:
        """What the service announced of one kind, in order."""
        rows = await self.fetch("SELECT dataschema, payload FROM outbox ORDER BY id")
        events = [decode(row["payload"], BY_SCHEMA[row["dataschema"]]).data for row in rows]
        return [event for event in events if isinstance(event, kind) and member_id in (None, event.key)]

    async def fetch(self, statement: str, *arguments: Any) -> "list[asyncpg.Record]":
        """Look into the tables."""
        async with self.database.read() as uow:
            return await uow.raw.fetch(statement, *arguments)


_phones = iter(range(13_800_000_000, 13_900_000_000))


def a_phone() -> str:
    """A phone number nobody has."""
    return str(next(_phones))


def buyer(member_id: str | UUID) -> Identity:
    return Identity(Role.BUYER, str(member_id), ip="192.0.2.7")


def operator(*scopes: str) -> Identity:
    return Identity(Role.OPERATOR, str(new_id()), scopes=frozenset(scopes or ("admin",)))


def service() -> Identity:
    return Identity(Role.SERVICE, "gateway")


@asynccontextmanager
async def open_house(settings: Settings) -> AsyncIterator[House]:
    """The service, started and stopped as its process would."""
    app = build(settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://membership") as http:
            database: Database = app.state.database
            signer = IdentitySigner(read_key(settings.keys_dir, "internal.key"), "gateway")
            yield House(app, http, database, signer, Processor(database, "membership", HANDLERS))
