"""Buying as people do, on the pages, in a real browser: as a member, as a guest, and with everything reloaded on the way."""

import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from playwright.async_api import Browser, Route, expect

from dev.client import Access, Api, checked
from services.order.domain.order_links import sign_order_link
from shared.clock import utc_now
from shared.settings import read_key
from tests.e2e.browser import Visitor, open_visitor
from tests.e2e.shop import put_on_sale
from tests.support.world import World

CODE = re.compile(r"[0-9A-Z]{16}")
BUNDLE = "影音咖啡联合会员"


def somebody() -> tuple[str, str]:
    return "139" + "".join(secrets.choice("0123456789") for _ in range(8)), secrets.token_urlsafe(12)


async def product_named(api: Api, name: str) -> Any:
    return (await api.get("/v1/products", q=name))["items"][0]


async def orders_of(api: Api, account: tuple[str, str]) -> list[Mapping[str, Any]]:
    """What the platform knows, asked with a token and not through the page."""
    phone, password = account
    answer = await api.http.post("/v1/auth/login", json={"phone": phone, "password": password})
    items: list[Mapping[str, Any]] = (await api.signed_in(checked(answer, 200)["access_token"]).get("/v1/orders"))[
        "items"
    ]
    return items


async def test_a_member_registers_buys_a_bundle_reads_its_codes_and_gives_one_part_back(
    visitor: Visitor, api: Api
) -> None:
    account = somebody()
    page = visitor.page
    await visitor.register(*account)
    await visitor.sees("今天想开通什么？")
    await page.get_by_role("link", name=BUNDLE).click()
    for told in ("包含什么", "价值多少", "为何超值", "由 拾光咖啡 提供"):
        await visitor.sees(told)
    await visitor.press("立即购买")
    await visitor.sees("会员下单，享会员价并累积积分")
    await visitor.order()
    await visitor.sees("库存已为您保留")
    await visitor.pay()
    await visitor.waits_for("completed")

    codes = {await visitor.reads_code(0)}
    await visitor.press("复制")
    codes.add(await page.evaluate("navigator.clipboard.readText()"))
    assert len(codes) == 1
    (code,) = codes
    assert CODE.fullmatch(code)
    assert code not in await visitor.kept()

    await visitor.press("申请退款")
    await page.get_by_role("checkbox", name="青鸟音乐 VIP 月卡").check()
    await page.get_by_role("button", name=re.compile("确认退款 ¥")).click()
    await expect(page.locator("[data-component=refunded]")).to_have_count(1)
    (order,) = await orders_of(api, account)
    parts = {part["name"]: part["status"] for line in order["lines"] for part in line["components"]}
    assert parts.pop("青鸟音乐 VIP 月卡") == "refunded"
    assert set(parts.values()) <= {"issued", "settled"}

    await visitor.open("/wallet")
    await expect(page.locator("article")).to_have_count(2)
    await page.get_by_role("button", name="已退回").click()
    await expect(page.locator("article")).to_have_count(1)
    await visitor.open("/me")
    await visitor.sees("再消费")
    await visitor.sees("获得")


async def test_tokens_are_where_no_script_finds_them(visitor: Visitor) -> None:
    await visitor.register(*somebody())
    cookies = {str(one.get("name")): one for one in await visitor.page.context.cookies()}
    assert {"kq_buyer", "kq_device"} <= cookies.keys()
    assert all(one.get("httpOnly") and one.get("sameSite") == "Strict" for one in cookies.values())
    kept = await visitor.kept()
    assert not any(str(one.get("value")) in kept for one in cookies.values())


async def test_a_guest_buys_and_only_this_browser_sees_it(
    visitor: Visitor, access: Access, chromium: Browser, api: Api
) -> None:
    product = await product_named(api, "拾光咖啡券")
    await visitor.choose(product["product_id"])
    await visitor.press("提交订单")
    await visitor.sees("请填写手机号或邮箱")
    await visitor.page.fill("[name=email]", "guest@example.com")
    order_id = await visitor.order()
    await visitor.pay()
    await visitor.waits_for("completed")
    code = await visitor.reads_code()
    assert CODE.fullmatch(code)
    kept = await visitor.kept()
    assert code not in kept
    assert "g1." not in kept
    await visitor.open("/orders")
    await expect(visitor.page.locator(f'a[href="/orders/{order_id}"]')).to_be_visible()
    async with open_visitor(chromium, access.gateway) as stranger:
        await stranger.open(f"/orders/{order_id}")
        await stranger.page.wait_for_url("**/sign-in?**")


async def test_the_link_in_a_guests_message_opens_the_order_in_another_browser(
    visitor: Visitor, access: Access, chromium: Browser, api: Api, world: World
) -> None:
    product = await product_named(api, "拾光咖啡券")
    await visitor.choose(product["product_id"])
    await visitor.page.fill("[name=email]", "guest@example.com")
    order_id = await visitor.order()
    key = read_key(world.stack.layout.keys, "guest-token.key")
    token = sign_order_link(key, order_id=UUID(order_id), expires_at=utc_now() + timedelta(hours=1))
    async with open_visitor(chromium, access.gateway) as elsewhere:
        await elsewhere.open(f"/o#{token}")
        await elsewhere.page.wait_for_url(f"**/orders/{order_id}")
        await elsewhere.sees("库存已为您保留")
        assert token not in await elsewhere.kept()
        await elsewhere.open("/o#KO1.nonsense")
        await elsewhere.sees("链接已失效")
        assert elsewhere.complaints == []


