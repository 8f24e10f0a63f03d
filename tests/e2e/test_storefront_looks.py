"""Every page of the storefront at the size of a phone and of a desktop: nothing overflows, no foreign words, nothing axe
would call serious, and little to load. The pictures stay in `.local/shots`, to be looked at.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Response, ViewportSize, expect

from dev.client import Access, Api
from dev.stack.layout import REPOSITORY
from tests.e2e.browser import DESKTOP, PHONE, Visitor, open_visitor
from tests.e2e.test_storefront_buying import BUNDLE, product_named, somebody

SHOTS = REPOSITORY / ".local/shots"
AXE = REPOSITORY / "web/node_modules/axe-core/axe.min.js"
FIRST_LOAD_BYTES = 200_000
INTERACTIVE_WITHIN_MS = 1_500

FOREIGN_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{3,}(?![A-Za-z0-9])")
NAMES = frozenset({"VIP", "English"})
"""Words that a Chinese page may hold: names, and the switch to the other language."""

READABLE = """() => {
  const shown = document.body.cloneNode(true)
  shown.querySelectorAll('script, style, noscript, [data-code], .code').forEach((one) => one.remove())
  return shown.textContent
}"""


@dataclass
class Shop:
    """A visitor who owns something, and addresses of everything there is to see."""

    visitor: Visitor
    paths: dict[str, str]


@pytest.fixture(scope="module", params=[PHONE, DESKTOP], ids=["phone", "desktop"])
async def shop(chromium: Browser, access: Access, api: Api, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    """One purchase serves all pages."""
    viewport: ViewportSize = request.param
    bundle = await product_named(api, BUNDLE)
    choice = await product_named(api, "周末不出门礼包")
    sent = await product_named(api, "星海随行杯")
    async with open_visitor(chromium, access.gateway, viewport) as visitor:
        await visitor.register(*somebody())
        await visitor.choose(bundle["product_id"])
        order_id = await visitor.order()
        await visitor.pay()
        await visitor.waits_for("completed")
        await visitor.choose(bundle["product_id"])
        checkout = urlsplit(visitor.page.url).path
        await visitor.choose(choice["product_id"])
        unpaid = await visitor.order()
        paths = {
            "home": "/", "search": "/?q=会员", "nothing-found": "/?q=没有这样的", "product": f"/products/{bundle['product_id']}",
            "product-to-send": f"/products/{sent['product_id']}", "product-with-choices": f"/products/{choice['product_id']}", "checkout": checkout, "order": f"/orders/{order_id}",
            "order-to-pay": f"/orders/{unpaid}", "orders": "/orders", "wallet": "/wallet", "member": "/me",
            "sign-in": "/sign-in", "register": "/register", "not-found": "/nothing/here",
        }  # fmt: skip
        yield Shop(visitor, paths)
        assert visitor.complaints == []


async def test_every_page_fits_speaks_chinese_and_is_open_to_all(shop: Shop) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page = shop.visitor.page
    width = (page.viewport_size or PHONE)["width"]
    faults: list[str] = []
    for name, path in shop.paths.items():
        # A stream never falls silent, so an order's page is whole when its state stands there.
        await page.goto(path, wait_until="load" if "/orders/" in path else "networkidle")
        await expect(page.locator(".bone")).to_have_count(0)
        if name == "order":
            await shop.visitor.reads_code()
        await page.screenshot(path=SHOTS / f"{name}-{width}.png", full_page=True)
        over = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        words = set(FOREIGN_WORD.findall(await page.evaluate(READABLE))) - NAMES
        faults += [f"{name}: {over} px too wide"] if over > 0 else []
        faults += [f"{name}: says {word}" for word in sorted(words)]
        faults += [f"{name}: {fault}" for fault in await serious_faults(page)]
    assert faults == []


async def serious_faults(page: Page) -> list[str]:
    """What axe finds; evaluated from outside, because the page's policy lets nobody add a script."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text())
    found = await page.evaluate("axe.run({ resultTypes: ['violations'] })")
    return [
        f"{one['id']} at {one['nodes'][0]['target']}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
    ]


async def test_the_switch_turns_every_word(shop: Shop) -> None:
    page = shop.visitor.page
    await page.goto("/me")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", name="Member centre")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("heading", name="Member centre")).to_be_visible()
    await page.get_by_role("button", name="简体中文").click()
    await expect(page.get_by_role("heading", name="会员中心")).to_be_visible()


async def test_the_first_load_is_light(chromium: Browser, access: Access) -> None:
    async with open_visitor(chromium, access.gateway) as visitor:
        loaded: list[Response] = []

        def note(response: Response) -> None:
            loaded.append(response)

        visitor.page.on("response", note)
        await visitor.page.goto("/", wait_until="networkidle")
        sizes = {one.url: (await one.request.sizes())["responseBodySize"] for one in loaded if one.url.endswith(".js")}
    assert sizes
    gzipped = sum(gzip_size(access, url) for url in sizes)
    assert gzipped < FIRST_LOAD_BYTES
    assert sum(sizes.values()) <= gzipped, "the smaller encoding is not taken"


def gzip_size(access: Access, url: str) -> int:
    file = REPOSITORY / "web/dist" / url.removeprefix(f"{access.gateway}/")
    twin = file.with_name(file.name + ".gz")
    return (twin if twin.exists() else file).stat().st_size


async def test_a_product_can_be_bought_soon_after_it_was_asked_for(chromium: Browser, access: Access, api: Api) -> None:
    """The best of three, since the machine is shared with the whole stack."""
    product = await product_named(api, BUNDLE)
    took = []
    for _ in range(3):
        async with open_visitor(chromium, access.gateway) as visitor:
            await visitor.page.goto(f"/products/{product['product_id']}", wait_until="commit")
            await expect(visitor.page.get_by_role("button", name="立即购买")).to_be_enabled()
            took.append(float(await visitor.page.evaluate("performance.now()")))
    assert min(took) < INTERACTIVE_WITHIN_MS
