"""The sandbox supplier as its merchant meets it: a real process of its own, spoken to over the wire."""

import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dev.stack.layout import REPOSITORY
from dev.stack.ports import find_free_ports
from shared.settings import read_key

START_WITHIN_S = 30.0
Json = dict[str, Any]


@dataclass
class SupplierProcess:
    """`python -m sandbox.supplier` on a port and a directory of its own."""

    directory: Path
    keys: Path
    port: int = field(default_factory=lambda: find_free_ports(1)[0])
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def secret(self) -> str:
        return read_key(self.keys, "supplier-sandbox.key").hex()

    def start(self) -> None:
        environment = {
            **os.environ,
            "KAQUAN_SANDBOX_SUPPLIER_PORT": str(self.port),
            "KAQUAN_SANDBOX_SUPPLIER_PROCESSING_S": "0.1",
            "KAQUAN_LOCAL_DIR": str(self.directory),
            "KAQUAN_KEYS_DIR": str(self.keys),
        }
        command = [sys.executable, "-m", "sandbox.supplier"]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL)
        give_up = time.monotonic() + START_WITHIN_S
        while time.monotonic() < give_up:
            try:
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("the supplier did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def call(self, path: str, body: Json, *, secret: str | None = None, **headers: str) -> httpx.Response:
        """A signed request; the answer's signature is checked too."""
        raw = httpx.Request("POST", self.url, json=body).content
        stamp, nonce = headers.get("X-Timestamp", str(int(time.time()))), headers.get("X-Nonce", uuid4().hex)
        lines = ["POST", path, stamp, nonce, hashlib.sha256(raw).hexdigest()]
        signed = {
            "X-Merchant-Id": "kaquan",
            "X-Timestamp": stamp,
            "X-Nonce": nonce,
            "X-Signature": _sign(secret or self.secret, *lines),
        }
        answer = httpx.post(self.url + path, content=raw, headers=signed)
        if answer.status_code != 401:
            expected = _sign(self.secret, str(answer.status_code), nonce, hashlib.sha256(answer.content).hexdigest())
            assert answer.headers["X-Signature"] == expected
        return answer

    def order(self, out_order_no: str, **more: Any) -> httpx.Response:
        body = {"out_order_no": out_order_no, "product_code": "TOPUP-10", "quantity": 1, "account": "13800001111"}
        return self.call("/api/v1/orders", {**body, **more})

    def query(self, out_order_no: str) -> Json:
        answer: Json = self.call("/api/v1/orders/query", {"out_order_no": out_order_no}).json()
        return answer


def _sign(secret: str, *lines: str) -> str:
    return hmac.new(secret.encode(), "\n".join(lines).encode(), "sha256").hexdigest()


@pytest.fixture
def supplier(tmp_path: Path, keys_directory: Path) -> Iterator[SupplierProcess]:
    process = SupplierProcess(tmp_path, keys_directory)
    process.start()
    yield process
    process.kill()


def test_an_order_is_worked_on_delivered_and_charged_once(supplier: SupplierProcess) -> None:
    placed = supplier.order("A-1", quantity=2).json()
    assert (placed["code"], placed["data"]["status"], placed["data"]["cost_minor"]) == (0, "processing", 1_900)
    assert supplier.order("A-1").json()["code"] == 2001
    time.sleep(0.2)
    assert supplier.query("A-1")["data"]["status"] == "succeeded"
    charges = httpx.get(f"{supplier.url}/admin/charges").json()
    assert charges == {"orders": 1, "charged_minor": 1_900, "twice": 0}
    balance = supplier.call("/api/v1/balance", {}).json()
    assert balance["data"]["balance_minor"] == 10**12 - 1_900


def test_what_it_took_on_outlives_it(supplier: SupplierProcess) -> None:
    supplier.order("A-1")
    supplier.kill()
    supplier.start()
    assert supplier.query("A-1")["code"] == 0
    assert supplier.order("A-1").json()["code"] == 2001


def test_orders_that_cannot_be_are_refused(supplier: SupplierProcess) -> None:
    assert supplier.query("A-0")["code"] == 2404
    assert supplier.order("A-1", product_code="NO-SUCH").json()["code"] == 2005
    assert supplier.order("A-1", max_cost_minor=949).json()["code"] == 2003
    assert supplier.order("A-1", quantity=0).json()["code"] == 1002
    listed = httpx.post(f"{supplier.url}/admin/products", json={"product_code": "RICH", "cost_minor": 10**13})
    assert listed.status_code == 204
    assert supplier.order("A-1", product_code="RICH").json()["code"] == 2002
    assert supplier.query("A-1")["code"] == 2404


def test_who_does_not_sign_is_nobody(supplier: SupplierProcess) -> None:
    body = {"out_order_no": "A-1"}
    path = "/api/v1/orders/query"
    assert supplier.call(path, body, secret="x" * 64).status_code == 401
    assert supplier.call(path, body, **{"X-Timestamp": str(int(time.time()) - 1_000)}).status_code == 401
    assert supplier.call(path, body, **{"X-Nonce": "once"}).status_code == 404
    assert supplier.call(path, body, **{"X-Nonce": "once"}).status_code == 401


def test_faults_come_and_go_on_demand(supplier: SupplierProcess) -> None:
    faults = f"{supplier.url}/admin/faults"
    assert httpx.post(faults, json={"faults": [{"kind": "error", "times": 1}]}).status_code == 204
    with pytest.raises(KeyError):
        supplier.order("A-1")  # a fault is not signed
    assert supplier.order("A-1").json()["code"] == 0
    assert httpx.post(faults, json={"faults": [{"kind": "says_failed"}]}).status_code == 204
    assert supplier.order("A-2").json()["data"]["status"] == "failed"
    assert httpx.delete(faults).status_code == 204
    assert supplier.order("A-3").json()["data"]["status"] == "processing"
    assert httpx.post(faults, json={"faults": [{"kind": "sings"}]}).status_code == 422
