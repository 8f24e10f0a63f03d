"""What an operator does to put goods on sale, over the gateway: partners, products, SKUs, cards, split contracts."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.client import Api, UnexpectedAnswerError

VISIBLE_WITHIN_S = 20
LOOK_EVERY_S = 0.2
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 16
IMPORT_AT_ONCE = 1_000
"""A JSON body of the gateway holds about this many codes."""


@dataclass(frozen=True)
class Partner:
    """A brand, with the key it signs requests by. `secret` is base64."""

    partner_id: str
    name: str
    key_id: str
    secret: str

    def as_access(self) -> dict[str, str]:
        """One entry of `partners` in access.json."""
        return {
            "partner_id": self.partner_id,
            "name": self.name,
            "key_id": self.key_id,
            "algorithm": "hmac-sha256",
            "secret": self.secret,
        }


@dataclass(frozen=True)
class Share:
    """A brand's part of a sale: `share_bp` ten-thousandths, earned on `sale` or on `redemption`; the rest is ours."""

    partner_id: str
    share_bp: int
    earned_on: str = "sale"


async def register_partner(desk: Api, name: str) -> Partner:
    """Register a brand and give it an HMAC key."""
    partner = await desk.post("/v1/ops/partners", {"name": name})
    key = await desk.post(f"/v1/ops/partners/{partner['partner_id']}/keys", {"algorithm": "hmac-sha256"})
    return Partner(partner["partner_id"], name, key["key_id"], key["secret"])


async def add_category(desk: Api, code: str, *, position: int = 100) -> None:
    """Put a category on the list, unless it is there; its code is its name."""
    listed = await desk.get("/v1/categories")
    if code not in {one["code"] for one in listed["items"]}:
        body = {"name": code, "position": position}
        await desk.call("PUT", f"/v1/ops/categories/{code}", body=body, expect=200)


async def add_product(desk: Api, *, name: str, category: str, description: str, **more: object) -> str:
    """Put a product on the shelf, in a category that is made where it is missing; answers its id."""
    await add_category(desk, category)
    body = {"name": name, "category": category, "description": description, "on_shelf": True, **more}
    return str((await desk.post("/v1/ops/products", body))["product_id"])


async def add_sku(desk: Api, product_id: str, *, name: str, price_minor: int, **more: object) -> str:
    """Add a SKU to a product; a card key unless `kind` says otherwise. Answers its id."""
    body = {"product_id": product_id, "name": name, "kind": "card_key", "price_minor": price_minor, **more}
    return str((await desk.post("/v1/ops/skus", body))["sku_id"])


async def publish_contract(desk: Api, sku_id: str, shares: Sequence[Share]) -> None:
    """Say who earns what of a SKU; the platform keeps the remainder."""
    parties: list[Mapping[str, object]] = [
        {"party_kind": "brand", "partner_id": one.partner_id, "share_bp": one.share_bp, "earned_on": one.earned_on}
        for one in shares
    ]
    await desk.post(
        "/v1/ops/split-contracts",
        {"sku_id": sku_id, "shares": [*parties, {"party_kind": "platform", "remainder": True}]},
    )


async def import_cards(desk: Api, sku_id: str, codes: Sequence[str], *, cost_minor: int = 0) -> int:
    """Bring codes into stock; answers how many were taken."""
    taken = 0
    for start in range(0, len(codes), IMPORT_AT_ONCE):
        part = [{"code": code} for code in codes[start : start + IMPORT_AT_ONCE]]
        answer = await desk.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": part, "cost_minor": cost_minor})
        taken += int(answer["accepted"])
    return taken


def make_codes(count: int) -> list[str]:
    """Random codes as a brand would hand them over."""
    return ["".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(count)]


async def wait_until_on_sale(api: Api, sku_id: str) -> Any:
    """Wait until anybody can have a quote: the order service learns of goods by events.

    :raises UnexpectedAnswerError: it did not in `VISIBLE_WITHIN_S`.
    """
    basket = {"lines": [{"sku_id": sku_id, "quantity": 1}]}
    for _ in range(int(VISIBLE_WITHIN_S / LOOK_EVERY_S)):
        answer = await api.http.post("/v1/quotes", json=basket, headers={"idempotency-key": secrets.token_hex(8)})
        if answer.is_success:
            return answer.json()
        await asyncio.sleep(LOOK_EVERY_S)
    raise UnexpectedAnswerError(f"SKU {sku_id} was not on sale within {VISIBLE_WITHIN_S} s: {answer.text[:300]}")
