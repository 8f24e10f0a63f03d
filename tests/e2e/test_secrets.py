"""Marked codes, contacts and passwords are planted; then every log, topic, table, span and problem is searched."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from dev.client import Access, Api, PartnerApi
from dev.stack.topology import GATEWAY, SERVICES
from shared.contracts import TOPICS
from tests.e2e import shop
from tests.support.collector import Collector, collecting
from tests.support.world import World

pytestmark = pytest.mark.e2e


WHERE_SECRETS_PASS = {
    ("membership", "POST /v1/auth/register"),
    ("membership", "POST /v1/auth/login"),
    ("order", "POST /v1/orders"),
    ("inventory", "POST /v1/ops/skus/{sku_id}/batches"),
    ("inventory", "POST /v1/wallet/entitlements/{entitlement_id}/reveal"),
    ("inventory", "POST /v1/partner/redemptions"),
    ("inventory", "POST /v1/wallet/entitlements/{entitlement_id}/gifts"),
    ("inventory", "POST /v1/gifts/claim"),
}


@dataclass(frozen=True)
class Planted:
    """What must be nowhere but where it belongs; each carries the mark of this run."""

    mark: str
    codes: tuple[str, ...]
    phone: str
    password: str
    email: str

    @classmethod
    def fresh(cls) -> "Planted":
        mark = secrets.token_hex(5).upper()
        return cls(
            mark=mark,
            codes=tuple(f"PLANT{mark}{number:04}" for number in range(6)),
            phone=f"139{secrets.randbelow(10**8):08}",
            password=f"pw-{mark}-secret",
            email=f"guest-{mark.lower()}@example.com",
        )


@pytest.mark.timeout(300)
async def test_no_secret_leaves_its_place(world: World, access: Access, api: Api, desk: Api) -> None:
    planted = Planted.fresh()
    with collecting() as collector, _problems(api) as problems:
        async with _traced(world, collector):
            tokens = await _journey(planted, access, api, desk)
    needles = [*planted.codes, planted.phone, planted.password, planted.email, *tokens]
    _assert_all_was_told(collector, problems)
    assert not _found(needles, _logs(world), where="logs")
    assert not _found(needles, [text async for text in _records(access.stack["bootstrap"])], where="topics")
    assert not _found(needles, [text async for text in _rows(access.stack["postgres"])], where="tables")
    assert not _found(needles, collector.bodies, where="spans")
    assert not _found(needles, [problem.content for problem in problems], where="problems")


async def _journey(planted: Planted, access: Access, api: Api, desk: Api) -> list[str]:
    """Cards come in, are bought by a member and a guest, read, redeemed and given; answers the tokens that went about."""
    codes = planted.codes
    goods = await shop.put_on_sale(desk, access, codes=codes)
    buyer = await shop.register(api, phone=planted.phone, password=planted.password)
    order = await shop.buy(buyer, goods.sku_id)
    entitlement = order["lines"][0]["components"][0]["entitlement_ids"][0]
    code = (await buyer.post(f"/v1/wallet/entitlements/{entitlement}/reveal", {}, expect=200))["code"]
    assert code in codes
    brand = PartnerApi.of(api, access.partners[0])
    await brand.post("/v1/partner/redemptions", {"code": code, "store": "A"})
    placed = await shop.place(api, goods.sku_id, contact={"email": planted.email})
    guest = api.signed_in(placed["access_token"])
    await shop.pay(guest, placed["order_id"])
    await shop.order_in(guest, placed["order_id"], "completed")

    gift = await _give(buyer, await shop.register(api), goods.sku_id)
    token = buyer.headers["authorization"].split()[1]
    await brand.post("/v1/partner/redemptions", {"code": code, "store": "A"}, expect=409)
    await _ask_wrongly(planted, goods.sku_id, code, token, api=api, desk=desk, brand=brand)
    return [placed["access_token"], token, gift]


async def _give(giver: Api, heir: Api, sku_id: str) -> str:
    """Something is bought, given by a link and read by who claimed it; answers the link's token."""
    order = await shop.buy(giver, sku_id)
    entitlement = f"/v1/wallet/entitlements/{order['lines'][0]['components'][0]['entitlement_ids'][0]}"
    token: str = (await giver.post(f"{entitlement}/gifts", {"message": "生日快乐！"}))["claim_token"]
    await giver.post("/v1/gifts/claim", {"token": token}, expect=409)
    await giver.post("/v1/gifts/claim", {"token": [token]}, expect=422)
    await heir.post("/v1/gifts/claim", {"token": token}, expect=200)
    await heir.post("/v1/gifts/claim", {"token": f"{token}x"}, expect=404)
    await heir.post(f"{entitlement}/reveal", {}, expect=200)
    await giver.post(f"{entitlement}/reveal", {}, expect=404)
    return token


