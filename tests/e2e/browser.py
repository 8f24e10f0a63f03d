"""A real Chromium, and a visitor in it who does what people do."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request, ViewportSize, async_playwright, expect

PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1440, height=900)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
WITHIN_MS = 30_000
"""Tests share their two cores with the whole stack."""

_REFUSED = re.compile(r"Failed to load resource: (the server responded with a status of \d+|net::ERR_)")
"""What Chromium says of every answer that is no success: those are looked at by what the page says."""


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser | None]:
    """The machine's Chromium, or nothing where it has none."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        yield None
        return
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, headless=True, args=OPTIONS)
        yield browser
        await browser.close()


@dataclass
class Visitor:
    """Somebody in front of a page. `complaints` are what the browser minded: errors, broken policies, foreign hosts."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(path)

    async def sees(self, text: str) -> None:
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def press(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def register(self, phone: str, password: str) -> None:
        await self.open("/register")
        await self.page.fill("[name=account]", phone)
        await self.page.fill("[name=password]", password)
        await self.press("注册")
        await self.page.wait_for_url("**/")

    async def sign_in(self, phone: str, password: str) -> None:
        """On the page that asks for it."""
        await self.page.fill("[name=account]", phone)
        await self.page.fill("[name=password]", password)
        await self.press("登录")

    async def choose(self, product_id: str) -> None:
        """Look at a product and go to its checkout, where its price stands."""
        await self.open(f"/products/{product_id}")
        await self.press("立即购买")
        await self.page.wait_for_url("**/checkout/*")
        await expect(self.page.locator(".pay")).to_be_visible()

    async def order(self) -> str:
        """Place the order; answers its id."""
        await self.press("提交订单")
        await self.page.wait_for_url("**/orders/*")
        return urlsplit(self.page.url).path.rsplit("/", 1)[-1]

    async def pay(self) -> None:
        """On the provider's page, which leads back."""
        await self.press("去支付")
        await self.page.wait_for_url("**/pay?**")
        await self.press("支付")
        await self.page.wait_for_url("**/orders/*")

    async def waits_for(self, status: str) -> None:
        await expect(self.page.locator(f"[data-status={status}]")).to_be_visible()

    async def reads_code(self, number: int = 0) -> str:
        """Show the code of one component."""
        await self.page.get_by_role("button", name="查看卡密").nth(number).click()
        code = self.page.locator("[data-code=code]").first
        await expect(code).to_be_visible()
        return (await code.text_content() or "").strip()

    async def kept(self) -> str:
        """Everything that scripts of the page can find again: storage, cookies, address."""
        told: str = await self.page.evaluate(
            "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state])"
        )
        return told


@asynccontextmanager
async def open_visitor(browser: Browser, url: str, viewport: ViewportSize = PHONE) -> AsyncIterator[Visitor]:
    """A visitor with a browser profile of its own."""
    context = await browser.new_context(
        base_url=url, viewport=viewport, locale="zh-CN", permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(WITHIN_MS)
    expect.set_options(timeout=WITHIN_MS)
    page = await context.new_page()
    visitor = Visitor(page)

    def minded(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not _REFUSED.match(message.text):
            visitor.complaints.append(message.text)

    def asked(request: Request) -> None:
        if request.url.startswith("http") and urlsplit(request.url).hostname != "127.0.0.1":
            visitor.complaints.append(f"asked {request.url}")

    page.on("console", minded)
    page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    page.on("request", asked)
    try:
        yield visitor
    finally:
        await context.close()
