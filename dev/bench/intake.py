"""A file of cards: handed in, sealed, deduplicated and on the shelf, as the operator who waits for it sees it."""

import asyncio
import secrets
import time
from dataclasses import dataclass

from dev.bench.capacity import loop_ms
from dev.client import Api, checked
from dev.merchant import make_codes

CARDS = 100_000
WITHIN_S = 120
LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Intake:
    """`loop_ms`: what the fixed loop took then, for this machine's speed at that moment."""

    cards: int
    took_s: float
    loop_ms: float

    @property
    def per_s(self) -> float:
        return self.cards / self.took_s


async def run(desk: Api, sku_id: str) -> Intake:
    """Hand in `CARDS` lines with password, serial, expiry and cost, and wait until all can be sold.

    :raises TimeoutError: they cannot within `WITHIN_S`.
    """
    lines = (f"{code},pw-{code},S-{number},2099-12-31,500" for number, code in enumerate(make_codes(CARDS)))
    body = "\n".join(["code,password,serial,expires_at,cost_minor", *lines]).encode()
    path = f"/v1/ops/skus/{sku_id}/imports"
    headers = {**desk.headers, "content-type": "text/csv", "idempotency-key": secrets.token_hex(8)}
    speed_ms, began = loop_ms(), time.perf_counter()
    begun = checked(await desk.http.post(path, content=body, headers=headers, timeout=WITHIN_S), 202)
    while time.perf_counter() < began + WITHIN_S:
        file = await desk.get(f"{path}/{begun['import_id']}")
        if file["state"] == "done":
            return Intake(file["stored"], time.perf_counter() - began, (speed_ms + loop_ms()) / 2)
        await asyncio.sleep(LOOK_EVERY_S)
    raise TimeoutError(f"{CARDS} cards were not on the shelf within {WITHIN_S} s")
