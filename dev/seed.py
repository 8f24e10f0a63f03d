"""The demo catalogue of a new stack, made through the gateway as an operator would: `python -m dev.seed`.

Idempotent: partners are found again by access.json, goods by their names. Prints one JSON object on its last line:
`{"operators": [...], "partners": [...]}`.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from dev.client import Access, Api, operator
from dev.merchant import (
    Share,
    add_category,
    add_product,
    add_sku,
    import_cards,
    make_codes,
    publish_contract,
    register_partner,
)
from dev.shelf import BRANDS, BUNDLES, CATEGORIES, GOODS, OTHER_KINDS, TOP_UPS, Bundle, Goods, TopUp
from dev.stack.layout import Layout

CARDS_EACH = 200
BRAND_SHARE_BP = 7_000
TOP_UP_SHARE_BP = 200


async def seed(access: Access) -> dict[str, object]:
    """Make what is missing; answers operators and partners for access.json."""
    async with Api.to(access.gateway) as api:
        desk = await operator(api, access)
        partners = [dict(one) for one in access.partners]
        missing = [await register_partner(desk, name) for name in BRANDS[len(partners) :]]
        partners += [partner.as_access() for partner in missing]
        for position, category in enumerate(CATEGORIES):
            await add_category(desk, category, position=position)
        await _fill_shelf(desk, access, [one["partner_id"] for one in partners])
    return {"operators": [dict(one) for one in access.operators], "partners": partners}


async def _fill_shelf(desk: Api, access: Access, partner_ids: Sequence[str]) -> None:
    """From the bottom up: what is made last stands first in the shop."""
    shelf = _Shelf(desk, access, partner_ids)
    for top_up in TOP_UPS:
        await shelf.put_top_up(top_up)
    for goods in (*OTHER_KINDS, *GOODS):
        await shelf.put_goods(goods)
    for bundle in BUNDLES:
        await shelf.put_bundle(bundle)


class _Shelf:
    """What stands there already is left as it is; `sku_ids` are by the names of the SKUs."""

    def __init__(self, desk: Api, access: Access, partner_ids: Sequence[str]) -> None:
        self._desk = desk
        self._access = access
        self._partner_ids = partner_ids
        self.sku_ids: dict[str, str] = {}

    async def put_goods(self, goods: Goods) -> None:
        product_id = await self._product(goods.product, goods.category, goods.page)
        if product_id is None:
            return
        partner_id = self._partner_ids[goods.brand]
        for sku in goods.skus:
            sku_id = await add_sku(
                self._desk,
                product_id,
                name=sku.name,
                price_minor=sku.price_minor,
                partner_id=partner_id,
                usage_instructions=goods.how_to_use,
                **{"redeemable_here": True, **sku.terms},
            )
            await publish_contract(self._desk, sku_id, [Share(partner_id, BRAND_SHARE_BP)])
            if sku.imported:
                await import_cards(self._desk, sku_id, make_codes(CARDS_EACH), cost_minor=sku.price_minor // 3)
            self.sku_ids[sku.name] = sku_id

    async def put_top_up(self, top_up: TopUp) -> None:
        product_id = await self._product(top_up.product, top_up.category, top_up.page)
        if product_id is None:
            return
        sku_id = await add_sku(
            self._desk,
            product_id,
            name=top_up.sku,
            kind="direct_top_up",
            price_minor=top_up.price_minor,
            buyer_fields=[dict(one) for one in top_up.buyer_fields],
        )
        await publish_contract(self._desk, sku_id, [Share(self._partner_ids[0], TOP_UP_SHARE_BP)])
        sandbox = self._access.sandbox
        offer = {"sku_id": sku_id, "supplier_sku": top_up.supplier_sku, "cost_minor": top_up.cost_minor}
        body = {
            "name": f"{top_up.product}供应商",
            "base_url": sandbox["supplier_inside"],
            "secret": sandbox["supplier_secret"],
            "skus": [offer],
        }
        await self._desk.post("/v1/ops/suppliers", body)

    async def put_bundle(self, bundle: Bundle) -> None:
        product_id = await self._product(bundle.product, bundle.category, bundle.page)
        if product_id is None:
            return
        components = [{"sku_id": self.sku_ids[name], "weight": weight} for name, weight in bundle.components]
        choices = [
            {
                "name": group,
                "pick": 1,
                "options": [{"sku_id": self.sku_ids[name], "weight": weight} for name, weight in options],
            }
            for group, options in bundle.choices
        ]
        await add_sku(
            self._desk,
            product_id,
            name=bundle.sku,
            kind="bundle",
            price_minor=bundle.price_minor,
            components=components,
            choices=choices,
        )

    async def _product(self, name: str, category: str, page: dict[str, Any]) -> str | None:
        """A new product; `None` where it stands on the shelf already, whose SKUs are noted."""
        listed = await self._desk.get("/v1/products", q=name)
        known = next((one for one in listed["items"] if one["name"] == name), None)
        if known is None:
            return await add_product(self._desk, name=name, category=category, **page)
        self.sku_ids |= {sku["name"]: sku["sku_id"] for sku in known["skus"]}
        return None


if __name__ == "__main__":
    print(json.dumps(asyncio.run(seed(Access.read(Layout.from_environment().access_file))), ensure_ascii=False))
