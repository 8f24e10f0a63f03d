"""Statements, ledger and figures over HTTP."""

import base64
import hashlib
from datetime import timedelta
from uuid import UUID

import pytest

from services.settlement import jobs
from shared.clock import business_day, new_id, utc_now
from tests.settlement.desk import Desk
from tests.settlement.house import House
from tests.settlement.purchases import Purchase

PATH = "/v1/partner/statements"


async def sold_today(house: House) -> tuple[UUID, UUID, Purchase]:
    """A purchase of today. Answers brand, channel and purchase."""
    house.now = utc_now()
    contract = await house.two_brands()
    purchase = Purchase(amount_minor=1_999, contract=contract)
    await house.deliver(purchase.paid(), purchase.issued(), purchase.accrued())
    brand, channel, _ = (share.partner_id for share in contract.shares)
    assert brand is not None
    assert channel is not None
    return brand, channel, purchase


async def test_a_partner_pulls_its_statement_of_the_day_and_the_month(desk: Desk, house: House) -> None:
    brand, _, purchase = await sold_today(house)
    today = business_day(utc_now()).isoformat()
    for period in (today, today[:7]):
        (item,) = (await desk.partner(brand, PATH, params={"period": period})).json()["items"]
        assert (item["period"], item["status"], item["revision"]) == (period, "provisional", 0)
        assert item["summary"]["closing_minor"] == 1_399
        assert (await desk.partner(brand, f"{PATH}/{item['statement_id']}")).json() == item
        for known in item["files"]:
            file = await desk.partner(brand, known["href"])
            assert file.status_code == 200
            assert hashlib.sha256(file.content).hexdigest() == known["sha256"]
            assert file.headers["etag"] == f'"{known["sha256"]}"'
            digest = base64.b64encode(hashlib.sha256(file.content).digest()).decode()
            assert file.headers["repr-digest"] == f"sha-256=:{digest}:"
            assert int(file.headers["content-length"]) == known["size_bytes"] == len(file.content)
            assert str(purchase.order_id) in file.text


