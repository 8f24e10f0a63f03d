"""Telling the merchant what came in, again and again until it says `success`."""

import asyncio
import secrets
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import orjson

from sandbox.payment.faults import Faults
from sandbox.payment.signing import sign
from sandbox.payment.store import Store, Trade
from shared.http.pool import Pool
from shared.http.wire import UpstreamError
from shared.observability import get_logger

LADDER_S = (1.0, 3.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0)
"""Waits between attempts; after the last the merchant has to ask."""

LEASE_S = 60.0
"""A payment that this process was about to report is looked at again after this long, should it have died."""

UNDER_WAY_MAX = 48
"""Notifies at once: fewer than connections, so that the time for an answer is not spent waiting for one of these."""

WAITING_MAX = 10_000
"""Notifies that wait their turn in memory; what comes on top waits in the file, for `LEASE_S`."""

PER_LOOK = 100
LOOK_EVERY_S = 0.25
ANSWER_WITHIN_S = 10.0
_OK = 200

log = get_logger(__name__)


class Notices:
    """Reports payments to their merchants. `faults_of` says what to do wrong with one."""

    def __init__(self, store: Store, *, key: bytes, merchant_id: str, faults_of: Callable[[str], Faults]) -> None:
        self._store = store
        self._key = key
        self._merchant_id = merchant_id
        self._faults_of = faults_of
        self._pools: dict[str, Pool] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._waiting: dict[str, Trade] = {}
        self._told: list[str] = []
        self._stopping = False

    def first_at(self, out_trade_no: str, *, now: float) -> float | None:
        """When the file should bring a new payment up; None if its merchant is never told."""
        faults = self._faults_of(out_trade_no)
        if faults.never:
            return None
        return now + (faults.late_s or LEASE_S)

    def tell(self, trade: Trade) -> None:
        """Report it now, unless it is to be late or there is too much to do."""
        faults = self._faults_of(trade.out_trade_no)
        if not faults.never and not faults.late_s:
            self._start(trade, faults)

    async def run(self, stop: asyncio.Event) -> None:
        """Report what is due, until told to stop."""
        while not stop.is_set():
            self._note_told()
            for trade in self._store.due(now=time.time(), limit=PER_LOOK):
                self._start(trade, self._faults_of(trade.out_trade_no))
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await stop.wait()
            except TimeoutError:
                continue
        await self._finish()

    def signed(self, message: dict[str, object]) -> dict[str, object]:
        """A message of ours with its signature."""
        return {**message, "sign": sign(self._key, message)}

    def receipt(self, trade: Trade) -> dict[str, object]:
        """What a payment looks like to its merchant."""
        return {
            "merchant_id": self._merchant_id,
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.trade_no,
            "subject": trade.subject,
            "amount_minor": trade.amount_minor,
            "currency": trade.currency,
            "fee_minor": trade.fee_minor,
            "status": "paid",
            "paid_at": int(trade.paid_at),
        }

    def _start(self, trade: Trade, faults: Faults) -> None:
        number = trade.out_trade_no
        if number in self._under_way or number in self._waiting:
            return
        if len(self._under_way) >= UNDER_WAY_MAX:
            if len(self._waiting) < WAITING_MAX:
                self._waiting[number] = trade
            return
        task = asyncio.create_task(self._report(trade, faults))
        self._under_way[number] = task
        task.add_done_callback(lambda _: self._ended(number))

    def _ended(self, number: str) -> None:
        self._under_way.pop(number, None)
        if self._waiting and not self._stopping:
            trade = self._waiting.pop(next(iter(self._waiting)))
            self._start(trade, self._faults_of(trade.out_trade_no))

    async def _report(self, trade: Trade, faults: Faults) -> None:
        message = self.receipt(trade)
        message["notify_id"] = secrets.token_hex(8)
        if faults.wrong_amount:
            message["amount_minor"] = trade.amount_minor + 1
        signed = self.signed(message)
        if faults.bad_signature:
            signed["sign"] = "0" * 64
        body = orjson.dumps(signed)
        taken = [await self._send(trade.notify_url, body) for _ in range(2 if faults.twice else 1)]
        if all(taken):
            self._told.append(trade.out_trade_no)
            return
        wait_s = LADDER_S[trade.attempts] if trade.attempts < len(LADDER_S) else None
        at = None if wait_s is None else time.time() + wait_s
        self._store.tell_later(trade.out_trade_no, at=at)

    async def _send(self, url: str, body: bytes) -> bool:
        """Whether the merchant has taken it."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(origin)
        request = (
            f"POST {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body
        try:
            connection = await pool.acquire(pool.now() + ANSWER_WITHIN_S)
            try:
                await connection.request(request)
                answer = await connection.body()
                return connection.status == _OK and answer == b"success"
            finally:
                pool.release(connection)
        except UpstreamError as error:
            log.info("notice.not_delivered", reason=str(error))
            return False

    def _note_told(self) -> None:
        if self._told:
            told, self._told = self._told, []
            self._store.told(told)

    async def _finish(self) -> None:
        self._stopping = True
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._note_told()
        for pool in self._pools.values():
            pool.close()
