"""The load driver's side of a connection: the platform's own lean client, so that the load takes little of the machine."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.http.pool import Pool

ANSWER_WITHIN_S = 15
CONNECTIONS_MAX = 512


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


class Target:
    """One address under load."""

    def __init__(self, base_url: str) -> None:
        self._pool = Pool(base_url, max_connections=CONNECTIONS_MAX)
        self._host = f"Host: {self._pool.authority.decode()}\r\n"

    async def request(
        self, method: str, target: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """:raises shared.http.wire.UpstreamError: no connection, or no answer within `ANSWER_WITHIN_S`."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        kind = "" if method == "GET" else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection = await self._pool.acquire(self._pool.now() + ANSWER_WITHIN_S)
        try:
            await connection.request(f"{method} {target} HTTP/1.1\r\n{self._host}{lines}{kind}\r\n".encode() + body)
            return Answer(connection.status, await connection.body())
        finally:
            self._pool.release(connection)

    def close(self) -> None:
        self._pool.close()
