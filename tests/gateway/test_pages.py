"""The built pages from memory: what is kept how long, in which encoding, and what belongs to the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.house import House, open_house

HTML = {"accept": "text/html,*/*"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("pages")
    (directory / "assets").mkdir()
    for name in ("index", "console", "partner"):
        (directory / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>")
    (directory / "assets/app-1a2b3c.js").write_text("plain()")
    (directory / "assets/app-1a2b3c.js.br").write_bytes(b"brotli bytes")
    (directory / "assets/app-1a2b3c.js.gz").write_bytes(b"gzip bytes")
    return directory


@pytest.fixture(scope="module")
async def house(keys_directory: Path, built: Path) -> AsyncIterator[House]:
    async with open_house(keys_directory, pages_dir=built) as house:
        yield house


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "index"),
        ("/products/1", "index"),
        ("/consoles", "index"),
        ("/console", "console"),
        ("/console/orders/1", "console"),
        ("/partner/statements", "partner"),
    ],
)
async def test_every_address_of_a_page_gets_the_page_of_its_entry(house: House, path: str, title: str) -> None:
    answer = await house.client.get(path, headers=HTML)
    assert (answer.status_code, f"<title>{title}</title>" in answer.text) == (200, True)
    assert answer.headers["cache-control"] == "no-cache"


async def test_pages_allow_no_script_and_no_style_but_files_of_ours(house: House) -> None:
    answer = await house.client.get("/", headers=HTML)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/v1/nothing", "/assets/gone-1a2b3c.js", "/favicon.png"])
async def test_what_is_neither_route_nor_file_stays_a_problem(house: House, path: str) -> None:
    answer = await house.client.get(path, headers=HTML)
    assert (answer.status_code, answer.json()["code"]) == (404, "path.unknown")


async def test_programs_that_do_not_ask_for_pages_get_problems(house: House) -> None:
    assert (await house.client.get("/nothing")).json()["code"] == "path.unknown"
    assert (await house.client.post("/", headers=HTML)).json()["code"] == "path.unknown"


async def test_hashed_files_are_kept_for_ever_in_the_best_encoding(house: House) -> None:
    for accepted, body, encoding in (("gzip, br", b"brotli bytes", "br"), ("identity", b"plain()", None)):
        async with house.client.stream("GET", "/assets/app-1a2b3c.js", headers={"accept-encoding": accepted}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])
        assert (raw, answer.headers.get("content-encoding")) == (body, encoding)
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_a_page_that_is_known_is_not_sent_again(house: House) -> None:
    first = await house.client.get("/", headers=HTML)
    again = await house.client.get("/", headers=HTML | {"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await house.client.head("/", headers=HTML)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


async def test_without_built_pages_the_gateway_is_the_api_alone(keys_directory: Path) -> None:
    async with open_house(keys_directory, pages_dir=Path("/nowhere")) as house:
        assert (await house.client.get("/", headers=HTML)).json()["code"] == "path.unknown"
