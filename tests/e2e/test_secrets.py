"""Marked codes, contacts and passwords are planted; then every log, every topic and every table is searched."""

import re
import secrets
from collections.abc import AsyncIterator, Iterable

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from dev.client import Access, Api, PartnerApi
from dev.stack.topology import SERVICES
from shared.contracts import TOPICS
from tests.e2e import shop
from tests.support.world import World

pytestmark = pytest.mark.e2e


async def test_no_secret_leaves_its_place(world: World, access: Access, api: Api, desk: Api) -> None:
    mark = secrets.token_hex(5).upper()
    codes = [f"PLANT{mark}{number:04}" for number in range(6)]
    phone, password = f"139{secrets.randbelow(10**8):08}", f"pw-{mark}-secret"
    email = f"guest-{mark.lower()}@example.com"

    goods = await shop.put_on_sale(desk, access, codes=codes)
    buyer = await shop.register(api, phone=phone, password=password)
    await api.call("POST", "/v1/auth/login", expect=401, body={"phone": phone, "password": f"{password}-wrong"})
    again = {"codes": [{"code": codes[0]}, {"code": ""}]}
    refused = await desk.http.post(
        f"/v1/ops/skus/{goods.sku_id}/batches", json=again, headers={**desk.headers, "idempotency-key": mark}
    )
    assert refused.is_client_error

    order = await shop.buy(buyer, goods.sku_id)
    entitlement = order["lines"][0]["components"][0]["entitlement_ids"][0]
    code = (await buyer.post(f"/v1/wallet/entitlements/{entitlement}/reveal", {}, expect=200))["code"]
    brand = PartnerApi.of(api, access.partners[0])
    await brand.post("/v1/partner/redemptions", {"code": code, "store": "A"})
    await brand.post("/v1/partner/redemptions", {"code": code, "store": "A"}, expect=409)
    placed = await shop.place(api, goods.sku_id, contact={"email": email})
    guest = api.signed_in(placed["access_token"])
    await shop.pay(guest, placed["order_id"])
    await shop.order_in(guest, placed["order_id"], "completed")

    assert code in codes
    needles = [*codes, phone, password, email, placed["access_token"], buyer.headers["authorization"].split()[1]]
    assert not _found(needles, _logs(world), where="logs")
    assert not _found(needles, [text async for text in _records(access.stack["bootstrap"])], where="topics")
    assert not _found(needles, [text async for text in _rows(access.stack["postgres"])], where="tables")
    assert not _found(needles, [refused.content], where="the problem")


def _found(needles: Iterable[str], haystack: Iterable[bytes], *, where: str) -> list[str]:
    """In plain, and as PostgreSQL writes bytes."""
    forms = {form: needle for needle in needles for form in (needle.encode(), needle.encode().hex().encode())}
    pattern = re.compile(b"|".join(map(re.escape, forms)), re.IGNORECASE)
    hits = {match.group() for text in haystack for match in pattern.finditer(text)}
    return [f"{hit.decode()[:8]}… in {where}" for hit in hits]


def _logs(world: World) -> list[bytes]:
    return [file.read_bytes() for file in world.stack.layout.logs.iterdir()]


async def _records(bootstrap: str) -> AsyncIterator[bytes]:
    names = [name for topic in TOPICS for name in (topic.name, topic.dead_letters)]
    consumer = AIOKafkaConsumer(
        *names,
        bootstrap_servers=bootstrap,
        group_id=f"search-{secrets.token_hex(4)}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        left = {"everything": 1}
        while left:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    yield repr((record.key, record.value, record.headers)).encode()
            left = await _unread(consumer)
    finally:
        await consumer.stop()


async def _unread(consumer: AIOKafkaConsumer) -> dict[str, int]:
    """How many records of each topic are not read yet; of all of them, as long as nothing is assigned."""
    places = consumer.assignment()
    if not places:
        return {"everything": 1}
    ends = await consumer.end_offsets(list(places))
    return {str(place): ends[place] for place in places if await consumer.position(place) < ends[place]}


async def _rows(superuser_dsn: str) -> AsyncIterator[bytes]:
    for service in SERVICES:
        connection = await asyncpg.connect(superuser_dsn.rpartition("/")[0] + f"/{service}")
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in map(tuple, tables):
                for (row,) in map(tuple, await connection.fetch(f'SELECT t::text FROM "{table}" t')):
                    yield row.encode()
        finally:
            await connection.close()