async def test_another_partners_statement_is_not_there(desk: Desk, house: House) -> None:
    brand, channel, _ = await sold_today(house)
    period = business_day(utc_now()).isoformat()
    (item,) = (await desk.partner(brand, PATH, params={"period": period})).json()["items"]
    path = f"{PATH}/{item['statement_id']}"
    for foreign in (path, f"{path}/file?format=csv", f"{PATH}/{new_id()}"):
        answer = await desk.partner(channel, foreign)
        assert (answer.status_code, answer.json()["code"]) == (404, "statement.not_found")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("?period=2026-13", 400, "period.invalid"),
        ("?period=yesterday", 400, "period.invalid"),
        ("?period=2999-01", 400, "period.invalid"),
        ("?period=2999-01-01-01", 422, "parameter.invalid"),
        ("?cursor=zzz", 422, "cursor.invalid"),
        ("/not-an-id", 422, "parameter.invalid"),
        (f"/{UUID(int=1)}/file?format=xlsx", 406, "statement.format_unavailable"),
        (f"/{UUID(int=1)}/file?format=%00", 406, "statement.format_unavailable"),
    ],
)
async def test_what_cannot_be_asked_for_is_refused_clearly(
    desk: Desk, house: House, query: str, status: int, code: str
) -> None:
    answer = await desk.partner(await house.partner(), PATH + query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_stranger_with_a_signature_has_no_statement(desk: Desk) -> None:
    answer = await desk.partner(new_id(), PATH, params={"period": "2026-11"})
    assert (answer.status_code, answer.json()["code"]) == (404, "partner.not_found")


async def test_final_statements_are_listed_page_by_page(desk: Desk, house: House) -> None:
    brand, channel, _ = await sold_today(house)
    await house.seal()
    assert (await desk.partner(brand, PATH)).json()["items"] == []
    await jobs.cut_off(house.database, lambda: house.now + timedelta(days=2))
    first = (await desk.operator("GET", "/v1/ops/statements", params={"limit": 1})).json()
    rest = (await desk.operator("GET", "/v1/ops/statements", params={"cursor": first["next_cursor"]})).json()
    listed = [item["partner_id"] for item in first["items"] + rest["items"] if len(item["period"]) == len("2026-11-20")]
    assert sorted(listed) == sorted(map(str, (brand, channel)))
    (own,) = [
        item for item in (await desk.partner(brand, PATH)).json()["items"] if len(item["period"]) > len("2026-11")
    ]
    assert (own["partner_id"], own["status"], own["revision"]) == (str(brand), "final", 1)
    assert own["block_hash"] is not None


async def test_balances_are_read_without_waiting_for_the_seal(desk: Desk, house: House) -> None:
    brand, _, purchase = await sold_today(house)

    async def payable() -> dict[str, object]:
        (found,) = (
            await desk.operator("GET", "/v1/ops/ledger/accounts", params={"kind": "payable", "owner": str(brand)})
        ).json()["items"]
        return dict(found)

    before = await payable()
    assert (before["balance_minor"], before["normal_side"], before["credit_minor"]) == (1_399, "credit", 1_399)
    await house.seal()
    assert await payable() == before
    await house.deliver(purchase.reversed())
    assert (await payable())["balance_minor"] == 0
    everything = (await desk.operator("GET", "/v1/ops/ledger/accounts")).json()["items"]
    assert sum(item["debit_minor"] for item in everything) == sum(item["credit_minor"] for item in everything)


async def test_an_order_shows_what_it_did(desk: Desk, house: House) -> None:
    _, _, purchase = await sold_today(house)
    await house.seal()
    await sold_today(house)
    await house.deliver(purchase.redeemed())
    await house.deliver(purchase.reversed())
    await house.deliver(purchase.refunded())
    found = (await desk.operator("GET", "/v1/ops/ledger/journals", params={"order_id": str(purchase.order_id)})).json()
    kinds = [item["kind"] for item in found["items"]]
    assert kinds[:5] == ["cash.in", "card.cost", "points.cost", "split", "redemption"]
    assert set(kinds[5:7]) == {"split.back", "points.back"}
    assert kinds[7:] == ["cash.out"]
    assert [item["block_no"] for item in found["items"]] == [1] * 4 + [None] * 4
    assert sum(posting["amount_minor"] for posting in found["items"][3]["postings"]) == 1_999
    unknown = await desk.operator("GET", "/v1/ops/ledger/journals", params={"order_id": str(new_id())})
    assert unknown.json()["items"] == []


async def test_verify_says_what_it_read(desk: Desk, house: House) -> None:
    await sold_today(house)
    await house.seal()
    outcome = (await desk.operator("GET", "/v1/ops/ledger/verify")).json()
    assert (outcome["ok"], outcome["journals"], outcome["first_wrong"]) == (True, 4, None)


async def test_figures_show_what_waits_and_for_which_fact(desk: Desk, house: House) -> None:
    await sold_today(house)
    await house.deliver(Purchase().paid())
    early = Purchase()
    await house.deliver(early.issued(), early.accrued())
    figures = (await desk.service("/internal/figures")).json()
    waiting = {fact: waits["count"] for fact, waits in figures["splits_waiting"].items()}
    assert waiting == {"paid": 1, "issued": 1, "accrued": 1}
    assert figures["splits_waiting"]["paid"]["oldest_s"] >= 0
    assert (figures["payable_minor"], figures["deferred_minor"]) == ({"CNY": 1_399}, {"CNY": 250})
    assert figures["unearned_minor"] == {"CNY": 1_999}
    assert (figures["head_block_no"], figures["unsealed_journals"]) == (0, 7)
    await house.seal()
    figures = (await desk.service("/internal/figures")).json()
    assert (figures["head_block_no"], figures["unsealed_journals"]) == (1, 0)
    assert figures["payable_minor"] == {"CNY": 1_399}
