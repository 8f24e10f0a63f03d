"""The sandbox provider as its merchant meets it: a real process of its own, a real merchant's server to notify."""

import asyncio
import csv
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dev.stack.layout import REPOSITORY
from dev.stack.ports import find_free_ports
from sandbox.payment.signing import sign
from shared.clock import business_day, utc_now
from shared.settings import read_key

MERCHANT = "kaquan-sandbox"
START_WITHIN_S = 20.0

Json = dict[str, Any]


@dataclass
class ProviderProcess:
    """`python -m sandbox.payment` on a port and a directory of its own."""

    directory: Path
    keys: Path
    port: int = field(default_factory=lambda: find_free_ports(1)[0])
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {
            **os.environ,
            "KAQUAN_SANDBOX_PAYMENT_PORT": str(self.port),
            "KAQUAN_LOCAL_DIR": str(self.directory),
            "KAQUAN_KEYS_DIR": str(self.keys),
        }
        command = [sys.executable, "-m", "sandbox.payment"]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + START_WITHIN_S
        while time.monotonic() < give_up:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise TimeoutError("the sandbox provider does not start")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)


@dataclass
class Merchant:
    """Answers notifies as it is told to, and remembers them."""

    key: bytes
    url: str = ""
    answers: list[int] = field(default_factory=list)
    heard: "asyncio.Queue[Json]" = field(default_factory=asyncio.Queue)

    async def notify(self, request: web.Request) -> web.Response:
        self.heard.put_nowait(await request.json())
        status = self.answers.pop(0) if self.answers else 200
        return web.Response(status=status, text="success" if status == 200 else "no")

    def signed(self, **parameters: object) -> dict[str, str]:
        texts = {name: str(value) for name, value in parameters.items()}
        return {**texts, "sign": sign(self.key, texts)}

    def call(self, **parameters: object) -> dict[str, str]:
        return self.signed(merchant_id=MERCHANT, timestamp=int(time.time()), **parameters)

    def link(self, number: str, *, amount_minor: int = 1000, **other: object) -> str:
        parameters: Json = {
            "merchant_id": MERCHANT,
            "out_trade_no": number,
            "subject": "20261121ABC",
            "amount_minor": amount_minor,
            "currency": "CNY",
            "notify_url": self.url,
            "expires_at": int(time.time()) + 60,
            "nonce": "n",
            **other,
        }
        return f"/pay?{urlencode(self.signed(**parameters))}"

    async def next(self, *, within_s: float = 5.0) -> Json:
        async with asyncio.timeout(within_s):
            return await self.heard.get()

    def believes(self, message: Json) -> bool:
        unsigned = {name: value for name, value in message.items() if name != "sign"}
        return bool(sign(self.key, unsigned) == message["sign"])


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory, keys_directory: Path) -> Iterator[ProviderProcess]:
    process = ProviderProcess(tmp_path_factory.mktemp("sandbox"), keys_directory)
    process.start()
    yield process
    process.stop()


@pytest.fixture
async def merchant(keys_directory: Path) -> AsyncIterator[Merchant]:
    someone = Merchant(read_key(keys_directory, "payment-sandbox.key"))
    app = web.Application()
    app.router.add_post("/notify", someone.notify)
    async with TestServer(app) as server:
        someone.url = str(server.make_url("/notify"))
        yield someone


@pytest.fixture
async def http(provider: ProviderProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=provider.url, timeout=10) as client:
        yield client
        await client.delete("/admin/faults")


async def test_paying_notifies_the_merchant_with_the_fee(http: httpx.AsyncClient, merchant: Merchant) -> None:
    link = merchant.link("pays", amount_minor=1999)
    page = await http.get(link)
    assert page.status_code == 200
    assert "19.99" in page.text
    paid = await http.post(link)
    assert paid.json()["status"] == "paid"
    heard = await merchant.next()
    assert merchant.believes(heard)
    assert (heard["out_trade_no"], heard["amount_minor"], heard["fee_minor"]) == ("pays", 1999, 12)


async def test_a_person_is_taken_back_to_the_shop(http: httpx.AsyncClient, merchant: Merchant) -> None:
    back = "http://shop.example/orders/1"
    in_a_browser = {"accept": "text/html"}
    link = merchant.link("person", return_url=back)
    assert f'href="{back}"' in (await http.get(link, headers=in_a_browser)).text
    paid = await http.post(link, headers=in_a_browser)
    assert f"1;url={back}" in paid.text
    assert (await merchant.next())["out_trade_no"] == "person"
    late = merchant.link("late", expires_at=int(time.time()) - 1)
    assert "已过期" in (await http.post(late, headers=in_a_browser)).text
    assert (await http.post(late)).json()["code"] == "link.expired"


async def test_paying_twice_takes_money_once(http: httpx.AsyncClient, merchant: Merchant) -> None:
    link = merchant.link("once")
    first, second = await asyncio.gather(http.post(link), http.post(link))
    assert first.json()["trade_no"] == second.json()["trade_no"]
    await merchant.next()
    with pytest.raises(TimeoutError):
        await merchant.next(within_s=0.5)


