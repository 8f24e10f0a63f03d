"""Top-ups through a supplier that cannot be trusted: delivered once or refunded, whatever it does."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from services.inventory.clients.supplier import SupplierClient
from services.inventory.domain.catalogue import SkuKind
from services.inventory.domain.stock import BuyerFieldsMissingError
from services.inventory.domain.supply import ATTEMPTS_MAX, AnswerKind, SupplierAnswer, TaskNotOpenError
from services.inventory.jobs import SupplierWorker
from services.inventory.usecases import supplying
from services.inventory.usecases.bought import Answered
from shared.clock import utc_now
from tests.inventory.door import Door, buyer
from tests.inventory.supply import ACCOUNT, COST_MINOR, SECRET, Supply, running_supply
from tests.inventory.world import World, at_once, order_of


@pytest.fixture
async def supply(world: World, tmp_path: Path) -> AsyncIterator[Supply]:
    async with running_supply(world, tmp_path) as supply:
        yield supply


async def test_a_top_up_is_delivered_and_told(supply: Supply, world: World, door: Door) -> None:
    order = await supply.buy(quantity=2, amount_minor=2_000)
    assert await world.stock(supply.sku_id) == (998, 0, 2)
    await supply.settle()
    (event,) = await world.events("card", order.order_id)
    assert event["type"] == "card.issued"
    assert event["cost_minor"] == 2 * COST_MINOR
    assert event["supplier_id"] == str(supply.supplier_id)
    assert event["masked"] == ["****11", "****11"]
    assert supply.charges().orders == 1
    answer = await door.reveal((await world.units(order))[0], buyer(order.member_id))
    assert (answer.status_code, answer.json()["code"]) == (409, "entitlement.no_code")


async def test_a_top_up_without_an_account_is_not_held(supply: Supply, world: World) -> None:
    (decision,) = await world.hold(order_of((supply.sku_id, 1)))
    assert isinstance(decision, BuyerFieldsMissingError)


async def test_the_account_is_kept_sealed(supply: Supply, world: World) -> None:
    await supply.buy()
    (row,) = await world.fetch("SELECT sealed, masked FROM buyer_fields")
    assert ACCOUNT.encode() not in row["sealed"]
    assert row["masked"] == "****11"


@pytest.mark.parametrize(
    "kind", ["slow", "error", "error_after", "garbage", "bad_signature", "never", "lost", "says_failed"]
)
async def test_whatever_the_supplier_does_it_is_paid_once(supply: Supply, world: World, kind: str) -> None:
    strikes = {"kind": kind, "times": 1, "delay_s": 0.7}
    await supply.faults(strikes, {"kind": "buys_twice"})
    order = await supply.buy()
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert supply.charges().orders == 1
    assert (await supply.task(order))["cost_minor"] == supply.charges().charged_minor


@pytest.mark.parametrize("kind", ["error", "garbage", "bad_signature", "lost", "slow"])
async def test_a_question_that_is_not_answered_is_asked_again(supply: Supply, world: World, kind: str) -> None:
    lost_answer = {"kind": "error_after", "times": 1}
    await supply.faults(
        lost_answer, {"kind": kind, "step": "query", "times": 2, "delay_s": 0.7}, {"kind": "buys_twice"}
    )
    order = await supply.buy()
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert supply.charges().orders == 1


async def test_a_top_up_that_fails_is_rejected_and_its_stock_is_free(supply: Supply, world: World) -> None:
    await supply.faults({"kind": "fails"})
    order = await supply.buy()
    await supply.settle()
    (event,) = await world.events("card", order.order_id)
    assert (event["type"], event["reason"]) == ("card.rejected", "supplier_failed")
    assert await world.stock(supply.sku_id) == (1_000, 0, 0)
    assert supply.charges().orders == 0


async def test_a_supplier_that_cannot_be_reached_is_given_up_after_some_tries(supply: Supply, world: World) -> None:
    await world.fetch("UPDATE suppliers SET base_url = 'http://127.0.0.1:9'")
    order = await supply.buy()
    await supply.settle()
    assert await world.kinds(order) == ["card.rejected"]
    assert (await supply.task(order))["attempts"] == ATTEMPTS_MAX


async def test_a_secret_is_changed_without_a_pause(supply: Supply, world: World, door: Door) -> None:
    path = f"/v1/ops/suppliers/{supply.supplier_id}"
    assert (await door.call("PATCH", path, json={"secret": "n" * 64})).status_code == 204
    order = await supply.buy()
    await supply.work()
    assert (await supply.task(order))["last_reason"] == "signature_invalid"  # the supplier does not know it yet
    assert (await door.call("PATCH", path, json={"secret": SECRET})).status_code == 204
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert supply.charges().orders == 1


async def test_what_costs_more_than_was_paid_is_not_bought(supply: Supply, world: World) -> None:
    order = await supply.buy(amount_minor=COST_MINOR - 1)
    (event,) = await world.events("card", order.order_id)
    assert (event["type"], event["reason"]) == ("card.rejected", "price_guard")
    assert await world.stock(supply.sku_id) == (1_000, 0, 0)


async def test_a_price_that_rose_meanwhile_is_not_paid(supply: Supply, world: World) -> None:
    order = await supply.buy()
    supply.supplier.set_cost("TOPUP-10", 2 * COST_MINOR)
    await supply.settle()
    assert await world.kinds(order) == ["card.rejected"]
    assert (await supply.task(order))["attempts"] == 1
    assert supply.charges().orders == 0


async def test_a_gift_may_cost_us_something_where_the_guard_is_off(supply: Supply, world: World) -> None:
    await world.fetch("UPDATE skus SET price_guard = false WHERE sku_id = $1", supply.sku_id)
    order = await supply.buy(amount_minor=0)
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]


async def test_without_a_supplier_it_is_rejected(world: World) -> None:
    sku_id = await world.sku(kind=SkuKind.DIRECT_TOP_UP)
    order = order_of((sku_id, 1))
    await world.hold(order, account=ACCOUNT)
    await world.reserve(order, kind=SkuKind.DIRECT_TOP_UP)
    assert [event["reason"] for event in await world.events("card")] == ["no_supplier"]


async def test_a_refund_before_the_call_cancels_it(supply: Supply, world: World) -> None:
    order = await supply.buy()
    await world.revoke(order)
    await supply.settle()
    assert await world.kinds(order) == ["card.revoked"]
    assert (await supply.task(order))["state"] == "cancelled"
    assert await world.stock(supply.sku_id) == (1_000, 0, 0)
    assert supply.charges().orders == 0


@pytest.mark.parametrize(
    ("fault", "told"),
    [("lost", ["card.revoked"]), ("error_after", ["card.issued", "card.revoke_refused"]), ("fails", ["card.revoked"])],
)
async def test_a_refund_during_the_call_waits_for_its_fate(
    supply: Supply, world: World, fault: str, told: list[str]
) -> None:
    await supply.faults({"kind": fault}, {"kind": "error", "step": "query", "times": 1})
    order = await supply.buy()
    await supply.work()
    if (await supply.task(order))["state"] == "failed":
        raise AssertionError("the fate was known too early for this test")
    await world.revoke(order)
    assert await world.kinds(order) == []
    await supply.settle()
    assert await world.kinds(order) == told
    assert supply.charges().orders == told.count("card.issued")


async def test_an_order_that_may_have_been_sent_before_a_crash_is_asked_about_first(
    supply: Supply, world: World
) -> None:
    await supply.faults({"kind": "buys_twice"})
    order = await supply.buy()
    async with world.database.begin() as uow:
        (leased,) = await supplying.take_due_tasks(uow, limit=1, now=utc_now())
    client = SupplierClient()
    await client.ask(supplying.open_order(leased, keyring=world.keyring), step=leased.step, now=utc_now())
    await client.close()  # and here the process dies, before it can record the answer

    await supply.work()
    assert (await supply.task(order))["state"] == "sent"  # still leased
    await supply.settle()
    assert await world.kinds(order) == ["card.issued"]
    assert supply.charges().orders == 1


async def test_two_workers_never_place_the_same_order(supply: Supply, world: World) -> None:
    await supply.faults({"kind": "slow", "share": 0.5, "delay_s": 0.05}, {"kind": "buys_twice"})
    orders = [await supply.buy() for _ in range(40)]
    client = SupplierClient()
    other = SupplierWorker(world.database, client, world.keyring, world.sealer)
    await asyncio.gather(*(supply.work(worker) for worker in (supply.worker, other) * 4))
    await supply.settle()
    await client.close()
    assert supply.charges().twice == 0
    assert supply.charges().orders == len(orders)
    assert await world.value("SELECT count(*) FROM entitlements") == len(orders)


async def test_of_16_workers_at_once_one_has_each_task(supply: Supply, world: World) -> None:
    orders = [await supply.buy() for _ in range(40)]

    async def take() -> list[UUID]:
        async with world.database.begin() as uow:
            leased = await supplying.take_due_tasks(uow, limit=10, now=utc_now())
            await asyncio.sleep(0.05)
            return [entry.task.task_id for entry in leased]

    taken = await at_once(world, [take] * 16)
    leased = [task_id for some in taken for task_id in some]
    assert len(leased) == len(set(leased)) == len(orders)


async def test_an_answer_under_a_lost_lease_is_not_recorded(supply: Supply, world: World) -> None:
    order = await supply.buy()
    async with world.database.begin() as uow:
        (stale,) = await supplying.take_due_tasks(uow, limit=1, now=utc_now())
    await supply.make_due()
    async with world.database.begin() as uow:
        (fresh,) = await supplying.take_due_tasks(uow, limit=1, now=utc_now())
    client = SupplierClient()
    answer = await client.ask(supplying.open_order(stale, keyring=world.keyring), step=stale.step, now=utc_now())
    await client.close()
    for leased, expect in ((stale, []), (fresh, ["card.issued"])):
        async with world.database.begin() as uow:
            await supplying.record_answers(uow, [Answered(leased, answer)], sealer=supply.world.sealer, now=utc_now())
        assert await world.kinds(order) == expect


async def test_a_refund_waits_for_an_answer_that_is_being_recorded(supply: Supply, world: World) -> None:
    order = await supply.buy()
    async with world.database.begin() as uow:
        (leased,) = await supplying.take_due_tasks(uow, limit=1, now=utc_now())
    delivered = Answered(leased, SupplierAnswer(AnswerKind.SUCCEEDED, cost_minor=COST_MINOR))
    async with world.database.begin() as uow:
        await supplying.record_answers(uow, [delivered], sealer=supply.world.sealer, now=utc_now())
        refund = asyncio.create_task(world.revoke(order))
        await asyncio.sleep(0.2)
    await refund
    assert await world.kinds(order) == ["card.issued", "card.revoke_refused"]


async def test_an_operator_decides_what_the_supplier_does_not_tell(supply: Supply, world: World, door: Door) -> None:
    await supply.faults({"kind": "never"}, {"kind": "lost", "step": "query"})
    order, other = await supply.buy(), await supply.buy()
    await supply.work()
    listed = (await door.get("/v1/ops/suppliers/tasks", state="unknown"))["items"]
    tasks = {task["component_id"]: task["task_id"] for task in listed}
    for entry, outcome in ((order, "delivered"), (other, "not_delivered")):
        path = f"/v1/ops/suppliers/tasks/{tasks[str(entry.component_id)]}/resolve"
        await door.post(path, {"outcome": outcome}, expect=204)
        assert (await door.post(path, {"outcome": outcome}, expect=409))["code"] == "task.ended"
    assert await world.kinds(order) == ["card.issued"]
    assert await world.kinds(other) == ["card.rejected"]
    with pytest.raises(TaskNotOpenError):
        async with world.database.begin() as uow:
            task_id = (await supply.task(order))["task_id"]
            await supplying.resolve_task(uow, task_id, delivered=True, sealer=supply.world.sealer, now=utc_now())


async def test_a_storm_of_faults_ends_with_every_order_delivered_once_or_rejected(supply: Supply, world: World) -> None:
    storm = ["slow", "error", "error_after", "garbage", "bad_signature", "never", "says_failed", "fails"]
    placing = [{"kind": kind, "share": 0.12, "delay_s": 0.02} for kind in storm]
    asking = [{"kind": kind, "step": "query", "share": 0.1, "delay_s": 0.02} for kind in ("error", "garbage", "slow")]
    await supply.faults(*placing, {"kind": "buys_twice"}, *asking)
    orders = [await supply.buy() for _ in range(120)]
    await supply.settle(rounds=60)
    told = [await world.kinds(order) for order in orders]
    assert all(kinds in (["card.issued"], ["card.rejected"]) for kinds in told)
    booked = sum(event["cost_minor"] for event in await world.events("card") if event["type"] == "card.issued")
    assert supply.charges().twice == 0
    assert (supply.charges().orders, supply.charges().charged_minor) == (told.count(["card.issued"]), booked)
    assert await world.stock(supply.sku_id) == (1_000 - supply.charges().orders, 0, supply.charges().orders)