async def _ask_wrongly(
    planted: Planted, sku_id: str, code: str, token: str, *, api: Api, desk: Api, brand: PartnerApi
) -> None:
    """Whatever is refused tells why, and must not tell what. (The names of fields are told: a pointer to what is wrong.)"""
    account = {"phone": planted.phone, "password": planted.password}
    register, login, batches = "/v1/auth/register", "/v1/auth/login", f"/v1/ops/skus/{sku_id}/batches"
    for path, body, status in (
        (login, {**account, "password": f"{planted.password}-wrong"}, 401),
        (login, {**account, "totp": planted.password}, 422),
        (register, account, 409),
        (register, {**account, "password": [planted.password]}, 422),
        (register, {"phone": f"{planted.phone}{planted.phone}", "password": planted.password}, 400),
        (register, {"email": planted.email, "password": planted.email}, 400),
        ("/v1/auth/refresh", {"refresh_token": token}, 401),
        ("/v1/orders", {"lines": [], "contact": {"email": [planted.email]}}, 422),
        ("/v1/orders", {"lines": [{"sku_id": sku_id, "quantity": 1}], "contact": {"email": f"{planted.email}@"}}, 400),
    ):
        await api.call("POST", path, expect=status, body=body)
    batches_of_rubbish: tuple[object, ...] = (
        {"codes": [{"code": planted.codes[0]}, {"code": ""}]},
        {"codes": [{"code": planted.codes[1], "expires_at": planted.codes[2]}]},
        {"codes": [[planted.codes[1]], {planted.codes[2]: planted.codes[3]}]},
        {"codes": planted.codes[0]},
    )
    for rubbish in batches_of_rubbish:
        await desk.call("POST", batches, expect=422, body=rubbish)
    for presented in ({"code": [code]}, {"code": code, "qr": code}, {"code": code * 100}):
        await brand.post("/v1/partner/redemptions", presented, expect=422)
    await api.signed_in(f"{token}x").call("GET", "/v1/orders", expect=401)


def _assert_all_was_told(collector: Collector, problems: Sequence[httpx.Response]) -> None:
    """Searching in nothing finds nothing: every service has told its part of the journey."""
    told = {(service, span.name) for service, span in collector.spans()}
    assert {service for service, _ in told} == {*SERVICES, GATEWAY}
    assert told >= WHERE_SECRETS_PASS
    assert {problem.status_code for problem in problems} >= {400, 401, 409, 422}


@contextmanager
def _problems(api: Api) -> Iterator[list[httpx.Response]]:
    """Every refusal that anybody gets through the client meanwhile."""
    problems: list[httpx.Response] = []

    async def keep(answer: httpx.Response) -> None:
        if answer.is_error:
            await answer.aread()
            problems.append(answer)

    api.http.event_hooks["response"].append(keep)
    try:
        yield problems
    finally:
        api.http.event_hooks["response"].remove(keep)


@asynccontextmanager
async def _traced(world: World, collector: Collector) -> AsyncIterator[None]:
    """Every trace is recorded, and by the end all are with the collector: a process that is stopped sends what it has."""
    parts = (*SERVICES, GATEWAY)
    everything = {"KAQUAN_OTLP_ENDPOINT": collector.endpoint, "KAQUAN_TRACE_SAMPLE_RATIO": "1"}
    await asyncio.to_thread(world.parts.restart, *parts, with_variables=everything)
    try:
        yield
    finally:
        await asyncio.to_thread(world.parts.restart, *parts)


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