async def test_a_link_that_the_merchant_did_not_sign_is_refused(http: httpx.AsyncClient, merchant: Merchant) -> None:
    forged = merchant.link("forged").replace("amount_minor=1000", "amount_minor=1")
    assert (await http.post(forged)).status_code == 403
    assert (await http.post(merchant.link("late", expires_at=1))).json()["code"] == "link.expired"
    assert (await http.post(merchant.link("foreign", merchant_id="other"))).json()["code"] == "merchant.unknown"


async def test_the_notify_comes_again_until_it_is_taken(http: httpx.AsyncClient, merchant: Merchant) -> None:
    merchant.answers = [500, 200]
    await http.post(merchant.link("again"))
    first = await merchant.next()
    second = await merchant.next()
    assert first["out_trade_no"] == second["out_trade_no"] == "again"


async def test_what_came_in_can_be_asked_for(http: httpx.AsyncClient, merchant: Merchant) -> None:
    before = (await http.get("/query", params=merchant.call(out_trade_no="asked"))).json()
    assert (before["status"], merchant.believes(before)) == ("unpaid", True)
    await http.post(merchant.link("asked"))
    after = (await http.get("/query", params=merchant.call(out_trade_no="asked"))).json()
    assert (after["status"], after["amount_minor"], merchant.believes(after)) == ("paid", 1000, True)
    old = merchant.signed(merchant_id=MERCHANT, timestamp=1, out_trade_no="asked")
    assert (await http.get("/query", params=old)).json()["code"] == "timestamp.invalid"


async def test_refunds_are_made_once_and_never_exceed_the_payment(http: httpx.AsyncClient, merchant: Merchant) -> None:
    await http.post(merchant.link("back"))

    async def refund(number: str, amount_minor: int) -> Json:
        asked = merchant.call(out_trade_no="back", out_refund_no=number, amount_minor=amount_minor, currency="CNY")
        answer: Json = (await http.post("/refund", json=asked)).json()
        return answer

    assert (await refund("r1", 600))["status"] == "refunded"
    assert (await refund("r1", 600))["status"] == "refunded"
    assert (await refund("r1", 500))["reason"] == "refund.differs"
    assert (await refund("r2", 401))["reason"] == "refund.too_large"
    assert (await refund("r3", 400))["status"] == "refunded"
    known = await http.get("/refund-query", params=merchant.call(out_refund_no="r1"))
    unknown = await http.get("/refund-query", params=merchant.call(out_refund_no="r9"))
    assert (known.json()["status"], unknown.json()["status"]) == ("refunded", "unknown")


async def test_the_bill_lists_the_day(http: httpx.AsyncClient, merchant: Merchant) -> None:
    await http.post(merchant.link("billed", amount_minor=5000))
    asked = merchant.call(out_trade_no="billed", out_refund_no="rb", amount_minor=100, currency="CNY")
    await http.post("/refund", json=asked)
    today = business_day(utc_now()).isoformat()
    bill = await http.get("/bill", params=merchant.call(date=today))
    rows = [row for row in csv.DictReader(io.StringIO(bill.text)) if row["out_trade_no"] == "billed"]
    assert [(row["kind"], row["amount_minor"], row["fee_minor"]) for row in rows] == [
        ("payment", "5000", "30"),
        ("refund", "100", "0"),
    ]


@pytest.mark.parametrize(
    ("faults", "expected"),
    [({"twice": True}, 2), ({"never": True}, 0), ({"late_s": 0.5}, 1), ({"wrong_amount": True}, 1)],
)
async def test_faults_on_demand(http: httpx.AsyncClient, merchant: Merchant, faults: Json, expected: int) -> None:
    number = f"fault-{next(iter(faults))}"
    await http.post("/admin/faults", json={"out_trade_no": number, **faults})
    await http.post(merchant.link(number))
    heard = [await merchant.next() for _ in range(expected)]
    with pytest.raises(TimeoutError):
        await merchant.next(within_s=0.6)
    assert all(message["amount_minor"] == (1001 if "wrong_amount" in faults else 1000) for message in heard)
    assert all(merchant.believes(message) for message in heard)


async def test_a_bad_signature_and_a_failing_refund_on_demand(http: httpx.AsyncClient, merchant: Merchant) -> None:
    await http.post("/admin/faults", json={"bad_signature": True, "refund_fails": True})
    await http.post(merchant.link("spoilt"))
    assert not merchant.believes(await merchant.next())
    asked = merchant.call(out_trade_no="spoilt", out_refund_no="rs", amount_minor=1, currency="CNY")
    assert (await http.post("/refund", json=asked)).json()["reason"] == "refund.failed"
    assert (await http.post("/admin/faults", json={"nonsense": True})).status_code == 400


async def test_a_killed_provider_keeps_the_money_and_tells_of_it(
    tmp_path: Path, keys_directory: Path, merchant: Merchant
) -> None:
    process = ProviderProcess(tmp_path, keys_directory)
    process.start()
    try:
        async with httpx.AsyncClient(base_url=process.url) as http:
            await http.post("/admin/faults", json={"late_s": 1.5})
            await http.post(merchant.link("survives"))
            process.kill()
            process.start()
            assert (await merchant.next(within_s=10))["out_trade_no"] == "survives"
            known = await http.get("/query", params=merchant.call(out_trade_no="survives"))
            assert known.json()["status"] == "paid"
    finally:
        process.stop()
