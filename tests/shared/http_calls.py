"""Calls over the lean client, as tests make them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.http.pool import Pool
from tests.shared.http_servers import RawServer, Script

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@asynccontextmanager
async def pool_to(url: str, *, max_connections: int = 64) -> AsyncIterator[Pool]:
    pool = Pool(url, max_connections=max_connections)
    try:
        yield pool
    finally:
        pool.close()


async def get(pool: Pool, *, timeout_s: float = 2.0, head_only: bool = False, data: bytes = GET) -> tuple[int, bytes]:
    connection = await pool.acquire(pool.now() + timeout_s)
    try:
        await connection.request(data, head_only=head_only)
        return connection.status, await connection.body()
    finally:
        pool.release(connection)


def silent(raw: RawServer) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer  # nothing is ever written
        await raw.read_request(reader)
        await reader.read()

    return script
