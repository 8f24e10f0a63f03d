"""What goes through the gateway, and what stays there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from shared.http import Role
from tests.gateway.house import EchoService, House, open_house
from tests.shared.http_servers import serving


@pytest.fixture
async def order() -> EchoService:
    return EchoService()


@pytest.fixture
async def house(keys_directory: Path, order: EchoService) -> AsyncIterator[House]:
    async with serving(order) as url, open_house(keys_directory, order_url=url, inventory_url=url) as house:
        yield house


async def test_method_path_query_and_body_arrive_as_they_were_sent(house: House) -> None:
    answer = await house.client.post(
        "/v1/quotes?a=1&b=%C3%A4%20x", content=b'{"x": 1}', headers={"content-type": "application/json"}
    )
    seen = answer.json()
    assert (seen["method"], seen["path"], seen["query"], seen["body"]) == (
        "POST",
        "/v1/quotes",
        "a=1&b=%C3%A4%20x",
        '{"x": 1}',
    )
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["content-length"] == "8"


async def test_an_encoded_path_stays_encoded(house: House) -> None:
    answer = await house.client.get("/v1/products/a%2Fb%20c")
    assert answer.json()["raw_path"] == "/v1/products/a%2Fb%20c"


async def test_the_service_hears_who_asks_from_where(house: House) -> None:
    member = uuid4()
    headers = house.buyer(subject=member, scopes=("x",)) | {"x-forwarded-for": "203.0.113.7", "x-device-id": "phone-1"}
    identity = house.identity((await house.client.get("/v1/orders", headers=headers)).json())
    assert (identity.role, identity.member_id) == (Role.BUYER, member)
    assert (identity.ip, identity.device, identity.session_id) == ("203.0.113.7", "phone-1", "session-1")
    other = headers | {"x-forwarded-for": "203.0.113.8", "x-device-id": "phone-2"}
    identity = house.identity((await house.client.get("/v1/orders", headers=other)).json())
    assert (identity.ip, identity.device) == ("203.0.113.8", "phone-2"), "not the one from the cache"


async def test_nobody_in_particular_is_anonymous(house: House) -> None:
    identity = house.identity(
        (await house.client.post("/v1/quotes", headers={"x-forwarded-for": "203.0.113.7"})).json()
    )
    assert (identity.role, identity.ip) == (Role.ANONYMOUS, "203.0.113.7")


@pytest.mark.parametrize("device", ["", "x" * 129, "with space", "new\tline"])
async def test_a_device_that_is_none_is_nobodys(house: House, device: str) -> None:
    identity = house.identity((await house.client.post("/v1/quotes", headers={"x-device-id": device})).json())
    assert identity.device is None


FORGERIES = {
    "x-kaquan-identity": "forged", "x-kaquan-anything": "forged", "x-forwarded-host": "forged", "x-forwarded-proto": "forged",
    "x-real-ip": "forged", "forwarded": "for=forged", "cookie": "a=forged", "te": "forged", "proxy-authorization": "forged",
    "keep-alive": "forged", "upgrade": "forged", "tracestate": "forged", "x-named": "forged", "connection": "keep-alive, X-Named",
}  # fmt: skip


async def test_claims_of_the_client_and_hop_headers_do_not_arrive(house: House) -> None:
    answer = await house.client.get("/v1/products", headers=FORGERIES | {"accept-language": "zh"})
    seen = answer.json()["headers"]
    assert "forged" not in " ".join(seen.values())
    assert seen["accept-language"] == "zh"
    assert house.identity(answer.json()).role is Role.ANONYMOUS


async def test_tokens_end_at_the_door(house: House) -> None:
    seen = (await house.client.get("/v1/orders", headers=house.buyer())).json()
    assert "authorization" not in seen["headers"]


async def test_strangers_cannot_join_a_trace_and_proxies_can(keys_directory: Path, order: EchoService) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with serving(order) as url:
        async with open_house(keys_directory, inventory_url=url) as house:
            seen = (await house.client.get("/v1/products", headers={"traceparent": traceparent})).json()
            assert seen["headers"]["traceparent"] == traceparent
        async with open_house(keys_directory, inventory_url=url, trusted_proxies=()) as house:
            seen = (await house.client.get("/v1/products", headers={"traceparent": traceparent})).json()
            assert seen["headers"]["traceparent"] != traceparent
            assert seen["headers"]["traceparent"].endswith("-00")


async def test_every_answer_has_an_id_and_its_limits(house: House) -> None:
    answer = await house.client.get("/v1/products", headers={"x-request-id": "req-12345678"})
    assert answer.headers.get_list("x-request-id") == ["req-12345678"]
    assert answer.json()["headers"]["x-request-id"] == "req-12345678"
    assert answer.headers["ratelimit-policy"].startswith('"read";q=')
    assert answer.headers["ratelimit"].startswith('"read";r=')
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.headers.get_list("date")) <= 1


async def test_unknown_paths_and_methods_are_problems(house: House) -> None:
    answer = await house.client.get("/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "path.unknown")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    answer = await house.client.delete("/v1/products")
    assert (answer.status_code, answer.json()["code"]) == (405, "method.not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"
    assert (await house.client.get("/internal/figures")).status_code == 404


async def test_head_is_answered_without_a_body(house: House) -> None:
    for _ in range(2):
        answer = await house.client.head("/v1/products")
        assert (answer.status_code, answer.content) == (200, b"")
        assert int(answer.headers["content-length"]) > 0


async def test_a_body_too_large_does_not_go_through(house: House, order: EchoService) -> None:
    answer = await house.client.post("/v1/quotes", content=b"x" * 65_537)
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 8_192

    answer = await house.client.post("/v1/quotes", content=chunks())
    assert (answer.status_code, answer.json()["code"]) == (413, "body.too_large")
    assert not order.seen
    assert (await house.client.post("/v1/quotes", content=b"x" * 65_536)).json()["body"] == "65536 bytes"


async def test_a_chunked_body_of_moderate_size_arrives_with_its_length(house: House) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"abc"

    seen = (await house.client.post("/v1/quotes", content=chunks())).json()
    assert seen["body"] == "abcabcabc"
    assert seen["headers"]["content-length"] == "9"


@pytest.mark.parametrize("declared", [True, False])
async def test_an_import_flows_through(house: House, declared: bool) -> None:  # noqa: FBT001  # a test's parameter
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    headers = house.operator("catalogue") | ({"content-length": str(64 * 65_536)} if declared else {})
    seen = (await house.client.post("/v1/ops/skus/s1/batches", content=chunks(), headers=headers)).json()
    assert seen["body"] == f"{64 * 65_536} bytes"
    assert seen["headers"].get("content-length") == (str(64 * 65_536) if declared else None)


async def test_an_import_declared_too_large_is_refused_before_it_is_sent(house: House, order: EchoService) -> None:
    token = house.operator("catalogue")["authorization"]
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rsplit(":", 1)[1]))
    head = f"POST /v1/ops/skus/s1/batches HTTP/1.1\r\nhost: x\r\nauthorization: {token}\r\ncontent-length: 34000000\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()  # to the end: the gateway hangs up
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"code":"body.too_large"' in answer
    assert not order.seen


async def test_an_import_too_large_is_stopped_on_the_way(house: House, order: EchoService) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 1_048_576

    try:
        answer = await house.client.post(
            "/v1/ops/skus/s1/batches", content=chunks(), headers=house.operator("catalogue")
        )
        assert answer.status_code == 413
    except httpx.TransportError:
        """The gateway hung up while we were still sending, which says the same."""
    assert not order.seen


async def test_limits_are_told_and_kept(keys_directory: Path, order: EchoService) -> None:
    async with serving(order) as url, open_house(keys_directory, rate_factor=0.1, order_url=url) as house:
        headers = house.buyer()
        answers = [await house.client.post("/v1/orders", headers=headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        refused = answers[-1]
        assert refused.json()["code"] == "rate.exceeded"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["ratelimit"].startswith('"checkout";r=0')
        assert (await house.client.post("/v1/orders", headers=house.buyer())).status_code == 200, "another buyer"
        assert (await house.client.get("/v1/orders", headers=headers)).status_code == 200, "another class"


async def test_signing_in_is_limited_by_address(keys_directory: Path, order: EchoService) -> None:
    async with serving(order) as url, open_house(keys_directory, rate_factor=1 / 30, membership_url=url) as house:
        here, there = {"x-forwarded-for": "203.0.113.7"}, {"x-forwarded-for": "203.0.113.8"}
        codes = [(await house.client.post("/v1/auth/login", headers=here)).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert (await house.client.post("/v1/auth/login", headers=there)).status_code == 200
