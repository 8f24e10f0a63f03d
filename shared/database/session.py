"""One physical connection with its two faces: asyncpg itself, and SQLAlchemy Core over the same socket."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
import orjson
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CONNECT_TIMEOUT_S = 5.0
LOCK_TIMEOUT_MS = 5_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000
"""A unit of work holds no transaction open while it waits for anything but PostgreSQL; this ends one that does,
and frees the locks of a process that froze."""

COMMAND_GRACE_S = 5.0
"""The server's own time-out strikes first; the client's, this much later, is for a server that no longer answers."""

CLOSE_TIMEOUT_S = 2.0

_NOTICE_THE_DEAD = {
    # A machine that vanished without a word keeps its locks until the server notices: within half a minute, not two hours.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "10s",
}


@dataclass(slots=True, eq=False)
class Session:
    """A connection of the pool. `sql` lives as long as `raw`, so that using either costs no checkout."""

    sql: AsyncConnection
    raw: Connection

    @property
    def is_usable(self) -> bool:
        return not (self.raw.is_closed() or self.sql.closed or self.sql.invalidated)

    @property
    def is_at_rest(self) -> bool:
        """Usable, and outside any transaction."""
        return self.is_usable and not self.raw.is_in_transaction()

    async def close(self) -> None:
        """Say good-bye to the server; when it does not answer, leave without."""
        await close_raw(self.raw)
        await self._release_facade()

    async def discard(self) -> None:
        """Leave at once: nothing may be reused from a connection whose state is not known."""
        self.raw.terminate()
        await self._release_facade()

    async def _release_facade(self) -> None:
        if not self.sql.closed:
            await self.sql.invalidate()
            await self.sql.close()


class Connector:
    """Opens connections to one database, all with the same time-outs and codecs. Lazy: no I/O until asked."""

    def __init__(self, url: str, *, application_name: str, statement_timeout_ms: int) -> None:
        self._arguments: dict[str, Any] = {
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": statement_timeout_ms / 1000 + COMMAND_GRACE_S,
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "statement_timeout": str(statement_timeout_ms),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
                "jit": "off",
                # Planning a statement of the hot path anew took more than running it. So every statement is planned once
                # per connection, for any parameters, and must be written so that one plan suits them all.
                "plan_cache_mode": "force_generic_plan",
                **_NOTICE_THE_DEAD,
            },
        }
        self._dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            poolclass=NullPool,  # the pool is this package's
            isolation_level="AUTOCOMMIT",  # so is the transaction
            json_serializer=_unchanged,  # the connection's codec does the work, for both faces
            json_deserializer=_unchanged,
            connect_args=self._arguments,
        )

    async def open_session(self) -> Session:
        """:raises OSError: nobody answers in time. :raises asyncpg.PostgresError: the server refuses."""
        sql = await self._engine.connect()
        raw: Any = (await sql.get_raw_connection()).driver_connection
        await _set_codecs(raw)
        return Session(sql=sql, raw=raw)

    async def open_raw(self) -> Connection:
        """A connection outside the pool, for locks and listening. Raises as `open_session` does."""
        raw: Connection = await asyncpg.connect(self._dsn, **self._arguments)
        await _set_codecs(raw)
        return raw

    async def close(self) -> None:
        await self._engine.dispose()


async def close_raw(raw: Connection) -> None:
    """Say good-bye to the server; when it does not answer, leave without."""
    try:
        await raw.close(timeout=CLOSE_TIMEOUT_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        raw.terminate()


async def _set_codecs(raw: Connection) -> None:
    """JSON goes in and comes out as Python values, through orjson."""
    await raw.set_type_codec("json", schema="pg_catalog", encoder=_dump, decoder=orjson.loads, format="binary")
    await raw.set_type_codec("jsonb", schema="pg_catalog", encoder=_dump_jsonb, decoder=_load_jsonb, format="binary")


def _dump(value: object) -> bytes:
    return orjson.dumps(value, default=str)  # asyncpg's UUIDs are a subclass, which orjson does not know


def _dump_jsonb(value: object) -> bytes:
    return b"\x01" + orjson.dumps(value, default=str)  # the wire format's version byte


def _load_jsonb(value: bytes) -> object:
    return orjson.loads(value[1:])


def _unchanged(value: object) -> object:
    return value
