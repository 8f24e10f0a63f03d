"""Calls suppliers over HTTP: place an order, ask for it. How each is spoken to is written in `wires`.

What is not signed as agreed, or not of the agreed form, was not understood: that is no failure.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import httpx

from services.inventory.clients.wires import (
    ListingWire,
    NotUnderstoodError,
    WireRequest,
    WireResponse,
    listing_of,
    wire_of,
)
from services.inventory.domain.supply import AnswerKind, Step, SupplierAnswer, SupplierOrder
from services.inventory.domain.syncing import ListedGoods, SupplierAccess

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
CALL_TIMEOUT_S = 10.0
"""Of the whole call, however slowly it drips; well within a task's lease."""

ANSWER_BYTES_MAX = 1024 * 1024
"""A list of ten thousand goods."""

PAGES_MAX = 50
"""Of a list that comes in pages."""

CONNECTIONS_MAX = 100

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class NotListedError(Exception):
    """A supplier's list or balance could not be read; nothing is known, and nothing changes."""


class SupplierClient:
    """Calls suppliers. One per process; connections are pooled and bounded."""

    def __init__(self, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(answer_timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
            follow_redirects=False,
            trust_env=False,
        )

    async def ask(self, order: SupplierOrder, *, step: Step, now: datetime) -> SupplierAnswer:
        """Place the order, or ask what became of it. Whatever the supplier does is an answer of its own kind."""
        wire = wire_of(order.wire)
        request = wire.write(order, step=step, now=now)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                response = await self._exchange(order.base_url.rstrip("/") + request.path, request)
            return wire.read(order, response)
        except NotUnderstoodError as error:
            return SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, str(error))
        except _NEVER_SENT:
            return SupplierAnswer(AnswerKind.NEVER_SENT, "unreachable")
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return SupplierAnswer(AnswerKind.NOT_UNDERSTOOD, type(error).__name__)

    async def list_goods(self, access: SupplierAccess, *, now: datetime) -> list[ListedGoods]:
        """What the supplier lists.

        :raises NotListedError: it does not say, or not so that it could be understood.
        """
        listing = _listing_of(access)
        goods: list[ListedGoods] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            response = await self._look(access, listing.ask_goods(access, now=now, cursor=cursor))
            with _as_not_listed():
                goods += listing.read_goods(access, response)
                cursor = listing.more_goods(response)
            if cursor is None:
                return goods
        raise NotListedError("its list has no end")

    async def read_balance(self, access: SupplierAccess, *, now: datetime) -> int:
        """What is left of our money, in minor units.

        :raises NotListedError: it does not say, or not so that it could be understood.
        """
        listing = _listing_of(access)
        response = await self._look(access, listing.ask_balance(access, now=now))
        with _as_not_listed():
            return listing.read_balance(access, response)

    async def _look(self, access: SupplierAccess, request: WireRequest) -> WireResponse:
        with _as_not_listed():
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await self._exchange(access.base_url.rstrip("/") + request.path, request)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def _exchange(self, url: str, request: WireRequest) -> WireResponse:
        async with self._http.stream(
            request.method, url, content=request.body or None, headers=dict(request.headers)
        ) as response:
            answer = b""
            async for part in response.aiter_bytes():
                answer += part
                if len(answer) > ANSWER_BYTES_MAX:
                    raise httpx.DecodingError("the answer is too large")
            headers = {name.lower(): value for name, value in response.headers.items()}
            return WireResponse(response.status_code, headers, answer, request.nonce)


def _listing_of(access: SupplierAccess) -> ListingWire:
    listing = listing_of(access.wire)
    if listing is None:
        raise NotListedError("its template does not say how")
    return listing


@contextmanager
def _as_not_listed() -> Iterator[None]:
    try:
        yield
    except (NotUnderstoodError, httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        reason = str(error) if isinstance(error, NotUnderstoodError) else type(error).__name__
        raise NotListedError(reason) from None
