"""What the provider does: take money by signed links, answer its merchant, write bills."""

import asyncio
import csv
import io
import time
from collections.abc import Mapping
from datetime import date, datetime
from uuid import uuid4

import orjson

from sandbox.payment.faults import NO_FAULTS, Faults, as_json, read_faults
from sandbox.payment.notices import Notices
from sandbox.payment.signing import check
from sandbox.payment.store import RefundDiffersError, RefundTooLargeError, Store, Trade
from shared.clock import SHANGHAI, business_day_bounds

FEE_PER_MILLE = 6
"""0.6 %, rounded half up."""

STAMP_VALID_S = 300
FAULTS_KEPT_MAX = 10_000

Message = dict[str, object]


class RefusedError(Exception):
    """The provider says no. `code` tells why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Provider:
    """One merchant's provider."""

    def __init__(self, store: Store, *, key: bytes, merchant_id: str) -> None:
        self._store = store
        self._key = key
        self._merchant_id = merchant_id
        self._faults = {number: read_faults(orjson.loads(text)) for number, text in store.all_faults().items()}
        self.notices = Notices(store, key=key, merchant_id=merchant_id, faults_of=self.faults_of)

    def faults_of(self, out_trade_no: str) -> Faults:
        """What to do wrong with one payment: its own faults, else everybody's."""
        return self._faults.get(out_trade_no) or self._faults.get("", NO_FAULTS)

    def read_link(self, parameters: Mapping[str, str]) -> Mapping[str, str]:
        """A pay link's content.

        :raises SignatureError: the merchant did not sign it.
        :raises RefusedError: it is another merchant's, or makes no sense.
        """
        link = check(self._key, parameters)
        if link.get("merchant_id") != self._merchant_id:
            raise RefusedError("merchant.unknown")
        needed = ("out_trade_no", "subject", "amount_minor", "currency", "notify_url", "expires_at")
        if any(name not in link for name in needed):
            raise RefusedError("link.incomplete")
        if not link["expires_at"].isdecimal():
            raise RefusedError("link.incomplete")
        if not link["amount_minor"].isdecimal() or int(link["amount_minor"]) == 0:
            raise RefusedError("amount.invalid")
        return link

    def pay(self, link: Mapping[str, str]) -> Message:
        """Take the money, once, and tell the merchant.

        :raises RefusedError: the link's time is over, or the same number was paid with another amount.
        """
        now = time.time()
        known = self._store.trade(link["out_trade_no"])
        if known is None and float(link["expires_at"]) < now:
            raise RefusedError("link.expired")
        amount_minor = int(link["amount_minor"])
        trade = Trade(
            out_trade_no=link["out_trade_no"],
            trade_no=uuid4().hex,
            subject=link["subject"],
            amount_minor=amount_minor,
            currency=link["currency"],
            fee_minor=(amount_minor * FEE_PER_MILLE + 500) // 1000,
            notify_url=link["notify_url"],
            paid_at=now,
        )
        first_at = self.notices.first_at(trade.out_trade_no, now=now)
        if known is None and self._store.receive(trade, next_notify_at=first_at):
            self.notices.tell(trade)
        elif known is not None:
            if (known.amount_minor, known.currency) != (amount_minor, link["currency"]):
                raise RefusedError("trade.differs")
            trade = known
        return {"status": "paid", "out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}

    async def query(self, parameters: Mapping[str, str]) -> Message:
        """What came in for a payment number.

        :raises SignatureError: the merchant did not sign the call.
        :raises RefusedError: the call is too old.
        """
        asked = self._check_call(parameters)
        number = asked.get("out_trade_no", "")
        await asyncio.sleep(self.faults_of(number).slow_s)
        trade = self._store.trade(number)
        if trade is None:
            return self._own({"status": "unpaid", "out_trade_no": number})
        return self.notices.signed(self.notices.receipt(trade))

    async def refund(self, parameters: Mapping[str, str]) -> Message:
        """Send money back, once per refund number, at most what came in.

        :raises SignatureError: the merchant did not sign the call.
        :raises RefusedError: the call is too old or incomplete.
        """
        asked = self._check_call(parameters)
        if not asked.get("amount_minor", "").isdecimal() or not asked.get("out_refund_no"):
            raise RefusedError("refund.incomplete")
        faults = self.faults_of(asked.get("out_trade_no", ""))
        await asyncio.sleep(faults.slow_s)
        trade = self._store.trade(asked.get("out_trade_no", ""))
        if trade is None or trade.currency != asked.get("currency"):
            return self._refused(asked, "trade.unknown")
        if faults.refund_fails:
            return self._refused(asked, "refund.failed")
        try:
            self._store.refund(
                out_refund_no=asked["out_refund_no"], trade=trade, amount_minor=int(asked["amount_minor"])
            )
        except RefundTooLargeError:
            return self._refused(asked, "refund.too_large")
        except RefundDiffersError:
            return self._refused(asked, "refund.differs")
        return self._own({"status": "refunded", "out_refund_no": asked["out_refund_no"]})

    async def query_refund(self, parameters: Mapping[str, str]) -> Message:
        """What became of a refund number.

        :raises SignatureError: the merchant did not sign the call.
        :raises RefusedError: the call is too old.
        """
        asked = self._check_call(parameters)
        number = asked.get("out_refund_no", "")
        known = self._store.refunded(number)
        await asyncio.sleep(self.faults_of(known[0] if known else "").slow_s)
        return self._own({"status": "refunded" if known else "unknown", "out_refund_no": number})

    def bill(self, parameters: Mapping[str, str]) -> str:
        """The trade bill of one day in Shanghai, as CSV, in order of time.

        :raises SignatureError: the merchant did not sign the call.
        :raises RefusedError: the call is too old, or that is no day.
        """
        asked = self._check_call(parameters)
        try:
            day = date.fromisoformat(asked.get("date", ""))
        except ValueError:
            raise RefusedError("date.invalid") from None
        since, until = business_day_bounds(day)
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(
            ("kind", "at", "out_trade_no", "trade_no", "out_refund_no", "amount_minor", "fee_minor", "currency")
        )
        for kind, at, *rest in self._store.bill(since=since.timestamp(), until=until.timestamp()):
            moment = datetime.fromtimestamp(at, tz=SHANGHAI)
            writer.writerow((kind, moment.isoformat(timespec="milliseconds"), *rest))
        return text.getvalue()

    def set_faults(self, asked: Mapping[str, object]) -> Message:
        """Do something wrong from now on, with one payment (`out_trade_no`) or with all.

        :raises FaultError: there is no such fault.
        :raises RefusedError: too many are set already.
        """
        number = str(asked.get("out_trade_no") or "")
        faults = read_faults({name: value for name, value in asked.items() if name != "out_trade_no"})
        if number not in self._faults and len(self._faults) >= FAULTS_KEPT_MAX:
            raise RefusedError("faults.too_many")
        self._faults[number] = faults
        self._store.set_faults(number, orjson.dumps(as_json(faults)).decode())
        return {"out_trade_no": number or None, **as_json(faults)}

    def clear_faults(self) -> None:
        """Do everything right again."""
        self._faults.clear()
        self._store.clear_faults()

    def _check_call(self, parameters: Mapping[str, str]) -> dict[str, str]:
        asked = check(self._key, parameters)
        stamp = asked.get("timestamp", "")
        if asked.get("merchant_id") != self._merchant_id:
            raise RefusedError("merchant.unknown")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > STAMP_VALID_S:
            raise RefusedError("timestamp.invalid")
        return asked

    def _own(self, message: Message) -> Message:
        return self.notices.signed({"merchant_id": self._merchant_id, **message})

    def _refused(self, asked: Mapping[str, str], reason: str) -> Message:
        return self._own({"status": "refused", "out_refund_no": asked["out_refund_no"], "reason": reason})
