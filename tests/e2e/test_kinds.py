"""One order of every kind that the demo shop has: codes and tickets at once, the parcel when it is sent, money shared for each."""

import pytest

from dev.client import Access, Api, PartnerApi
from dev.shelf import OTHER_KINDS
from tests.e2e.shop import eventually, order_in, pay, register

pytestmark = pytest.mark.e2e

FIELDS = {
    "physical": {
        "address": {
            "recipient": "李雷",
            "phone": "13800138000",
            "province": "上海市",
            "city": "上海市",
            "detail": "南京西路 1 号",
        }
    },
    "event_seat": {"attendee": "韩梅梅", "phone": "13800138000"},
}


async def till_of(desk: Api, access: Access, sku_id: str) -> PartnerApi:
    """A till of the brand that honours the SKU."""
    brand = (await desk.get(f"/v1/ops/skus/{sku_id}"))["partner_id"]
    return PartnerApi.of(desk, next(one for one in access.partners if one["partner_id"] == brand))


@pytest.mark.timeout(180)
async def test_one_of_each_kind(api: Api, desk: Api, access: Access) -> None:
    """Bought together, settled apart."""
    skus = {}
    for goods in OTHER_KINDS:
        listed = await api.get("/v1/products", q=goods.product)
        (sku,) = listed["items"][0]["skus"]
        skus[sku["kind"]] = sku
    buyer = await register(api)
    lines = [
        {"sku_id": sku["sku_id"], "quantity": 1, **({"buyer_fields": FIELDS[kind]} if kind in FIELDS else {})}
        for kind, sku in skus.items()
    ]
    placed = await buyer.post("/v1/orders", {"lines": lines})
    order_id = placed["order_id"]
    await pay(buyer, order_id)
    order = await eventually(
        lambda: buyer.get(f"/v1/orders/{order_id}"),
        lambda seen: (
            sorted(part["status"] for line in seen["lines"] for part in line["components"])
            == ["awaiting_shipment", *["settled"] * 5]
        ),
    )
    assert order["status"] == "fulfilling"
    parts = {part["kind"]: part for line in order["lines"] for part in line["components"]}
    reveal = {
        kind: await buyer.post(f"/v1/wallet/entitlements/{parts[kind]['entitlement_ids'][0]}/reveal", {}, expect=200)
        for kind in ("generated_key", "redeem_link", "cash_voucher")
    }
    assert reveal["redeem_link"]["link"].startswith("https://music.example.com/r?c=")
    tills = {kind: await till_of(desk, access, skus[kind]["sku_id"]) for kind in ("cash_voucher", "offline_qr")}
    honoured = await tills["cash_voucher"].post("/v1/partner/redemptions", {"code": reveal["cash_voucher"]["code"]})
    assert honoured["value"] == {"face_minor": 2_000, "threshold_minor": 10_000}
    ticket = await buyer.post(f"/v1/wallet/entitlements/{parts['offline_qr']['entitlement_ids'][0]}/qr", {}, expect=200)
    await tills["offline_qr"].post("/v1/partner/redemptions", {"qr": ticket["qr"]})

    shipment = parts["physical"]["component_id"]
    parcel = {"carrier": "顺丰速运", "tracking_no": "SF1234567890123"}
    await desk.post(f"/v1/ops/shipments/{shipment}/ship", parcel, expect=204)
    completed = await order_in(buyer, order_id, "completed")
    assert completed["fulfilled_at"] is not None
    (sent,) = (await buyer.get("/v1/wallet/shipments"))["items"]
    assert (sent["state"], sent["tracking_no"]) == ("shipped", parcel["tracking_no"])
    await buyer.post(f"/v1/wallet/shipments/{shipment}/confirm-receipt", {}, expect=204)
    verified = await desk.get("/v1/ops/ledger/verify")
    assert verified["ok"] is True, verified
