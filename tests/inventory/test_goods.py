"""What goods a SKU may have, and how codes are made."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dev.shelf import OTHER_KINDS
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.codes import Alphabet, CodePattern, check_sign, make_code
from services.inventory.domain.goods import FaceValue, Goods, LinkRule, Validity, goods_row, link_host, read_goods
from services.inventory.domain.importing import ImportRefusedError, read_lines, rows_of_list
from services.inventory.domain.kinds import KINDS
from shared.clock import utc_now
from tests.inventory.door import Door
from tests.inventory.world import World

HOSTS = ("brand.example", "m.brand.example")


REFUSED: list[dict[str, Any]] = [
    {"kind": "card_key", "goods": {"code": {}}},
    {"kind": "generated_key"},
    {"kind": "generated_key", "goods": {"code": {"groups": 2, "group_length": 4}}},
    {"kind": "generated_key", "goods": {"code": {"groups": 8, "group_length": 8}}},
    {"kind": "generated_key", "goods": {"code": {}, "value": {"face_minor": 100}}},
    {"kind": "cash_voucher", "goods": {"value": {"face_minor": 100}}},
    {"kind": "cash_voucher", "goods": {"value": {"face_minor": 100, "threshold_minor": 50}, "validity": {"days": 3}}},
    {"kind": "cash_voucher", "goods": {"value": {"face_minor": 100}, "validity": {}}},
    {"kind": "redeem_link", "goods": {"link": {"hosts": ["a.example"], "template": "https://a.example/{code}"}}},
    {"kind": "redeem_link", "goods": {"code": {}, "link": {"hosts": ["a.example"]}}},
    *(
        {"kind": "redeem_link", "goods": {"code": {}, "link": {"hosts": ["a.example"], "template": template}}}
        for template in (
            "https://a.example/",
            "http://a.example/{code}",
            "https://b.example/{code}",
            "https://{code}.a.example/",
            "https://a.example@b.example/{code}",
            "https://a.example/{code}/{code}",
        )
    ),
    {"kind": "offline_qr", "goods": {"code": {}}},
    {"kind": "card_key", "goods": {"cost_minor": 5}},
]


async def test_goods_that_do_not_fit_their_kind_are_refused(door: Door, world: World) -> None:
    product_id = await door.product()
    for body in REFUSED:
        refused = await door.post(
            "/v1/ops/skus", {"product_id": product_id, "name": "某物", "price_minor": 100, **body}, expect=422
        )
        assert refused["code"] == "sku_goods.invalid", body
    assert await world.value("SELECT count(*) FROM skus") == 0


async def test_what_is_made_never_becomes_imported(door: Door) -> None:
    product_id = await door.product()
    sku_id = await door.sku(product_id, kind="generated_key", goods={"code": {}}, stock_cap=10)
    seen = await door.get(f"/v1/ops/skus/{sku_id}")
    assert (seen["redeemable_here"], seen["stock"], seen["goods"]["code"]["groups"]) == (True, 10, 4)
    imported = await door.post(f"/v1/ops/skus/{sku_id}/batches", {"codes": ["A-CODE-000001"]}, expect=404)
    assert imported["code"] == "sku.unknown"
    changed = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"redeemable_here": False})
    assert changed.status_code == 422, changed.text
    changed = await door.call("PATCH", f"/v1/ops/skus/{sku_id}", json={"goods": {"code": {"prefix": "NEW"}}})
    assert changed.json()["goods"]["code"]["prefix"] == "NEW"


async def test_the_demo_shop_has_one_of_each_kind(door: Door) -> None:
    kinds = set()
    for goods in OTHER_KINDS:
        (sku,) = goods.skus
        more: Any = sku.terms
        sku_id = await door.sku(await door.product(goods.product), name=sku.name, price_minor=sku.price_minor, **more)
        seen = await door.get(f"/v1/ops/skus/{sku_id}")
        assert seen["stock"] > 0
        kinds.add(seen["kind"])
    assert kinds == set(SkuKind) - {SkuKind.CARD_KEY, SkuKind.DIRECT_TOP_UP, SkuKind.BUNDLE}


SIGNS = st.sampled_from(Alphabet).flatmap(
    lambda alphabet: st.tuples(st.just(alphabet), st.text(alphabet.signs, min_size=1, max_size=30))
)


@given(SIGNS, st.data())
def test_the_check_finds_every_wrong_sign(drawn: tuple[Alphabet, str], data: st.DataObject) -> None:
    alphabet, body = drawn
    whole = body + check_sign(body, alphabet=alphabet)
    place = data.draw(st.integers(0, len(whole) - 1))
    sign = data.draw(st.sampled_from([sign for sign in alphabet.signs if sign != whole[place]]))
    wrong = whole[:place] + sign + whole[place + 1 :]
    assert check_sign(wrong[:-1], alphabet=alphabet) != wrong[-1]


def test_codes_have_signs_that_nobody_confuses_and_enough_of_them() -> None:
    assert CodePattern().entropy_bits > 80
    made = {make_code(CodePattern()) for _ in range(200)}
    assert len(made) == 200
    assert not set("".join(made)) & set("01ILOQUZ")


def test_goods_are_read_as_they_were_written() -> None:
    until = utc_now().replace(microsecond=0)
    goods = Goods(
        CodePattern("P", Alphabet.DIGITS, 5, 5), LinkRule(HOSTS), FaceValue(1, 2), Validity(until, 3), cost_minor=4
    )
    assert read_goods(goods_row(goods)) == goods
    assert read_goods(goods_row(Goods())) == Goods()


def test_no_kind_is_left_without_its_row() -> None:
    assert set(KINDS) == set(SkuKind)


def test_a_host_is_told_only_where_it_is_plain_to_see() -> None:
    assert link_host("https://brand.example/r?c=1") == "brand.example"
    for link in (
        "https://brand.example\\@evil.example/",
        "https://brand.example /",
        "https://[::1",
        "javascript:1",
        "x",
    ):
        assert link_host(link) is None


def test_a_broken_link_is_reported_without_it() -> None:
    _, (broken,) = read_lines(rows_of_list(["https://evil.example/secret"]), now=utc_now(), link_hosts=HOSTS)
    assert "secret" not in str(broken)
    assert "secret" not in str(ImportRefusedError([broken]))
