"""What goes wrong, as a buyer meets it: a sentence that is understood, and a way on."""

from playwright.async_api import expect

from dev.client import Access, Api
from dev.merchant import make_codes
from tests.e2e.browser import Visitor
from tests.e2e.shop import eventually, place, put_on_sale, register
from tests.e2e.test_storefront_buying import somebody
from tests.support.world import World


async def test_a_wrong_password_is_said_and_the_right_one_leads_to_where_one_wanted(visitor: Visitor, api: Api) -> None:
    phone, password = somebody()
    await register(api, phone=phone, password=password)
    await visitor.open("/wallet")
    await visitor.sees("请先登录")
    await visitor.sign_in(phone, "something else")
    await visitor.sees("账号或密码不对")
    await visitor.sign_in(phone, password)
    await visitor.page.wait_for_url("**/wallet")
    await visitor.sees("还没有权益")


async def test_a_registration_that_cannot_be_says_why(visitor: Visitor, api: Api) -> None:
    phone, password = somebody()
    await register(api, phone=phone, password=password)
    for name, secret, told in (
        ("", "", "请填写手机号或邮箱"),
        ("12", password, "手机号或邮箱的格式不对"),
        (phone, "another " + password, "已注册，请直接登录"),
        (somebody()[0], "123456", "太容易被猜到"),
    ):
        await visitor.open("/register")
        await visitor.page.fill("[name=account]", name)
        await visitor.page.fill("[name=password]", secret)
        await visitor.press("注册")
        await visitor.sees(told)


async def test_what_is_sold_out_between_quote_and_order_is_said(
    visitor: Visitor, api: Api, desk: Api, access: Access
) -> None:
    goods = await put_on_sale(desk, access, codes=make_codes(1))
    await visitor.register(*somebody())
    await visitor.choose(goods.product_id)
    await place(await register(api), goods.sku_id)
    await visitor.press("提交订单")
    await visitor.sees("库存不够了")
    await visitor.page.get_by_role("link", name="返回", exact=True).click()
    await visitor.sees("已售罄")


async def test_a_price_that_changed_is_shown_before_anything_is_ordered(
    visitor: Visitor, api: Api, desk: Api, access: Access
) -> None:
    goods = await put_on_sale(desk, access, price_minor=1_000)
    await visitor.register(*somebody())
    await visitor.choose(goods.product_id)
    await desk.call("PATCH", f"/v1/ops/skus/{goods.sku_id}", body={"price_minor": 1_250}, expect=200)
    basket = {"lines": [{"sku_id": goods.sku_id, "quantity": 1}]}
    await eventually(
        lambda: api.post("/v1/quotes", basket, expect=200), lambda quote: quote["total_minor"] == 1_250
    )  # order hears of the new price by an event
    await visitor.press("提交订单")
    await visitor.sees("¥10 → ¥12.50")
    await visitor.order()
    await visitor.sees("¥12.50")


async def test_a_token_that_is_over_is_renewed_without_a_word(visitor: Visitor, desk: Api, access: Access) -> None:
    goods = await put_on_sale(desk, access)
    await visitor.register(*somebody())
    await visitor.choose(goods.product_id)
    await spoil_access_token(visitor)
    await visitor.order()
    await visitor.sees("库存已为您保留")


async def test_a_session_that_ended_asks_for_the_password_and_goes_on(
    visitor: Visitor, desk: Api, access: Access
) -> None:
    goods = await put_on_sale(desk, access)
    account = somebody()
    await visitor.register(*account)
    await visitor.choose(goods.product_id)
    await spoil_access_token(visitor)
    await visitor.page.context.clear_cookies(name="kq_buyer_renewal")
    await visitor.press("提交订单")
    await visitor.sees("登录已过期，请重新登录")
    await visitor.sign_in(*account)
    await visitor.page.wait_for_url("**/checkout/*")
    await visitor.order()
    await visitor.sees("库存已为您保留")


async def spoil_access_token(visitor: Visitor) -> None:
    context = visitor.page.context
    (cookie,) = [one for one in await context.cookies() if one.get("name") == "kq_buyer"]
    await context.add_cookies(
        [{"name": "kq_buyer", "value": "over", "domain": str(cookie.get("domain")), "path": "/", "httpOnly": True}]
    )


async def test_without_network_nothing_is_lost(visitor: Visitor, desk: Api, access: Access) -> None:
    goods = await put_on_sale(desk, access)
    await visitor.register(*somebody())
    await visitor.choose(goods.product_id)
    await visitor.page.context.set_offline(offline=True)
    await visitor.press("提交订单")
    await visitor.sees("再点一次不会重复下单")
    await visitor.page.context.set_offline(offline=False)
    await visitor.order()
    await visitor.sees("库存已为您保留")


async def test_a_part_of_the_platform_that_is_down_is_said_and_tried_again(visitor: Visitor, world: World) -> None:
    world.parts.kill("inventory")
    try:
        await visitor.open("/")
        await visitor.sees("服务暂时没有响应")
    finally:
        world.parts.revive()
    await visitor.press("再试一次")
    await expect(visitor.page.locator("a.product").first).to_be_visible()


async def test_what_is_not_there_has_a_way_home(visitor: Visitor) -> None:
    nowhere = "01939f6c-2a07-7b3e-9c51-5d10c0a8d889"
    for path, told in (
        (f"/products/{nowhere}", "商品找不到了"),
        ("/products/nonsense", "商品找不到了"),
        ("/nothing/here", "页面不存在"),
        (f"/checkout/{nowhere}", "这份订单找不到了"),
    ):
        await visitor.open(path)
        await visitor.sees(told)
    await visitor.page.get_by_role("link", name="回首页").click()
    await visitor.sees("今天想开通什么？")