async def test_reloads_and_lost_answers_make_one_order_and_one_payment(
    visitor: Visitor, api: Api, desk: Api, access: Access
) -> None:
    goods = await put_on_sale(desk, access)
    account = somebody()
    page = visitor.page
    await visitor.register(*account)
    await visitor.choose(goods.product_id)
    lost = 0

    async def lose_answers(route: Route) -> None:
        """The order is made, and nobody hears of it: twice."""
        nonlocal lost
        if route.request.method == "POST" and lost < 2:
            lost += 1
            await route.fetch()
            await route.abort()
            return
        await route.continue_()

    await page.route("**/v1/orders", lose_answers)
    await visitor.press("提交订单")
    await page.reload()
    await visitor.sees("应付")
    order_id = await visitor.order()
    assert lost == 2

    for _ in range(3):
        await page.reload()
        await visitor.press("去支付")
        await page.wait_for_url("**/pay?**")
        await page.go_back()
        await page.wait_for_url("**/orders/*")
    await visitor.pay()
    for _ in range(5):
        await page.reload()
    await visitor.waits_for("completed")
    await page.go_back()

    assert [order["order_id"] for order in await orders_of(api, account)] == [order_id]
    detail = await desk.get(f"/v1/ops/orders/{order_id}")
    assert [payment["status"] for payment in detail["payments"]] == ["paid"]


async def test_going_back_to_a_checkout_that_became_an_order_leads_to_the_order(
    visitor: Visitor, desk: Api, access: Access, api: Api
) -> None:
    goods = await put_on_sale(desk, access)
    account = somebody()
    await visitor.register(*account)
    await visitor.choose(goods.product_id)
    checkout = visitor.page.url
    order_id = await visitor.order()
    await visitor.open(checkout)
    await visitor.page.wait_for_url(f"**/orders/{order_id}")
    assert len(await orders_of(api, account)) == 1


async def test_the_page_follows_by_asking_where_events_do_not_come(visitor: Visitor, desk: Api, access: Access) -> None:
    goods = await put_on_sale(desk, access)
    await visitor.page.route("**/stream", lambda route: route.abort())
    await visitor.register(*somebody())
    await visitor.choose(goods.product_id)
    await visitor.order()
    await visitor.pay()
    await visitor.waits_for("completed")


async def test_what_goods_need_to_know_is_asked_before_they_are_ordered(visitor: Visitor, api: Api) -> None:
    product = await product_named(api, "全国话费充值")
    await visitor.register(*somebody())
    await visitor.open(f"/products/{product['product_id']}")
    await visitor.press("立即购买")
    await visitor.sees("请填写充值手机号")
    await visitor.page.fill("[name=account]", "12345")
    await visitor.press("立即购买")
    await visitor.sees("充值手机号的格式不对")
    await visitor.page.fill("[name=account]", "13800138000")
    await visitor.press("立即购买")
    await visitor.page.wait_for_url("**/checkout/*")
    await visitor.order()
    await visitor.pay()
    await visitor.waits_for("completed")
    await visitor.sees("已充值到您填写的账号")


async def test_links_and_qr_codes_are_used_without_copying_anything(visitor: Visitor, api: Api) -> None:
    await visitor.register(*somebody())
    await visitor.choose((await product_named(api, "青鸟音乐领取链接"))["product_id"])
    await visitor.order()
    await visitor.pay()
    await visitor.press("查看卡密")
    link = visitor.page.get_by_role("link", name="去使用")
    await expect(link).to_have_attribute("href", re.compile(r"^https://music\.example\.com/"))
    assert "noopener" in (await link.get_attribute("rel") or "")
    await visitor.choose((await product_named(api, "拾光咖啡品鉴"))["product_id"])
    await visitor.order()
    await visitor.pay()
    await visitor.press("出示核销码")
    await expect(visitor.page.get_by_role("img", name="到店核销二维码")).to_be_visible()
    await expect(visitor.page.get_by_role("button", name="查看卡密")).to_have_count(0)


async def test_what_is_sent_asks_where_to(visitor: Visitor, api: Api) -> None:
    await visitor.register(*somebody())
    await visitor.open(f"/products/{(await product_named(api, '星海随行杯'))['product_id']}")
    await visitor.press("立即购买")
    await visitor.sees("请把收件人、电话和地址填完整")
    for part, text in (
        ("recipient", "李雷"),
        ("phone", "13800138000"),
        ("province", "上海市"),
        ("city", "上海市"),
        ("detail", "南京西路 1 号"),
    ):
        await visitor.page.fill(f"[name=address-{part}]", text)
    await visitor.press("立即购买")
    await visitor.page.wait_for_url("**/checkout/*")
    await visitor.order()
    await visitor.pay()
    await visitor.sees("等待寄出")
